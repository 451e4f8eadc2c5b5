import type { Column, Metadata } from '../../protocols/cassandra/body/results.ts'
import { holdsSealed, wrongType, type Plan } from './cql-plan.ts'
import type { ProtectedColumn, ProtectedTables } from './protected-tables.ts'
import { UnreadableError } from './refusal.ts'
import type { Missing, Sealer } from './sealer.ts'

type Row = readonly (Buffer | null)[]

/** Which columns of a reply are protected; null: none. `prepared`: the columns where the reply itself does not name them. */
export function protectedAmong(
  { columns, columnCount }: Metadata,
  { selected }: Plan,
  prepared: readonly Column[] | null,
  tables: ProtectedTables,
): readonly (ProtectedColumn | null)[] | null {
  const described = columns ?? prepared
  if (described === null || described.length !== columnCount)
    throw new UnreadableError('the columns of a table with protected ones came without their names: prepare the statement again') // prettier-ignore
  // By place, since an alias may be any name.
  const bySelector = selected?.length === columnCount ? selected : null
  const found = described.map(({ keyspace, table, name }, i) => bySelector === null ? tables.column(keyspace, table, name) : bySelector[i]!) // prettier-ignore
  for (const [i, column] of found.entries()) {
    const { type } = described[i]!.type
    if (column !== null && !holdsSealed(type)) throw new UnreadableError(wrongType(column, type).message)
  }
  return found.some((column) => column !== null) ? found : null
}

/** The rows with what is protected opened; keys that are not known are added to `missing`, and the rows are then to be opened again. */
export function openRows(
  rows: readonly Row[],
  columns: readonly (ProtectedColumn | null)[],
  sealer: Sealer,
  missing: Missing,
): Row[] {
  return rows.map((row) =>
    row.map((value, i) => {
      const column = columns[i]!
      return column === null || value === null ? value : sealer.open(column, value, missing)
    }),
  )
}
