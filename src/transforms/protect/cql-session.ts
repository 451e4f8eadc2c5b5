import type { Batch, Exchange } from '../../core/exchange.ts'
import type { Frame } from '../../core/frame.ts'
import type { Link, Transform } from '../../core/transform.ts'
import { bodyOf, encodeBody, type Body } from '../../protocols/cassandra/body/body.ts'
import type { BatchStatement, Request } from '../../protocols/cassandra/body/requests.ts'
import type { Column, Result } from '../../protocols/cassandra/body/results.ts'
import { CorruptError } from '../../protocols/cassandra/corrupt-error.ts'
import { usedKeyspace } from '../../protocols/cassandra/cql/use.ts'
import { errorFrame, versionOf } from '../../protocols/cassandra/envelope.ts'
import { unpreparedFrame } from '../../protocols/cassandra/failure.ts'
import * as opcodes from '../../protocols/cassandra/opcodes.ts'
import { requestReader, statementText } from '../../protocols/cassandra/request.ts'
import { keyspaceSet, resultKind } from '../../protocols/cassandra/result.ts'
import { planOf, type Keyspace, type Plan } from './cql-plan.ts'
import type { Prepared, PreparedPlans } from './cql-prepared.ts'
import { openRows, protectedAmong } from './cql-rows.ts'
import {
  checkPreparable,
  KeyMissing,
  sealBound,
  sealLiterals,
  sealPositional,
  type ColumnSealer,
} from './cql-values.ts'
import type { ProtectedColumn, ProtectedTables } from './protected-tables.ts'
import { Refusal, UnavailableError, UnreadableError } from './refusal.ts'
import type { Missing, Sealer } from './sealer.ts'
import { stepThrough } from './steps.ts'
import type { TableSchemas } from './table-schema.ts'

/** What the Cassandra sessions of a thread have in common. */
export interface CqlProtection {
  readonly tables: ProtectedTables
  readonly sealer: Sealer
  readonly schemas: TableSchemas
  readonly prepared: PreparedPlans
  refused(): void
}

/** What is done with the reply to a request. */
interface Open {
  readonly plan: Plan | null
  /** It is a PREPARE, whose reply names what is to be remembered; what is prepared chooses a keyspace, or does not. */
  readonly prepares: { readonly uses: boolean } | null
  /** It chooses a keyspace. */
  readonly uses: boolean
  /** It is an EXECUTE of this. */
  readonly executes: Prepared | null
}

/** Somebody else prepared it: drivers prepare it again by themselves. */
class UnpreparedError extends Error {
  readonly id: Buffer
  constructor(id: Buffer) {
    super('Protect has not seen this statement prepared: prepare it again')
    this.id = id
  }
}

const ID_BYTES_MAX = 0xffff
const WHOLE: ReadonlySet<number> = new Set([opcodes.QUERY, opcodes.PREPARE, opcodes.EXECUTE, opcodes.BATCH])

/** Protects the columns of one client of Cassandra. */
export class CqlSession implements Transform {
  readonly #shared: CqlProtection
  readonly #columns: ColumnSealer
  readonly #open = new Map<Exchange, Open>()
  #keyspace: Keyspace
  /** Statements under way that choose another keyspace. */
  #uses = 0

  /** `keyspace`: the one that the client has chosen; undefined: that is not known. */
  constructor(shared: CqlProtection, keyspace: Keyspace) {
    this.#shared = shared
    this.#keyspace = keyspace
    const { sealer } = shared
    this.#columns = { sealer, typeOf: (column) => shared.schemas.typeOf(column, this.#tableOf(column)) }
  }

  get keyspace(): Keyspace {
    return this.#uses > 0 ? undefined : this.#keyspace
  }

  #tableOf({ keyspace, table }: ProtectedColumn) {
    return this.#shared.tables.find(keyspace, table)!
  }

  wants(kind: number): 'head' | 'whole' {
    return WHOLE.has(kind) || (kind === opcodes.RESULT && this.#open.size !== 0) ? 'whole' : 'head'
  }

  onRequests(batch: Batch, link: Link): void | Promise<void> {
    return stepThrough(batch, link, {
      step: (exchange) => this.#request(exchange, link),
      refuse: (exchange, error) => this.#refuse(exchange, exchange.request, error),
    })
  }

  onResponses(batch: Batch, link: Link): void | Promise<void> {
    return stepThrough(batch, link, {
      step: (exchange) => this.#response(exchange),
      refuse: (exchange, error) => this.#refuse(exchange, exchange.response!, error),
    })
  }

  onPush(push: Frame, link: Link): void {
    // Most events are of the schema; that others make it be asked for again costs little.
    this.#shared.schemas.forget()
    link.push(push)
  }

  onCancel(exchange: Exchange): void {
    this.#forget(exchange)
  }

  onSilent(exchange: Exchange): void {
    this.#forget(exchange)
  }

  #forget(exchange: Exchange): void {
    if (this.#open.get(exchange)?.uses === true) this.#uses--
    this.#open.delete(exchange)
  }

  #expect(exchange: Exchange, open: Partial<Open>): void {
    if (open.uses === true) this.#uses++
    this.#open.set(exchange, { plan: null, prepares: null, uses: false, executes: null, ...open })
  }

  /** What a client is told, in a reply to, or in the place of, this frame. Throws what is no fault of anybody but the transform. */
  #refuse(exchange: Exchange, frame: Frame, error: unknown): Frame {
    this.#forget(exchange)
    const reply = (code: number, text: string) => errorFrame(versionOf(frame), frame.stream, code, text)
    if (error instanceof UnpreparedError) return unpreparedFrame(frame, error.id, error.message)
    this.#shared.refused()
    if (error instanceof Refusal) return reply(opcodes.ERROR_INVALID, error.message)
    if (error instanceof CorruptError) return reply(opcodes.ERROR_PROTOCOL, error.message)
    if (error instanceof UnavailableError || error instanceof UnreadableError) return reply(opcodes.ERROR_SERVER, error.message) // prettier-ignore
    throw error
  }

  /** Null: the request can go on. Else it is to be done again once the promise has settled. */
  #request(exchange: Exchange, link: Link): Promise<void> | null {
    const { request } = exchange
    try {
      switch (request.kind) {
        case opcodes.QUERY:
        case opcodes.PREPARE:
          return this.#text(exchange, link)
        case opcodes.EXECUTE:
          return this.#execute(exchange, link)
        case opcodes.BATCH:
          return this.#batch(exchange, link)
        default:
          return null
      }
    } catch (error) {
      if (error instanceof KeyMissing) return this.#shared.sealer.ring.ready(error.mode)
      throw error
    }
  }

  #text(exchange: Exchange, link: Link): Promise<void> | null {
    const { request } = exchange
    const isPrepare = request.kind === opcodes.PREPARE
    const { bytes, start, end } = statementText(request)
    const uses = usedKeyspace(bytes, start, end) !== null
    if (!this.#shared.tables.mayConcern(bytes, start, end)) {
      if (isPrepare || uses) this.#expect(exchange, { prepares: isPrepare ? { uses } : null, uses: uses && !isPrepare })
      return null
    }
    const body = bodyOf(request)
    const message = body.message as Extract<Request, { type: 'query' | 'prepare' }>
    const own = message.type === 'query' ? message.parameters.keyspace : message.keyspace
    const text = Buffer.from(message.text)
    const plan = planOf(text, this.#shared.tables, own ?? this.keyspace)
    const wait = plan === null ? null : this.#needs(plan, request, link)
    if (wait !== null) return wait
    this.#expect(exchange, { plan, prepares: isPrepare ? { uses } : null, uses: uses && !isPrepare })
    if (plan === null) return null
    if (message.type === 'prepare') {
      checkPreparable(plan)
      for (const { column } of plan.markers) this.#columns.typeOf(column)
    }
    if (plan.literals.length === 0 && plan.markers.length === 0) return null
    const sealed = sealLiterals(text, plan, this.#columns).toString()
    if (message.type === 'prepare') exchange.request = again(request, body, { ...message, text: sealed })
    else {
      const values = sealBound(message.parameters.values, plan, this.#columns)
      const parameters = { ...message.parameters, values }
      exchange.request = again(request, body, { ...message, text: sealed, parameters })
    }
    return null
  }

  #execute(exchange: Exchange, link: Link): Promise<void> | null {
    const { request } = exchange
    const id = requestReader(request, ID_BYTES_MAX + 2).shortBytes()
    const executes = this.#find(id)
    const { plan, uses } = executes
    if (plan === null) {
      if (uses) this.#expect(exchange, { uses })
      return null
    }
    const wait = this.#needs(plan, request, link)
    if (wait !== null) return wait
    this.#expect(exchange, { plan, executes })
    if (plan.markers.length === 0) return null
    const body = bodyOf(request)
    const message = body.message as Extract<Request, { type: 'execute' }>
    const values = sealBound(message.parameters.values, plan, this.#columns)
    exchange.request = again(request, body, { ...message, parameters: { ...message.parameters, values } })
    return null
  }

  #batch(exchange: Exchange, link: Link): Promise<void> | null {
    const { request } = exchange
    const body = bodyOf(request)
    const message = body.message as Extract<Request, { type: 'batch' }>
    const keyspace = message.parameters.keyspace ?? this.keyspace
    const plans = message.statements.map(({ statement }) => {
      if (typeof statement !== 'string') return this.#find(statement).plan
      const text = Buffer.from(statement)
      return planOf(text, this.#shared.tables, keyspace)
    })
    const first = plans.find((plan) => plan !== null)
    if (first === undefined) return null
    for (const plan of plans) {
      const wait = plan === null ? null : this.#needs(plan, request, link)
      if (wait !== null) return wait
    }
    // What a conditional batch tells of rows names its columns itself.
    this.#expect(exchange, { plan: first })
    const statements = message.statements.map((each, i) => this.#ofBatch(each, plans[i]!))
    exchange.request = again(request, body, { ...message, statements })
    return null
  }

  #ofBatch({ statement, values }: BatchStatement, plan: Plan | null): BatchStatement {
    if (plan === null) return { statement, values }
    const sealed = typeof statement === 'string' ? sealLiterals(Buffer.from(statement), plan, this.#columns).toString() : statement // prettier-ignore
    return { statement: sealed, values: sealPositional(values, plan, this.#columns) }
  }

  #find(id: Buffer): Prepared {
    const found = this.#shared.prepared.find(id)
    if (found === undefined) throw new UnpreparedError(Buffer.from(id))
    return found
  }

  /** What has to be there before the values of a plan can be sealed; null: all of it is. */
  #needs({ literals, markers }: Plan, request: Frame, link: Link): Promise<void> | null {
    const { schemas, sealer } = this.#shared
    for (const { column } of [...literals, ...markers]) {
      const table = this.#tableOf(column)
      if (!schemas.knows(table)) return schemas.learn(table, versionOf(request), (asked) => link.call(asked))
      if (sealer.ring.sealing(column.mode) === null) return sealer.ring.ready(column.mode)
    }
    return null
  }

  /** Null: the reply can go on. Else it is to be done again once the promise has settled. */
  #response(exchange: Exchange): Promise<void> | null {
    const reply = exchange.response!
    const open = this.#open.get(exchange)
    if (reply.kind === opcodes.RESULT) {
      this.#notice(reply)
      if (open !== undefined && (open.plan !== null || open.prepares !== null)) {
        const wait = this.#result(exchange, reply, open)
        if (wait !== null) return wait
      }
    }
    this.#forget(exchange)
    return null
  }

  /** What every result may tell of the session and the schema. */
  #notice(reply: Frame): void {
    const kind = resultKind(reply)
    if (kind === opcodes.RESULT_SET_KEYSPACE) this.#keyspace = keyspaceSet(reply) ?? undefined
    else if (kind === opcodes.RESULT_SCHEMA_CHANGE) this.#shared.schemas.forget()
  }

  #result(exchange: Exchange, reply: Frame, open: Open): Promise<void> | null {
    if (!reply.whole) throw new UnreadableError('a reply with protected columns did not come whole')
    const body = bodyOf(reply)
    const message = body.message as Result
    if (message.type === 'prepared' && open.prepares !== null)
      this.#shared.prepared.learn(message.id, { plan: open.plan, ...open.prepares, columns: message.result.columns })
    if (message.type !== 'rows' || open.plan === null) return null
    const { metadata } = message
    if (metadata.newId !== null && open.executes !== null) open.executes.columns = metadata.columns
    return this.#rows(exchange, body, message, open.plan, open.executes?.columns ?? null)
  }

  #rows(
    exchange: Exchange,
    body: Body,
    message: Extract<Result, { type: 'rows' }>,
    plan: Plan,
    prepared: readonly Column[] | null,
  ): Promise<void> | null {
    const { tables, sealer } = this.#shared
    const columns = protectedAmong(message.metadata, plan, prepared, tables)
    if (columns === null) return null
    const missing: Missing = new Map()
    const rows = openRows(message.rows, columns, sealer, missing)
    if (missing.size > 0) return sealer.fetch(missing)
    exchange.response = encodeBody({ ...body, message: { ...message, rows } }, exchange.response!.stream)
    return null
  }
}

/** The request with another message. */
function again(request: Frame, body: Body, message: Request): Frame {
  return encodeBody({ ...body, message }, request.stream)
}
