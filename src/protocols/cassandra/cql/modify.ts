import type { Cursor } from './cursor.ts'
import { NUMBER } from './lexer.ts'
import { conditions, whereOfWrite } from './relations.ts'
import type { Parsed } from './select.ts'
import { integer, isColumn, markerTerm, term } from './terms.ts'
import type { Assignment, Delete, Deletion, Insert, Name, Step, Term, Update, Using } from './tree.ts'

/** Behind INSERT: insertStatement of Parser.g. */
export function insert(cursor: Cursor): Parsed<Insert> {
  cursor.expect('into')
  const table = cursor.reference('table')
  let columns: Name[] = []
  let values: Term[] = []
  let json: Term | null = null
  if (cursor.takes('json')) json = jsonOf(cursor)
  else {
    columns = cursor.bracketed(() => cursor.name('a column'))
    cursor.expect('values')
    values = cursor.bracketed(() => term(cursor))
  }
  const ifNotExists = cursor.takes('if', 'not', 'exists')
  return { type: 'insert', table, columns, values, json, ifNotExists, using: using(cursor) }
}

function jsonOf(cursor: Cursor): Term {
  const json: Term = cursor.isMarker ? markerTerm(cursor) : { term: 'literal', type: 'string', ...cursor.string() }
  if (cursor.takes('default') && !cursor.takes('null')) cursor.expect('unset')
  return json
}

/** `USING TIMESTAMP n AND TTL n`, or nothing. */
export function using(cursor: Cursor): Using | null {
  const { start } = cursor
  if (!cursor.takes('using')) return null
  let timestamp: Term | null = null
  let ttl: Term | null = null
  cursor.conjunction(() => {
    if (cursor.takes('timestamp')) timestamp = integer(cursor)
    else {
      cursor.expect('ttl')
      ttl = integer(cursor)
    }
  })
  return { timestamp, ttl, start, end: cursor.before }
}

/** Behind UPDATE: updateStatement of Parser.g. */
export function update(cursor: Cursor): Parsed<Update> {
  const table = cursor.reference('table')
  const attributes = using(cursor)
  cursor.expect('set')
  const assignments = cursor.list(() => assignment(cursor))
  return { type: 'update', table, using: attributes, assignments, where: whereOfWrite(cursor), ...conditions(cursor) }
}

function assignment(cursor: Cursor): Assignment {
  const { start } = cursor
  const column = cursor.name('a column')
  const key = keyOf(cursor)
  const assigned = (operator: Assignment['operator'], value: Term): Assignment => ({ column, key, operator, value, start, end: cursor.before }) // prettier-ignore
  if (key === null && cursor.takesSymbol('+=')) return assigned('+=', term(cursor))
  if (key === null && cursor.takesSymbol('-=')) return assigned('-=', term(cursor))
  cursor.expectSymbol('=')
  if (key === null && isColumn(cursor)) {
    sameColumn(cursor, column)
    // Of `a = a -1` the server reads no minus but a negative number, so that `a = a 1` is a statement too.
    if (cursor.takesSymbol('+') || cursor.kind === NUMBER) return assigned('+=', term(cursor))
    cursor.expectSymbol('-')
    return assigned('-=', term(cursor))
  }
  const value = term(cursor)
  if (key !== null || !cursor.takesSymbol('+')) return assigned('=', value)
  sameColumn(cursor, column)
  return assigned('prepend', value)
}

/** The server takes only `a = a + value` and `a = value + a`. */
function sameColumn(cursor: Cursor, column: Name): void {
  if (!cursor.isName || cursor.text !== column.text) cursor.fail(`the column ${column.text}`)
  cursor.next()
}

/** `[key]` or `.field`. */
function keyOf(cursor: Cursor): Step | null {
  if (cursor.takesSymbol('.')) return { step: 'field', name: cursor.name('a field') }
  if (!cursor.takesSymbol('[')) return null
  const at = term(cursor)
  cursor.expectSymbol(']')
  return { step: 'element', at }
}

/** Behind DELETE: deleteStatement of Parser.g. */
export function deletion(cursor: Cursor): Parsed<Delete> {
  const deletions = cursor.isWord('from') ? [] : cursor.list(() => deleted(cursor))
  cursor.expect('from')
  const table = cursor.reference('table')
  const attributes = using(cursor)
  if (attributes?.ttl) cursor.fail('no TTL before this')
  return { type: 'delete', table, deletions, using: attributes, where: whereOfWrite(cursor), ...conditions(cursor) }
}

function deleted(cursor: Cursor): Deletion {
  const column = cursor.name('a column')
  return { column, key: keyOf(cursor), start: column.start, end: cursor.before }
}
