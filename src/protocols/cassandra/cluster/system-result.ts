import type { Result } from '../body/results.ts'
import type { Select, Term } from '../cql/tree.ts'
import { jsonText } from '../values/json-text.ts'
import { columnSelection, selectionsOf, type Selection } from './selection.ts'
import { LOCAL_COLUMNS, type Row, type Surroundings, type SystemTable, type Table } from './system-rows.ts'
import type { SystemQuery } from './system-select.ts'
import { boundValue, filterOf, type Given } from './where.ts'

type Rows = Extract<Result, { type: 'rows' }>

export interface SystemResult {
  readonly rows: readonly (readonly (Buffer | null)[])[]
  /** For the client: what of its statement could not be done here. */
  readonly warnings: readonly string[]
}

/**
 * The rows that a SELECT brings from a table as clients see it.
 * @param reply What the server brought from its own: columns, and values that do not depend on nodes.
 */
export function resultOf(asked: SystemQuery, table: Table, reply: Rows, { warn }: Surroundings): SystemResult {
  const types = new Map(table.columns.map(({ name, type }) => [name, type]))
  const given: Given = { text: asked.text, values: asked.parameters.values, markers: asked.markers, types }
  const { select } = asked
  const { accepts, ignored } = filterOf(select?.where ?? null, given)
  const warnings = ignored.map(({ start, end }) => ignoredText(asked, start, end))
  const selections = selectionsFor(asked, types, reply)
  for (const name of new Set(selections.flatMap((each) => each.columns)))
    if (isUnknown(name, asked.table, table)) warn(`Unknown column name in system.peers/system.peers_v2: ${name}`)
  const each = limitOf(select?.perPartitionLimit ?? null, given)
  const rows = limitedEach(table.rows.filter(accepts), each)
  const limited = groupsOf(select, rows, selections).slice(0, limitOf(select?.limit ?? null, given))
  if (select?.json === true) return { rows: jsonRows(limited, selections, asked, warnings), warnings }
  const values = selections.map((selection, index) => columnOf(selection, index, asked, reply, warnings))
  return { rows: limited.map((group) => values.map((value) => value(group))), warnings }
}

function ignoredText({ table, text }: SystemQuery, start: number, end: number): string {
  const shown = text.toString('utf8', start, Math.min(end, start + 100))
  return `WHERE clause on the query was ignored in part. Shotover does not support ${shown} on queries against system.${table}`
}

/** A column of the table that clients are told nothing of: it is null. */
function isUnknown(name: string, asked: SystemTable, { columns, rows }: Table): boolean {
  return asked !== 'local' && rows[0]?.has(name) === false && columns.some((column) => column.name === name)
}

function selectionsFor({ select, columns, text }: SystemQuery, types: Given['types'], reply: Rows): Selection[] {
  const { columns: described, columnCount } = reply.metadata
  const told = described ?? columns
  if (select !== null && (select.json || select.selectors.length === columnCount))
    return selectionsOf(select, types, text)
  // `*` is in the order of the reply; so is what could not be parsed.
  const names = told?.map(({ name }) => name) ?? [...types.keys()]
  return names.slice(0, columnCount).map((name) => columnSelection(name, types))
}

/** The rows of which each row of the result is made. */
function groupsOf(select: Select | null, rows: readonly Row[], selections: readonly Selection[]): (readonly Row[])[] {
  if (select === null) return rows.map((row) => [row])
  const names = select.groupBy.flatMap((term) => (term.term === 'name' ? [term.name.text] : []))
  if (names.length > 0) return grouped(rows, names)
  if (selections.some(({ computation }) => computation?.isAggregate === true)) return [rows]
  return select.distinct ? grouped(rows, ['peer']) : rows.map((row) => [row])
}

/** Of each partition so many rows at most. */
function limitedEach(rows: readonly Row[], limit: number): readonly Row[] {
  return limit === Infinity ? rows : grouped(rows, ['peer']).flatMap((group) => group.slice(0, limit))
}

function grouped(rows: readonly Row[], names: readonly string[]): (readonly Row[])[] {
  const groups = Map.groupBy(rows, (row) => names.map((name) => row.get(name)?.toString('hex') ?? '').join())
  return [...groups.values()]
}

/** How many rows at most. */
function limitOf(limit: Term | null, given: Given): number {
  if (limit === null) return Infinity
  if (limit.term !== 'marker') return Number(given.text.toString('latin1', limit.start, limit.end))
  const bytes = boundValue(limit.marker, given)
  return bytes?.length === 4 ? bytes.readInt32BE() : Infinity
}

/** Values of one column of the result. */
function columnOf(
  { computation, columns, name }: Selection,
  index: number,
  { table }: SystemQuery,
  reply: Rows,
  warnings: string[],
): (group: readonly Row[]) => Buffer | null {
  if (computation !== null) return (group) => computation.of(group)
  const isOfNodes = table === 'local' ? columns.some((each) => LOCAL_COLUMNS.has(each)) : columns.length > 0
  // What the server has computed of nothing that is the proxies' holds for them.
  const [first] = reply.rows
  if (!isOfNodes && first !== undefined) return () => first[index] ?? null
  warnings.push(`${name || 'A function'} is null. Shotover does not support it on queries against system.${table}`)
  return () => null
}

function jsonRows(
  groups: readonly (readonly Row[])[],
  selections: readonly Selection[],
  { table }: SystemQuery,
  warnings: string[],
): Buffer[][] {
  for (const { name, computation } of selections)
    if (computation === null)
      warnings.push(`${name} is null. Shotover does not support it on queries against system.${table}`)
  return groups.map((group) => {
    const fields = selections.map(({ name, computation }) => {
      const value = computation === null ? null : jsonText(computation.type, computation.of(group))
      const quoted = name === name.toLowerCase() ? name : `"${name}"`
      return `${JSON.stringify(quoted)}: ${value ?? 'null'}`
    })
    return [Buffer.from(`{${fields.join(', ')}}`)]
  })
}
