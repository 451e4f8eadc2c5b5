import type { Cursor } from './cursor.ts'
import { BLOB, END, NUMBER, QUOTED, STRING, UUID, WORD } from './lexer.ts'
import type { LiteralType, Name, Operand, Reference, Step, Term } from './tree.ts'
import { typeName } from './type-name.ts'

/** A value: `term` of Parser.g. Columns have no place in it. */
export function term(cursor: Cursor): Term {
  return sum(cursor, false)
}

/** What a SELECT computes: `unaliasedSelector` of Parser.g. */
export function selection(cursor: Cursor): Term {
  return sum(cursor, true)
}

/** A whole number or a marker. */
export function integer(cursor: Cursor): Term {
  if (cursor.isMarker) return markerTerm(cursor)
  const found = term(cursor)
  if (found.term !== 'literal' || found.type !== 'integer') cursor.fail('a whole number before this')
  return found
}

export function markerTerm(cursor: Cursor): Term {
  const marker = cursor.marker()
  return { term: 'marker', marker, start: marker.start, end: marker.end }
}

function sum(cursor: Cursor, columns: boolean): Term {
  return cursor.nested(() => operation(cursor, columns, ['+', '-'], () => product(cursor, columns)))
}

function product(cursor: Cursor, columns: boolean): Term {
  return operation(cursor, columns, ['*', '/', '%'], () => signed(cursor, columns))
}

function operation(cursor: Cursor, columns: boolean, operators: readonly string[], operand: () => Term): Term {
  const first = operand()
  const rest: Operand[] = []
  for (;;) {
    const operator = operators.find((each) => cursor.isSymbol(each))
    if (operator === undefined) break
    const at = cursor.mark()
    cursor.next()
    // `a = value + a` of an UPDATE: the column is not part of the value.
    if (!columns && operator === '+' && isColumn(cursor)) {
      cursor.reset(at)
      break
    }
    rest.push({ operator, term: operand() })
  }
  return rest.length === 0 ? first : { term: 'operation', first, rest, start: first.start, end: cursor.before }
}

/** Does the name of a column stand here, which is no call? Null, numbers and the like are no names. */
export function isColumn(cursor: Cursor): boolean {
  if (!cursor.isName || literalType(cursor) !== null) return false
  const at = cursor.mark()
  cursor.next()
  const is = !cursor.isSymbol('(') && !cursor.isSymbol('.')
  cursor.reset(at)
  return is
}

function signed(cursor: Cursor, columns: boolean): Term {
  const { start } = cursor
  if (!cursor.takesSymbol('-')) return columns ? path(cursor) : simple(cursor, false)
  if (cursor.isSymbol('-') && !columns) cursor.fail('a value')
  const of = cursor.nested(() => signed(cursor, columns))
  // A number's sign is its own.
  if (of.term === 'literal' && (of.type === 'integer' || of.type === 'float' || of.type === 'duration'))
    return { ...of, start }
  return { term: 'negation', of, start, end: of.end }
}

/** With `.field`, `[at]` and `[from..to]` behind it. */
function path(cursor: Cursor): Term {
  const of = simple(cursor, true)
  const steps: Step[] = []
  for (;;) {
    if (cursor.takesSymbol('.')) steps.push({ step: 'field', name: cursor.name('a field') })
    else if (cursor.takesSymbol('[')) {
      steps.push(subscript(cursor))
      cursor.expectSymbol(']')
    } else break
  }
  return steps.length === 0 ? of : { term: 'path', of, steps, start: of.start, end: cursor.before }
}

function subscript(cursor: Cursor): Step {
  if (cursor.takesSymbol('..')) return { step: 'slice', from: null, to: term(cursor) }
  const at = term(cursor)
  if (!cursor.takesSymbol('..')) return { step: 'element', at }
  return { step: 'slice', from: at, to: cursor.isSymbol(']') ? null : term(cursor) }
}

/** `value`, `function` and the like of Parser.g, or a column where `columns` may be. */
function simple(cursor: Cursor, columns: boolean): Term {
  const type = literalType(cursor)
  if (type !== null) {
    const { start, end } = cursor
    cursor.next()
    return { term: 'literal', type, start, end }
  }
  if (cursor.isMarker) return markerTerm(cursor)
  if (cursor.isSymbol('(')) return hintOrTuple(cursor, columns)
  if (cursor.isSymbol('[')) return cursor.nested(() => list(cursor, columns))
  if (cursor.isSymbol('{')) return cursor.nested(() => setOrMap(cursor, columns))
  if (cursor.kind === WORD || cursor.kind === QUOTED) return callOrColumn(cursor, columns)
  return cursor.fail('a value')
}

/** `(type) value`, or `(a, b)`. A pair of brackets around one value is a tuple of one as well. */
function hintOrTuple(cursor: Cursor, columns: boolean): Term {
  const at = cursor.mark()
  const { start } = at
  cursor.next()
  if (cursor.isName || cursor.isWord('set') || cursor.isString()) {
    const to = cursor.attempt(() => typeName(cursor))
    if (to !== null && cursor.takesSymbol(')') && beginsValue(cursor)) {
      const of = cursor.nested(() => simple(cursor, columns))
      return { term: 'hint', of, to, start, end: of.end }
    }
    cursor.reset(at)
    cursor.next()
  }
  const items = cursor.list(() => sum(cursor, columns))
  cursor.expectSymbol(')')
  return { term: 'tuple', items, start, end: cursor.before }
}

/** Can a value begin here, behind a closing bracket? `AS` and other words that go on with a statement name nothing here. */
function beginsValue(cursor: Cursor): boolean {
  if (cursor.kind === END) return false
  if (cursor.kind === WORD) return !(cursor.isWord('as') || CLAUSES.has(cursor.text)) && (cursor.isName || cursor.isWord('token') || literalType(cursor) !== null) // prettier-ignore
  return (
    literalType(cursor) !== null ||
    cursor.kind === QUOTED ||
    ['(', '[', '{', '?', ':'].some((each) => cursor.isSymbol(each))
  )
}

const CLAUSES: ReadonlySet<string> = new Set(['group', 'per', 'like', 'contains', 'between', 'filtering', 'default'])

function list(cursor: Cursor, columns: boolean): Term {
  const { start } = cursor
  cursor.next()
  const items = cursor.isSymbol(']') ? [] : cursor.list(() => sum(cursor, columns))
  cursor.expectSymbol(']')
  return { term: 'list', items, start, end: cursor.before }
}

function setOrMap(cursor: Cursor, columns: boolean): Term {
  const { start } = cursor
  cursor.next()
  if (cursor.takesSymbol('}')) return { term: 'set', items: [], start, end: cursor.before }
  const first = key(cursor, columns)
  if (!cursor.isSymbol(':')) {
    if (first.term === 'name' && !columns) cursor.fail(':')
    const items = [first]
    while (cursor.takesSymbol(',')) items.push(sum(cursor, columns))
    cursor.expectSymbol('}')
    return { term: 'set', items, start, end: cursor.before }
  }
  const entries: [Term, Term][] = []
  const value = (): Term => {
    cursor.expectSymbol(':')
    return sum(cursor, columns)
  }
  entries.push([first, value()])
  while (cursor.takesSymbol(',')) entries.push([key(cursor, columns), value()])
  cursor.expectSymbol('}')
  return { term: 'map', entries, start, end: cursor.before }
}

/** Of a map, any value; of a user's type, the name of a field. */
function key(cursor: Cursor, columns: boolean): Term {
  if (cursor.isName) {
    const at = cursor.mark()
    const name = cursor.word()
    if (cursor.isSymbol(':')) return { term: 'name', name, start: name.start, end: name.end }
    cursor.reset(at)
  }
  return sum(cursor, columns)
}

function callOrColumn(cursor: Cursor, columns: boolean): Term {
  const { start } = cursor
  const first = functionWord(cursor)
  if (cursor.isSymbol('(')) {
    if (first.text === 'cast' && cursor.bytes[start] !== 0x22) return cast(cursor, start, columns)
    return call(cursor, null, first, columns)
  }
  if (cursor.isSymbol('.')) {
    const at = cursor.mark()
    cursor.next()
    if (cursor.kind === WORD || cursor.kind === QUOTED) {
      const name = functionWord(cursor)
      if (cursor.isSymbol('(')) return call(cursor, first, name, columns)
    }
    cursor.reset(at)
  }
  if (!columns || first.text === 'token') cursor.fail('(')
  return { term: 'name', name: first, start, end: first.end }
}

/** `token` is the one reserved word that is a function too. */
function functionWord(cursor: Cursor): Name {
  return cursor.isWord('token') ? cursor.word() : cursor.name('a value')
}

function call(cursor: Cursor, keyspace: Name | null, name: Name, columns: boolean): Term {
  const { start } = keyspace ?? name
  const called: Reference = cursor.refer({ of: 'function', keyspace, name, start, end: name.end })
  cursor.expectSymbol('(')
  let args: Term[] = []
  if (columns && name.text === 'count' && cursor.isSymbol('*')) {
    args = [{ term: 'star', start: cursor.start, end: cursor.end }]
    cursor.next()
  } else if (!cursor.isSymbol(')')) args = cursor.list(() => sum(cursor, columns))
  cursor.expectSymbol(')')
  return { term: 'call', function: called, args, start, end: cursor.before }
}

function cast(cursor: Cursor, start: number, columns: boolean): Term {
  cursor.expectSymbol('(')
  const of = sum(cursor, columns)
  cursor.expect('as')
  const to = typeName(cursor)
  cursor.expectSymbol(')')
  return { term: 'cast', of, to, start, end: cursor.before }
}

const ISO_DURATION = /^P(?:\d+W|(?=[\dT])(?:\d+Y)?(?:\d+M)?(?:\d+D)?(?:T(?=\d)(?:\d+H)?(?:\d+M)?(?:\d+S)?)?)$/
const ISO_ALTERNATIVE = /^P\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$/
const ISO_ALTERNATIVE_BYTES = 20
const DURATION = /^(?:\d+(?:[mM][oO]|[mMuUµnN]?[sS]|[yYwWdDhHmM]))+$/

/** The type of a literal without its sign; null where the present token is none. */
function literalType(cursor: Cursor): LiteralType | null {
  switch (cursor.kind) {
    case STRING:
      return 'string'
    case UUID:
      return 'uuid'
    case BLOB:
      return 'blob'
    case NUMBER: {
      const { text } = cursor
      if (/^\d+$/.test(text)) return 'integer'
      if (/^\d+(?:\.\d*)?(?:e[+-]?\d+)?$/i.test(text)) return 'float'
      return DURATION.test(text) ? 'duration' : cursor.fail('a number or a duration')
    }
    case WORD:
      return wordLiteral(cursor)
    default:
      return null
  }
}

function wordLiteral(cursor: Cursor): LiteralType | null {
  if (cursor.isWord('true') || cursor.isWord('false')) return 'boolean'
  if (cursor.isWord('null')) return 'null'
  if (cursor.isWord('nan') || cursor.isWord('infinity')) return 'float'
  if (cursor.bytes[cursor.start] !== 0x50) return null
  const { bytes, start, end } = cursor
  if (end - start < 64 && ISO_DURATION.test(bytes.toString('latin1', start, end))) return 'duration'
  const alternative = start + ISO_ALTERNATIVE_BYTES
  if (end - start !== 5 || !ISO_ALTERNATIVE.test(cursor.slice(start, alternative))) return null
  cursor.stretch(alternative)
  return 'duration'
}
