import { hash } from 'node:crypto'
import { UNSET, type BoundValue, type Parameters } from '../../protocols/cassandra/body/requests.ts'
import { Writer } from '../../protocols/cassandra/body/writer.ts'
import type { CachedTable } from './tables.ts'

/** SERIAL and LOCAL_SERIAL: such a read may end what an INSERT ... IF began. */
export function isSerial({ consistency }: Parameters): boolean {
  return consistency === 8 || consistency === 9
}

/** Bytes of a partition's key that stand in the key in Valkey as they are; of a longer one, a digest. */
const KEY_BYTES_MAX = 128

/** The key in Valkey of a partition. */
export function partitionPlace(table: CachedTable, partition: Buffer): string {
  return partition.length <= KEY_BYTES_MAX
    ? `${table.key}:${partition.toString('hex')}`
    : `${table.key}:#${hash('sha256', partition)}`
}

/** What is said of a read beside its statement. */
export interface Asker {
  readonly version: number
  readonly user: string
  readonly keyspace: string | null
}

/**
 * A digest of all that tells what a read is answered with: who asks, in which version and keyspace, the statement (its text, or the ids
 * that it was prepared with), values, consistency, paging and flags. A timestamp says nothing of a read.
 */
export function readDigest(
  asker: Asker,
  statement: readonly (string | Buffer | null)[],
  parameters: Parameters,
): Buffer {
  const writer = new Writer()
  writer.short(asker.version)
  writer.value(Buffer.from(asker.user))
  writer.value(asker.keyspace === null ? null : Buffer.from(asker.keyspace))
  writer.short(statement.length)
  for (const part of statement) {
    writer.byte(typeof part === 'string' ? 1 : 0)
    writer.value(typeof part === 'string' ? Buffer.from(part) : part)
  }
  const { consistency, values, skipsMetadata, pageSize, pagingState, serialConsistency, keyspace } = parameters
  writer.short(consistency).short(serialConsistency ?? 0xffff)
  writer.byte(skipsMetadata ? 1 : 0)
  writer.int(pageSize === null ? 0 : 1).int(pageSize ?? 0)
  writer.value(pagingState)
  writer.value(keyspace === null ? null : Buffer.from(keyspace))
  writeValues(writer, values)
  return Buffer.from(hash('sha256', writer.bytes, 'latin1'), 'latin1')
}

function writeValues(writer: Writer, values: Parameters['values']): void {
  if (values === null) {
    writer.byte(0)
    return
  }
  const isNamed = values instanceof Map
  const entries: Iterable<readonly [string, BoundValue]> = isNamed
    ? (values as ReadonlyMap<string, BoundValue>)
    : (values as readonly BoundValue[]).map((value) => ['', value] as const)
  writer.byte(isNamed ? 2 : 1)
  for (const [name, value] of entries) {
    writer.value(Buffer.from(name))
    if (value === UNSET) writer.int(-2)
    else writer.value(value)
  }
}
