import { CorruptError } from '../corrupt-error.ts'
import { AUTH_RESPONSE, BATCH, EXECUTE, OPTIONS, PREPARE, QUERY, REGISTER, STARTUP } from '../opcodes.ts'
import type { Reader } from '../reader.ts'
import type { Writer } from './writer.ts'

/** A bound value that was left out: what stands in its column stays. */
export const UNSET = Symbol('unset')
export type BoundValue = Buffer | null | typeof UNSET

/** `<query_parameters>`, native_protocol_v5.spec 4.1.4. */
export interface Parameters {
  readonly consistency: number
  /** Values in the order of the markers, or by the names of those. */
  readonly values: readonly BoundValue[] | ReadonlyMap<string, BoundValue> | null
  readonly skipsMetadata: boolean
  readonly pageSize: number | null
  readonly pagingState: Buffer | null
  readonly serialConsistency: number | null
  /** Microseconds. */
  readonly timestamp: bigint | null
  /** From version 5 on. */
  readonly keyspace: string | null
  readonly nowInSeconds: number | null
}

/** Of a statement on its own, at consistency ONE. */
export const NO_PARAMETERS: Parameters = {
  consistency: 1,
  values: null,
  skipsMetadata: false,
  pageSize: null,
  pagingState: null,
  serialConsistency: null,
  timestamp: null,
  keyspace: null,
  nowInSeconds: null,
}

export interface BatchStatement {
  /** The text, or the id of what was prepared. */
  readonly statement: string | Buffer
  readonly values: readonly BoundValue[]
}

/** What a client asks: native_protocol_v5.spec 4.1. */
export type Request =
  | { readonly type: 'startup'; readonly options: ReadonlyMap<string, string> }
  | { readonly type: 'auth-response'; readonly token: Buffer | null }
  | { readonly type: 'options' }
  | { readonly type: 'register'; readonly events: readonly string[] }
  | { readonly type: 'query'; readonly text: string; readonly parameters: Parameters }
  | { readonly type: 'prepare'; readonly text: string; readonly keyspace: string | null }
  | {
      readonly type: 'execute'
      readonly id: Buffer
      /** From version 5 on. */
      readonly metadataId: Buffer | null
      readonly parameters: Parameters
    }
  | {
      readonly type: 'batch'
      /** 0: logged, 1: unlogged, 2: of counters. */
      readonly kind: number
      readonly statements: readonly BatchStatement[]
      readonly parameters: Parameters
    }

const VALUES = 0x01
const SKIP_METADATA = 0x02
const PAGE_SIZE = 0x04
const PAGING_STATE = 0x08
const SERIAL_CONSISTENCY = 0x10
const TIMESTAMP = 0x20
const NAMES = 0x40
const KEYSPACE = 0x80
const NOW_IN_SECONDS = 0x100

/** PREPARE has flags from version 5 on. */
const PREPARE_KEYSPACE = 0x01

/** Decodes the message of a request. Throws CorruptError. */
export function readRequest(opcode: number, reader: Reader, version: number): Request {
  switch (opcode) {
    case STARTUP:
      return { type: 'startup', options: reader.stringMap() }
    case AUTH_RESPONSE:
      return { type: 'auth-response', token: reader.value() }
    case OPTIONS:
      return { type: 'options' }
    case REGISTER:
      return { type: 'register', events: reader.stringList() }
    case QUERY:
      return { type: 'query', text: reader.longString(), parameters: readParameters(reader, version) }
    case PREPARE: {
      const text = reader.longString()
      const flags = version >= 5 ? reader.int() : 0
      return { type: 'prepare', text, keyspace: flags & PREPARE_KEYSPACE ? reader.string() : null }
    }
    case EXECUTE: {
      const id = reader.shortBytes()
      const metadataId = version >= 5 ? reader.shortBytes() : null
      return { type: 'execute', id, metadataId, parameters: readParameters(reader, version) }
    }
    case BATCH:
      return readBatch(reader, version)
    default:
      throw new CorruptError(`no request has the opcode ${opcode}`)
  }
}

/** Does a QUERY of version 5 name a keyspace, as far as its flags tell, which stand behind its text and a [consistency]? */
export function namesKeyspace(bytes: Buffer, textEnd: number): boolean {
  // Where it has ended before, it is no request.
  return (bytes[textEnd + 5]! & KEYSPACE) !== 0
}

function readParameters(reader: Reader, version: number): Parameters {
  const consistency = reader.short()
  const flags = version >= 5 ? reader.int() : reader.byte()
  const values = flags & VALUES ? readValues(reader, (flags & NAMES) !== 0) : null
  return { ...readRest(reader, flags), consistency, values }
}

/** What the parameters of all statements have, behind the values. */
function readRest(reader: Reader, flags: number): Omit<Parameters, 'consistency' | 'values'> {
  return {
    skipsMetadata: (flags & SKIP_METADATA) !== 0,
    pageSize: flags & PAGE_SIZE ? reader.int() : null,
    pagingState: flags & PAGING_STATE ? reader.value() : null,
    serialConsistency: flags & SERIAL_CONSISTENCY ? reader.short() : null,
    timestamp: flags & TIMESTAMP ? reader.long() : null,
    keyspace: flags & KEYSPACE ? reader.string() : null,
    nowInSeconds: flags & NOW_IN_SECONDS ? reader.int() : null,
  }
}

function readValues(reader: Reader, named: boolean): BoundValue[] | Map<string, BoundValue> {
  const count = reader.short()
  if (!named) return Array.from({ length: count }, () => readBound(reader))
  const values = new Map<string, BoundValue>()
  for (let i = 0; i < count; i++) values.set(reader.string(), readBound(reader))
  return values
}

function readBound(reader: Reader): BoundValue {
  const length = reader.int()
  if (length >= 0) return reader.range(length)
  if (length < -2) throw new CorruptError(`a value with the length ${length}`)
  return length === -1 ? null : UNSET
}

function readBatch(reader: Reader, version: number): Request {
  const kind = reader.byte()
  const statements: BatchStatement[] = []
  for (let count = reader.short(); count > 0; count--) {
    const statement = reader.byte() === 0 ? reader.longString() : reader.shortBytes()
    statements.push({ statement, values: Array.from({ length: reader.short() }, () => readBound(reader)) })
  }
  const consistency = reader.short()
  const flags = version >= 5 ? reader.int() : reader.byte()
  return { type: 'batch', kind, statements, parameters: { ...readRest(reader, flags), consistency, values: null } }
}

/** Writes the message of a request; returns its opcode. */
export function writeRequest(writer: Writer, request: Request, version: number): number {
  switch (request.type) {
    case 'startup':
      writer.stringMap(request.options)
      return STARTUP
    case 'auth-response':
      writer.value(request.token)
      return AUTH_RESPONSE
    case 'options':
      return OPTIONS
    case 'register':
      writer.stringList(request.events)
      return REGISTER
    case 'query':
      writer.longString(request.text)
      writeParameters(writer, request.parameters, version)
      return QUERY
    case 'prepare':
      writer.longString(request.text)
      if (version >= 5) {
        writer.int(request.keyspace === null ? 0 : PREPARE_KEYSPACE)
        if (request.keyspace !== null) writer.string(request.keyspace)
      }
      return PREPARE
    case 'execute':
      writer.shortBytes(request.id)
      if (version >= 5) writer.shortBytes(request.metadataId ?? Buffer.alloc(0))
      writeParameters(writer, request.parameters, version)
      return EXECUTE
    case 'batch':
      writer.byte(request.kind).short(request.statements.length)
      for (const { statement, values } of request.statements) {
        if (typeof statement === 'string') writer.byte(0).longString(statement)
        else writer.byte(1).shortBytes(statement)
        writer.short(values.length)
        for (const value of values) writeBound(writer, value)
      }
      writeParameters(writer, request.parameters, version)
      return BATCH
  }
}

function writeParameters(writer: Writer, parameters: Parameters, version: number): void {
  const { values, pageSize, pagingState, serialConsistency, timestamp, keyspace, nowInSeconds } = parameters
  const named = values instanceof Map
  const flags =
    (values === null ? 0 : VALUES | (named ? NAMES : 0)) |
    (parameters.skipsMetadata ? SKIP_METADATA : 0) |
    (pageSize === null ? 0 : PAGE_SIZE) |
    (pagingState === null ? 0 : PAGING_STATE) |
    (serialConsistency === null ? 0 : SERIAL_CONSISTENCY) |
    (timestamp === null ? 0 : TIMESTAMP) |
    (keyspace === null || version < 5 ? 0 : KEYSPACE) |
    (nowInSeconds === null || version < 5 ? 0 : NOW_IN_SECONDS)
  writer.short(parameters.consistency)
  if (version >= 5) writer.int(flags)
  else writer.byte(flags)
  if (values instanceof Map) {
    writer.short(values.size)
    for (const [name, value] of values as ReadonlyMap<string, BoundValue>) writeBound(writer.string(name), value)
  } else if (values !== null) {
    const list = values as readonly BoundValue[]
    writer.short(list.length)
    for (const value of list) writeBound(writer, value)
  }
  if (pageSize !== null) writer.int(pageSize)
  if (pagingState !== null) writer.value(pagingState)
  if (serialConsistency !== null) writer.short(serialConsistency)
  if (timestamp !== null) writer.long(timestamp)
  if (keyspace !== null && version >= 5) writer.string(keyspace)
  if (nowInSeconds !== null && version >= 5) writer.int(nowInSeconds)
}

function writeBound(writer: Writer, value: BoundValue): void {
  if (value === UNSET) writer.int(-2)
  else writer.value(value)
}
