import { CorruptError } from '../corrupt-error.ts'
import { RESULT_PREPARED, RESULT_ROWS, RESULT_SCHEMA_CHANGE, RESULT_SET_KEYSPACE, RESULT_VOID } from '../opcodes.ts'
import type { Reader } from '../reader.ts'
import type { CqlType } from './cql-type.ts'
import { readType, writeType } from './types.ts'
import type { Writer } from './writer.ts'

export interface Column {
  readonly keyspace: string
  readonly table: string
  readonly name: string
  readonly type: CqlType
}

/** `<metadata>`, 4.2.5.2. */
export interface Metadata {
  /** The keyspace and table stand once, before all columns. */
  readonly isGlobal: boolean
  readonly pagingState: Buffer | null
  /** From version 5 on: another one than the statement was prepared with. */
  readonly newId: Buffer | null
  /** Null: they were not asked for, and only their number is told. */
  readonly columns: readonly Column[] | null
  readonly columnCount: number
}

/** Of all the columns, on one page. */
export function metadataOf(columns: readonly Column[]): Metadata {
  return { isGlobal: columns.length > 0, pagingState: null, newId: null, columns, columnCount: columns.length }
}

/** What a statement brought: native_protocol_v5.spec 4.2.5. */
export type Result =
  | { readonly type: 'void' }
  | { readonly type: 'rows'; readonly metadata: Metadata; readonly rows: readonly (readonly (Buffer | null)[])[] }
  | { readonly type: 'set-keyspace'; readonly keyspace: string }
  | {
      readonly type: 'prepared'
      readonly id: Buffer
      /** From version 5 on. */
      readonly metadataId: Buffer | null
      /** Of the markers. */
      readonly bound: Metadata
      /** Which markers are the partition key, in its order; from version 4 on. */
      readonly keyIndices: readonly number[]
      /** Of the rows that it will bring. */
      readonly result: Metadata
    }
  | {
      readonly type: 'schema-change'
      readonly change: string
      readonly target: string
      readonly keyspace: string
      /** Name of the table, type, function or aggregate; null where it is a keyspace. */
      readonly name: string | null
      /** Of a function or aggregate. */
      readonly argumentTypes: readonly string[] | null
    }

const GLOBAL_TABLE = 1
const MORE_PAGES = 2
const NO_METADATA = 4
/** The statement is no longer what it was prepared as: the metadata tell its new id. */
export const METADATA_CHANGED = 8

/** The place of a column is a [short]. */
const COLUMNS_MAX = 0xffff
/** Of a reply that is decoded: each takes some hundred bytes then, but four on the wire, and next to none there where it is compressed. */
const VALUES_MAX = 1024 * 1024

/** Rows and columns of a reply are no more than could stand in it. */
function checked(count: number, left: number, bytesEach: number): number {
  if (count < 0 || count * bytesEach > left) throw new CorruptError(`${count} items in ${left} bytes`)
  return count
}

export function readResult(reader: Reader, version: number): Result {
  const kind = reader.int()
  switch (kind) {
    case RESULT_VOID:
      return { type: 'void' }
    case RESULT_ROWS: {
      const metadata = readMetadata(reader, version, null)
      const count = checked(reader.int(), reader.left, metadata.columnCount * 4)
      if (count * metadata.columnCount > VALUES_MAX) throw new CorruptError(`more than ${VALUES_MAX} values in a reply`)
      const rows: (Buffer | null)[][] = []
      if (metadata.columnCount > 0)
        for (let i = 0; i < count; i++) rows.push(Array.from({ length: metadata.columnCount }, () => reader.value()))
      return { type: 'rows', metadata, rows }
    }
    case RESULT_SET_KEYSPACE:
      return { type: 'set-keyspace', keyspace: reader.string() }
    case RESULT_PREPARED: {
      const id = reader.shortBytes()
      const metadataId = version >= 5 ? reader.shortBytes() : null
      const keyIndices: number[] = []
      const bound = readMetadata(reader, version, version >= 4 ? keyIndices : null)
      return { type: 'prepared', id, metadataId, bound, keyIndices, result: readMetadata(reader, version, null) }
    }
    case RESULT_SCHEMA_CHANGE: {
      const change = reader.string()
      const target = reader.string()
      const keyspace = reader.string()
      const name = target === 'KEYSPACE' ? null : reader.string()
      const argumentTypes = target === 'FUNCTION' || target === 'AGGREGATE' ? reader.stringList() : null
      return { type: 'schema-change', change, target, keyspace, name, argumentTypes }
    }
    default:
      throw new CorruptError(`no result is of the kind ${kind}`)
  }
}

/** The columns of the rows that a RESULT brings, from its beginning; null where they are not told, or it brings none. Throws CorruptError. */
export function readColumns(reader: Reader, version: number): readonly Column[] | null {
  return reader.int() === RESULT_ROWS ? readMetadata(reader, version, null).columns : null
}

/** `keyIndices` gets what stands there of the partition key; null: nothing does. */
function readMetadata(reader: Reader, version: number, keyIndices: number[] | null): Metadata {
  const flags = reader.int()
  const columnCount = reader.length()
  if (columnCount > COLUMNS_MAX) throw new CorruptError(`more than ${COLUMNS_MAX} columns in a reply`)
  if (keyIndices !== null) {
    const count = checked(reader.int(), reader.left, 2)
    for (let i = 0; i < count; i++) keyIndices.push(reader.short())
  }
  const pagingState = flags & MORE_PAGES ? reader.value() : null
  const newId = version >= 5 && flags & METADATA_CHANGED ? reader.shortBytes() : null
  const isGlobal = (flags & GLOBAL_TABLE) !== 0
  if (flags & NO_METADATA) return { isGlobal, pagingState, newId, columns: null, columnCount }
  const columns: Column[] = []
  let keyspace = isGlobal && columnCount > 0 ? reader.string() : ''
  let table = isGlobal && columnCount > 0 ? reader.string() : ''
  for (let i = checked(columnCount, reader.left, 4); i > 0; i--) {
    if (!isGlobal) {
      keyspace = reader.string()
      table = reader.string()
    }
    columns.push({ keyspace, table, name: reader.string(), type: readType(reader) })
  }
  return { isGlobal, pagingState, newId, columns, columnCount }
}

export function writeResult(writer: Writer, result: Result, version: number): void {
  switch (result.type) {
    case 'void':
      writer.int(RESULT_VOID)
      break
    case 'rows':
      writer.int(RESULT_ROWS)
      writeMetadata(writer, result.metadata, version, null)
      writer.int(result.rows.length)
      for (const row of result.rows) for (const value of row) writer.value(value)
      break
    case 'set-keyspace':
      writer.int(RESULT_SET_KEYSPACE).string(result.keyspace)
      break
    case 'prepared':
      writer.int(RESULT_PREPARED).shortBytes(result.id)
      if (version >= 5) writer.shortBytes(result.metadataId ?? Buffer.alloc(0))
      writeMetadata(writer, result.bound, version, version >= 4 ? result.keyIndices : null)
      writeMetadata(writer, result.result, version, null)
      break
    case 'schema-change':
      writer.int(RESULT_SCHEMA_CHANGE).string(result.change).string(result.target).string(result.keyspace)
      if (result.name !== null) writer.string(result.name)
      if (result.argumentTypes !== null) writer.stringList(result.argumentTypes)
  }
}

function writeMetadata(
  writer: Writer,
  metadata: Metadata,
  version: number,
  keyIndices: readonly number[] | null,
): void {
  const { isGlobal, pagingState, newId, columns } = metadata
  const hasNewId = newId !== null && version >= 5
  const flags =
    (isGlobal ? GLOBAL_TABLE : 0) |
    (pagingState === null ? 0 : MORE_PAGES) |
    (columns === null ? NO_METADATA : 0) |
    (hasNewId ? METADATA_CHANGED : 0)
  writer.int(flags).int(metadata.columnCount)
  if (keyIndices !== null) {
    writer.int(keyIndices.length)
    for (const index of keyIndices) writer.short(index)
  }
  if (pagingState !== null) writer.value(pagingState)
  if (hasNewId) writer.shortBytes(newId)
  if (columns === null) return
  if (isGlobal && columns.length > 0) writer.string(columns[0]!.keyspace).string(columns[0]!.table)
  for (const column of columns) {
    if (!isGlobal) writer.string(column.keyspace).string(column.table)
    writeType(writer.string(column.name), column.type, version)
  }
}
