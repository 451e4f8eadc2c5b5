// Hot path
import type { Frame } from '../../../core/frame.ts'
import { CorruptError } from '../corrupt-error.ts'
import { flagsOf, HEADER_BYTES, versionOf } from '../envelope.ts'
import { intAt, shortAt } from '../numbers.ts'
import { BATCH, EXECUTE, FLAG_COMPRESSED, FLAG_PAYLOAD, PREPARE, QUERY } from '../opcodes.ts'
import { requestReader } from '../request.ts'
import { KeyValues } from './key-values.ts'
import type { ClusterNode } from './node.ts'
import type { Schema } from './schema.ts'
import { planOf, planOfPrepared, type StatementPlan } from './statement-plan.ts'
import type { PreparedStatement, Statements } from './statements.ts'
import { TextPlans } from './text-plans.ts'
import type { ClusterView } from './view.ts'

/** Any node does. */
export const ROUTE_ANY = 0
/** What changes the schema, or is about one node: it goes where such requests all go. */
export const ROUTE_CONTROL = 1
/** It is about one partition, which `Router.replicas` have. */
export const ROUTE_KEYED = 2

const NONE: readonly ClusterNode[] = []
/** So much of a compressed request is looked at. */
const TELLING_BYTES = 64 * 1024
/** So many statements of a BATCH are looked at for a partition. */
const BATCH_STATEMENTS = 8

/** Flags of `<query_parameters>`, native_protocol_v5.spec 4.1.4. */
const WITH_VALUES = 0x01
const WITH_PAGE_SIZE = 0x04
const WITH_PAGING_STATE = 0x08
const WITH_SERIAL_CONSISTENCY = 0x10
const WITH_TIMESTAMP = 0x20
const WITH_NAMES = 0x40
const WITH_KEYSPACE = 0x80

/** Tells which nodes a request is for. One for each thread and sink. */
export class Router {
  /** After ROUTE_KEYED: who has the partition, in the server's order; at least one. */
  replicas: readonly ClusterNode[] = NONE
  /** The request executes what this thread has not seen prepared: nothing is known of it. */
  isUnknown = false
  readonly #statements: Statements
  readonly #onUnparsed: () => void
  readonly #key = new KeyValues()
  /** What was planned by this schema. */
  #schema: Schema | null = null
  #prepared = new WeakMap<PreparedStatement, StatementPlan>()
  readonly #texts = new TextPlans()
  /** The message that is looked at, behind header and payload: `bytes[at, end)`. */
  #bytes: Buffer = Buffer.alloc(0)
  #at = 0
  #end = 0

  /** `onUnparsed` is told of each text that could not be parsed. */
  constructor(statements: Statements, onUnparsed: () => void = () => undefined) {
    this.#statements = statements
    this.#onUnparsed = onUnparsed
  }

  /** ROUTE_ANY ... ROUTE_KEYED. `keyspace`: that of the session; null: none was chosen. */
  route(request: Frame, keyspace: string | null, view: ClusterView): number {
    this.replicas = NONE
    this.isUnknown = false
    if (view.schema !== this.#schema) this.#forget(view.schema)
    const { kind } = request
    if (kind !== EXECUTE && kind !== QUERY && kind !== BATCH && kind !== PREPARE) return ROUTE_ANY
    if (!this.#open(request)) return ROUTE_ANY
    if (kind === EXECUTE) return this.#execute(versionOf(request), view)
    if (kind === BATCH) return this.#batch(request, keyspace, view)
    return this.#query(request, keyspace, view)
  }

  // Cold: the schema has changed
  #forget(schema: Schema): void {
    this.#schema = schema
    this.#prepared = new WeakMap()
    this.#texts.clear()
  }

  /** Finds the message. False: it can't be read. */
  #open(request: Frame): boolean {
    if (flagsOf(request) & (FLAG_COMPRESSED | FLAG_PAYLOAD)) return this.#openWrapped(request)
    this.#bytes = request.bytes
    this.#at = request.start + HEADER_BYTES
    this.#end = request.end
    return true
  }

  #openWrapped(request: Frame): boolean {
    try {
      const { bytes, at, end } = requestReader(request, TELLING_BYTES)
      this.#bytes = bytes
      this.#at = at
      this.#end = end
      return true
    } catch (error) {
      if (error instanceof CorruptError) return false
      throw error
    }
  }

  #execute(version: number, view: ClusterView): number {
    const bytes = this.#bytes
    const end = this.#end
    const idEnd = this.#at + 2 + shortAt(bytes, this.#at)
    if (idEnd + 2 > end) return ROUTE_ANY
    const plan = this.#planOfPrepared(this.#statements.find(bytes, this.#at + 2, idEnd), view)
    this.isUnknown = plan === null
    if (plan === null) return ROUTE_ANY
    if (plan.isControl) return ROUTE_CONTROL
    return this.#keyed(plan, version >= 5 ? idEnd + 2 + shortAt(bytes, idEnd) : idEnd, version, view)
  }

  #planOfPrepared(statement: PreparedStatement | null, view: ClusterView): StatementPlan | null {
    if (statement === null) return null
    let plan = this.#prepared.get(statement)
    if (plan === undefined) {
      plan = planOfPrepared(statement, view)
      this.#prepared.set(statement, plan)
    }
    return plan
  }

  /** Of a request whose parameters begin at `bytes[at]`. */
  #keyed({ key, keyspace }: StatementPlan, at: number, version: number, view: ClusterView): number {
    if (key === null || at + 3 > this.#end) return ROUTE_ANY
    // Consistency, and flags, of which those that count here are in the last byte.
    const values = at + (version >= 5 ? 6 : 3)
    const flags = this.#bytes[values - 1]!
    if ((flags & WITH_VALUES) === 0 && key.whole === null) return ROUTE_ANY
    if (!this.#key.read(key, this.#bytes, values, this.#end, (flags & WITH_NAMES) !== 0)) return ROUTE_ANY
    return this.#find(keyspace!, view)
  }

  #find(keyspace: string, view: ClusterView): number {
    const { bytes, start, end } = this.#key
    this.replicas = view.replicas(keyspace, bytes, start, end)
    return this.replicas.length === 0 ? ROUTE_ANY : ROUTE_KEYED
  }

  /** QUERY or PREPARE. */
  #query(request: Frame, keyspace: string | null, view: ClusterView): number {
    const bytes = this.#bytes
    if (this.#end - this.#at < 4) return ROUTE_ANY
    const start = this.#at + 4
    const end = start + intAt(bytes, this.#at)
    const version = versionOf(request)
    if (end < start || end > this.#end) {
      return planOf(bytes, start, this.#end, keyspace, view, false).isControl ? ROUTE_CONTROL : ROUTE_ANY
    }
    const named = version >= 5 ? this.#namedKeyspace(request.kind, end) : null
    const plan = this.#texts.plan(bytes, start, end, named ?? keyspace, view)
    if (plan.isUnparsed) this.#onUnparsed()
    if (plan.isControl) return ROUTE_CONTROL
    return request.kind === PREPARE ? ROUTE_ANY : this.#keyed(plan, end, version, view)
  }

  /** The keyspace that a QUERY or PREPARE names beside its text, which ends at `bytes[end]`. */
  #namedKeyspace(kind: number, end: number): string | null {
    const flagsAt = kind === PREPARE ? end : end + 2
    if (flagsAt + 4 > this.#end) return null
    const flags = this.#bytes[flagsAt + 3]!
    if (kind === PREPARE) return (flags & 1) === 0 ? null : this.#string(flagsAt + 4)
    return (flags & WITH_KEYSPACE) === 0 ? null : this.#keyspaceBehind(flags, flagsAt + 4)
  }

  // Cold: a request that names a keyspace of its own
  #keyspaceBehind(flags: number, from: number): string | null {
    let at = from
    if (flags & WITH_VALUES) at = skipValues(this.#bytes, at, this.#end, (flags & WITH_NAMES) !== 0)
    if (flags & WITH_PAGE_SIZE) at += 4
    if (flags & WITH_PAGING_STATE) at = skipValue(this.#bytes, at, this.#end)
    if (flags & WITH_SERIAL_CONSISTENCY) at += 2
    if (flags & WITH_TIMESTAMP) at += 8
    return this.#string(at)
  }

  // Cold: a request that names a keyspace of its own
  #string(at: number): string | null {
    if (at + 2 > this.#end) return null
    const end = at + 2 + shortAt(this.#bytes, at)
    return end > this.#end ? null : this.#bytes.toString('utf8', at + 2, end)
  }

  /** 4.1.7: the kind of batch, and statements, each with its values; the parameters are behind them. */
  #batch(request: Frame, keyspace: string | null, view: ClusterView): number {
    const bytes = this.#bytes
    const end = this.#end
    if (end - this.#at < 3) return ROUTE_ANY
    const count = Math.min(shortAt(bytes, this.#at + 1), BATCH_STATEMENTS)
    const named = versionOf(request) >= 5 ? this.#batchKeyspace() : null
    let at = this.#at + 3
    for (let i = 0; i < count && end - at > 4; i++) {
      const isText = bytes[at] === 0
      const start = at + (isText ? 5 : 3)
      at = start + (isText ? intAt(bytes, at + 1) : shortAt(bytes, at + 1))
      if (at < start || at + 2 > end) return ROUTE_ANY
      const plan = isText
        ? this.#texts.plan(bytes, start, at, named ?? keyspace, view)
        : this.#planOfPrepared(this.#statements.find(bytes, start, at), view)
      if (plan !== null) {
        if (isText && plan.isUnparsed) this.#onUnparsed()
        if (plan.isControl) return ROUTE_CONTROL
        if (plan.key !== null && this.#key.read(plan.key, bytes, at, end, false))
          return this.#find(plan.keyspace!, view)
      }
      at = skipValues(bytes, at, end, false)
    }
    return ROUTE_ANY
  }

  /** From version 5 on a BATCH may name a keyspace, behind all of its statements. */
  #batchKeyspace(): string | null {
    const bytes = this.#bytes
    const end = this.#end
    let at = this.#at + 3
    for (let left = shortAt(bytes, this.#at + 1); left > 0; left--) {
      if (end - at < 5) return null
      const isText = bytes[at] === 0
      const length = isText ? intAt(bytes, at + 1) : shortAt(bytes, at + 1)
      if (length < 0) return null
      at = skipValues(bytes, at + (isText ? 5 : 3) + length, end, false)
    }
    if (at + 6 > end) return null
    const flags = bytes[at + 5]!
    return (flags & WITH_KEYSPACE) === 0 ? null : this.#keyspaceBehind(flags & ~WITH_VALUES, at + 6)
  }
}

/** Behind values and their number. Past the end where they are not all there. */
function skipValues(bytes: Buffer, from: number, end: number, named: boolean): number {
  let at = from
  if (end - at < 2) return end + 1
  let left = shortAt(bytes, at)
  at += 2
  for (; left > 0 && at <= end; left--) {
    if (named) at = end - at < 2 ? end + 1 : at + 2 + shortAt(bytes, at)
    at = skipValue(bytes, at, end)
  }
  return at
}

function skipValue(bytes: Buffer, at: number, end: number): number {
  if (end - at < 4) return end + 1
  const length = intAt(bytes, at)
  return at + 4 + (length > 0 ? length : 0)
}
