import type { Cursor } from './cursor.ts'
import { term } from './terms.ts'
import type { Clause, Conditions, Marker, Name, Operator, Relation, Term } from './tree.ts'

/** `WHERE` is passed over; null where there is none. */
export function where(cursor: Cursor): Clause | null {
  return cursor.takes('where') ? clause(cursor, relation) : null
}

/** Of a statement that has to say which rows. */
export function whereOfWrite(cursor: Cursor): Clause {
  return where(cursor) ?? cursor.fail('WHERE')
}

/** `IF EXISTS` or `IF` and conditions, or nothing. */
export function conditions(cursor: Cursor): Conditions {
  if (!cursor.takes('if')) return { ifExists: false, ifs: null }
  // `exists` may be a column.
  const at = cursor.mark()
  if (cursor.takes('exists') && operatorHere(cursor) === null && !cursor.isSymbol('[') && !cursor.isSymbol('.'))
    return { ifExists: true, ifs: null }
  cursor.reset(at)
  return { ifExists: false, ifs: clause(cursor, condition) }
}

function clause(cursor: Cursor, parse: (cursor: Cursor) => Relation): Clause {
  const { start } = cursor
  const relations = cursor.conjunction(() => parse(cursor))
  return { relations, start, end: cursor.before }
}

/** What a relation is about. */
interface Subject {
  readonly on: Relation['on']
  readonly columns: readonly Name[]
  readonly key: Term | null
}

function relation(cursor: Cursor): Relation {
  const { start } = cursor
  if (cursor.isSymbol('(')) {
    const at = cursor.mark()
    const columns = tupleOfColumns(cursor)
    if (columns !== null) return related(cursor, start, { on: 'tuple', columns, key: null })
    cursor.reset(at)
    return cursor.nested(() => {
      cursor.next()
      const inner = relation(cursor)
      cursor.expectSymbol(')')
      return inner
    })
  }
  if (cursor.takes('token')) {
    const columns = cursor.bracketed(() => cursor.name('a column'))
    return related(cursor, start, { on: 'token', columns, key: null })
  }
  if (cursor.isWord('expr')) {
    const at = cursor.mark()
    cursor.next()
    if (cursor.isSymbol('(')) return customIndex(cursor, start)
    cursor.reset(at)
  }
  return condition(cursor)
}

/** `(a, b)`; null where it is something else in brackets, wherever the cursor is then. */
function tupleOfColumns(cursor: Cursor): Name[] | null {
  const columns: Name[] = []
  do {
    cursor.next()
    if (!cursor.isName) return null
    columns.push(cursor.word())
  } while (cursor.isSymbol(','))
  return cursor.takesSymbol(')') ? columns : null
}

/** `expr(index, value)`. */
function customIndex(cursor: Cursor, start: number): Relation {
  cursor.next()
  const columns = [cursor.name('an index')]
  cursor.expectSymbol(',')
  const values = [term(cursor)]
  cursor.expectSymbol(')')
  return { on: 'index', columns, key: null, operator: 'EXPR', values, list: null, start, end: cursor.before }
}

/** About one column, or an element or a field of it. */
function condition(cursor: Cursor): Relation {
  const { start } = cursor
  const columns = [cursor.name('a column')]
  if (cursor.takesSymbol('[')) {
    const key = term(cursor)
    cursor.expectSymbol(']')
    return related(cursor, start, { on: 'element', columns, key })
  }
  if (!cursor.takesSymbol('.')) return related(cursor, start, { on: 'column', columns, key: null })
  const name = cursor.name('a field')
  const key: Term = { term: 'name', name, start: name.start, end: name.end }
  return related(cursor, start, { on: 'field', columns, key })
}

function related(cursor: Cursor, start: number, subject: Subject): Relation {
  const operator = operatorHere(cursor) ?? cursor.fail('an operator')
  cursor.next()
  for (const word of MORE_WORDS[operator] ?? []) cursor.expect(word)
  if (operator === 'CONTAINS' || operator === 'NOT CONTAINS') return contains(cursor, start, subject, operator)
  const { values, list } = valuesOf(cursor, operator)
  return { ...subject, operator, values, list, start, end: cursor.before }
}

/** `CONTAINS value` or `CONTAINS KEY value`. */
function contains(cursor: Cursor, start: number, subject: Subject, operator: 'CONTAINS' | 'NOT CONTAINS'): Relation {
  const isOfKey = cursor.takes('key')
  const values = [term(cursor)]
  return { ...subject, operator: isOfKey ? `${operator} KEY` : operator, values, list: null, start, end: cursor.before }
}

const SYMBOLS = ['=', '!=', '<=', '<', '>=', '>'] as const

/** Words behind the first one. NOT has been looked at further. */
const MORE_WORDS: Readonly<Partial<Record<Operator, readonly string[]>>> = {
  'IS NOT NULL': ['not', 'null'],
  'NOT IN': ['in'],
  'NOT CONTAINS': ['contains'],
}

function operatorHere(cursor: Cursor): Operator | null {
  for (const symbol of SYMBOLS) if (cursor.isSymbol(symbol)) return symbol
  if (cursor.isWord('in')) return 'IN'
  if (cursor.isWord('contains')) return 'CONTAINS'
  if (cursor.isWord('like')) return 'LIKE'
  if (cursor.isWord('between')) return 'BETWEEN'
  if (cursor.isWord('is')) return 'IS NOT NULL'
  if (!cursor.isWord('not')) return null
  const at = cursor.mark()
  cursor.next()
  const operator = cursor.isWord('in') ? 'NOT IN' : cursor.isWord('contains') ? 'NOT CONTAINS' : null
  cursor.reset(at)
  return operator
}

function valuesOf(cursor: Cursor, operator: Operator): { values: readonly Term[]; list: Marker | null } {
  if (operator === 'IS NOT NULL') return { values: [], list: null }
  if (operator === 'IN' || operator === 'NOT IN') {
    if (cursor.isMarker) return { values: [], list: cursor.marker() }
    return { values: bracketedTerms(cursor), list: null }
  }
  const first = term(cursor)
  if (operator !== 'BETWEEN') return { values: [first], list: null }
  cursor.expect('and')
  return { values: [first, term(cursor)], list: null }
}

/** May be empty. */
function bracketedTerms(cursor: Cursor): Term[] {
  cursor.expectSymbol('(')
  const terms = cursor.isSymbol(')') ? [] : cursor.list(() => term(cursor))
  cursor.expectSymbol(')')
  return terms
}
