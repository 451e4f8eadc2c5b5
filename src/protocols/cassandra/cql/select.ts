import type { Cursor } from './cursor.ts'
import { where } from './relations.ts'
import { integer, selection, term } from './terms.ts'
import type { Name, Ordering, Select, Selector, Term } from './tree.ts'

/** What a statement has besides its place and what it names. */
export type Parsed<T> = Omit<T, 'kind' | 'references' | 'markers' | 'start' | 'end'>

/** Behind SELECT: selectStatement of Parser.g. */
export function select(cursor: Cursor): Parsed<Select> {
  const json = takesModifier(cursor, 'json')
  const distinct = takesModifier(cursor, 'distinct')
  const selectors = selectorsOf(cursor)
  cursor.expect('from')
  const table = cursor.reference('table')
  const clause = where(cursor)
  const groupBy = cursor.takes('group', 'by') ? cursor.list(() => selection(cursor)) : []
  const orderBy = cursor.takes('order', 'by') ? cursor.list(() => ordering(cursor)) : []
  const perPartitionLimit = cursor.takes('per', 'partition', 'limit') ? integer(cursor) : null
  const limit = cursor.takes('limit') ? integer(cursor) : null
  const allowsFiltering = cursor.takes('allow', 'filtering')
  if (cursor.takes('with')) cursor.conjunction(() => indexHint(cursor))
  return { type: 'select', json, distinct, selectors, table, where: clause, groupBy, orderBy, perPartitionLimit, limit, allowsFiltering } // prettier-ignore
}

/** JSON and DISTINCT may be columns. What could be either is no column, as the server has it: `JSON -a`, `JSON (a, b)`. */
function takesModifier(cursor: Cursor, word: string): boolean {
  const at = cursor.mark()
  if (!cursor.takes(word)) return false
  let isColumn = [',', '.', '+', '/', '%'].some((symbol) => cursor.isSymbol(symbol)) || cursor.isWord('from')
  if (cursor.isWord('as')) {
    cursor.next()
    isColumn = cursor.isName
  } else if (!isColumn) return true
  cursor.reset(at)
  if (!isColumn) cursor.next()
  return !isColumn
}

export function selectorsOf(cursor: Cursor): Selector[] {
  return cursor.takesSymbol('*') ? [] : cursor.list(() => selector(cursor))
}

function selector(cursor: Cursor): Selector {
  const computed: Term = selection(cursor)
  const alias: Name | null = cursor.takes('as') ? cursor.name('an alias') : null
  return { term: computed, alias, start: computed.start, end: cursor.before }
}

function ordering(cursor: Cursor): Ordering {
  const column = cursor.name('a column')
  const near = cursor.takes('ann', 'of') ? term(cursor) : null
  const descending = cursor.takes('desc')
  if (!descending) cursor.takes('asc')
  return { column, near, descending, start: column.start, end: cursor.before }
}

/** `included_indexes = {a, b}`. */
function indexHint(cursor: Cursor): void {
  cursor.name('an option')
  cursor.expectSymbol('=')
  cursor.expectSymbol('{')
  if (!cursor.isSymbol('}')) cursor.list(() => cursor.name('an index'))
  cursor.expectSymbol('}')
}
