import type { Frame } from '../../core/frame.ts'
import { bodyOf } from '../../protocols/cassandra/body/body.ts'
import { namesKeyspace, type Parameters, type Request } from '../../protocols/cassandra/body/requests.ts'
import { CorruptError } from '../../protocols/cassandra/corrupt-error.ts'
import { flagsOf, versionOf } from '../../protocols/cassandra/envelope.ts'
import { BATCH, EXECUTE, FLAG_PAYLOAD, FLAG_TRACING, PREPARE, QUERY } from '../../protocols/cassandra/opcodes.ts'
import { requestReader, statementText } from '../../protocols/cassandra/request.ts'
import { expiryMs, partitionOf } from './binding.ts'
import type { Invalidation } from './invalidation.ts'
import type { Wanted } from './lookup.ts'
import { planOf, type Plan, type RowsRead, type RowsWritten } from './plan.ts'
import type { PreparedPlans } from './prepared-plans.ts'
import { isSerial, partitionPlace, readDigest } from './reading.ts'
import type { CachedTable, Keyspace, Tables } from './tables.ts'

/** What a session has said of itself. */
export interface Speaker {
  /** Name of the user; null: its replies are nobody else's. */
  readonly user: string | null
  readonly keyspace: Keyspace
}

/** What is to be done about a request. */
export type Matter =
  | { readonly type: 'nothing' }
  | { readonly type: 'read'; readonly wanted: Wanted }
  /** `isCertain`: it is a write, whatever the server says to it. */
  | { readonly type: 'write'; readonly invalidations: readonly Invalidation[]; readonly isCertain: boolean; readonly forgets: boolean } // prettier-ignore
  | { readonly type: 'prepare'; readonly plan: Plan }
  | { readonly type: 'use' }
  /** Nobody has seen what the id stands for. */
  | { readonly type: 'unknown'; readonly id: Buffer }

const NOTHING: Matter = { type: 'nothing' }
const USE: Matter = { type: 'use' }

type Query = Extract<Request, { type: 'query' }>
type Execute = Extract<Request, { type: 'execute' }>
type Batch = Extract<Request, { type: 'batch' }>

/** Tells what requests are to the cache. One for all sessions of a thread. */
export class Requests {
  readonly #tables: Tables
  readonly #prepared: PreparedPlans

  constructor(tables: Tables, prepared: PreparedPlans) {
    this.#tables = tables
    this.#prepared = prepared
  }

  matterOf(request: Frame, speaker: Speaker): Matter {
    try {
      switch (request.kind) {
        case QUERY:
          return this.#query(request, speaker)
        case EXECUTE:
          return this.#execute(request, speaker)
        case BATCH:
          return this.#batch(bodyOf(request).message as Batch, speaker)
        case PREPARE: {
          const { text, keyspace } = bodyOf(request).message as Extract<Request, { type: 'prepare' }>
          return { type: 'prepare', plan: this.#plan(Buffer.from(text), keyspace ?? speaker.keyspace) }
        }
        default:
          return NOTHING
      }
    } catch (error) {
      // The server takes it for no request either.
      if (error instanceof CorruptError) return NOTHING
      throw error
    }
  }

  #plan(text: Buffer, keyspace: Keyspace): Plan {
    return planOf(text, keyspace, this.#tables)
  }

  #query(request: Frame, speaker: Speaker): Matter {
    const { bytes, start, end } = statementText(request)
    // From version 5 on a keyspace may come with the statement; what is about no table that is cached is not decoded otherwise.
    const isNamed = versionOf(request) >= 5 && namesKeyspace(bytes, end)
    const named = isNamed ? (bodyOf(request).message as Query).parameters.keyspace : null
    const keyspace = named ?? speaker.keyspace
    const plan = this.#plan(bytes.subarray(start, end), keyspace)
    if (plan.type === 'nothing') return NOTHING
    const { text, parameters } = bodyOf(request).message as Query
    return this.#matter(request, plan, parameters, { ...speaker, keyspace }, [text])
  }

  #execute(request: Frame, speaker: Speaker): Matter {
    const id = requestReader(request).shortBytes()
    const plan = this.#prepared.find(id)
    if (plan === null) return { type: 'unknown', id: Buffer.from(id) }
    if (plan.type === 'nothing') return NOTHING
    const { metadataId, parameters } = bodyOf(request).message as Execute
    // What it is about was settled when it was prepared.
    return this.#matter(request, plan, parameters, { ...speaker, keyspace: null }, [id, metadataId])
  }

  #matter(
    request: Frame,
    plan: Plan,
    parameters: Parameters,
    speaker: Speaker,
    statement: readonly (string | Buffer | null)[],
  ): Matter {
    switch (plan.type) {
      case 'nothing':
        return NOTHING
      case 'use':
        return USE
      case 'read':
        return this.#read(request, plan.read, parameters, speaker, statement)
      case 'rows':
        return rowsWritten(plan.written, parameters)
      case 'tables':
      case 'anything': {
        const tables = plan.type === 'tables' ? plan.tables : this.#tables.all
        return write(tables.map(wholeTable), plan.type === 'tables', true)
      }
    }
  }

  #read(
    request: Frame,
    read: RowsRead,
    parameters: Parameters,
    { user, keyspace }: Speaker,
    statement: readonly (string | Buffer | null)[],
  ): Matter {
    const { table } = read
    const partition = partitionOf(read, parameters.values)
    if (isSerial(parameters)) return write([partition === null ? wholeTable(table) : { key: partitionPlace(table, partition), expiresMs: 0 }], true, false) // prettier-ignore
    const isPlain = (flagsOf(request) & (FLAG_TRACING | FLAG_PAYLOAD)) === 0 && parameters.nowInSeconds === null
    if (partition === null || !isPlain || user === null) return NOTHING
    const asker = { version: versionOf(request), user, keyspace: keyspace ?? null }
    const digest = readDigest(asker, statement, parameters)
    return { type: 'read', wanted: { table, place: partitionPlace(table, partition), digest } }
  }

  #batch({ statements, parameters }: Batch, speaker: Speaker): Matter {
    const keyspace = parameters.keyspace ?? speaker.keyspace
    const invalidations: Invalidation[] = []
    let isCertain = true
    let forgets = false
    for (const { statement, values } of statements) {
      const plan = typeof statement === 'string' ? this.#plan(Buffer.from(statement), keyspace) : this.#prepared.find(statement) // prettier-ignore
      if (plan === null) return { type: 'unknown', id: Buffer.from(statement as Buffer) }
      const matter =
        plan.type === 'rows' ? rowsWritten(plan.written, { ...parameters, values }) : this.#matterInBatch(plan)
      if (matter.type !== 'write') continue
      invalidations.push(...matter.invalidations)
      isCertain &&= matter.isCertain
      forgets ||= matter.forgets
    }
    return invalidations.length === 0 ? NOTHING : write(invalidations, isCertain, forgets)
  }

  /** What the server takes in no batch. */
  #matterInBatch(plan: Plan): Matter {
    return plan.type === 'nothing' ? NOTHING : write(this.#tables.all.map(wholeTable), false, true)
  }
}

function rowsWritten(written: readonly RowsWritten[], parameters: Pick<Parameters, 'values' | 'nowInSeconds'>): Matter {
  const { values } = parameters
  const invalidations = written.map((rows): Invalidation => {
    const partition = partitionOf(rows, values)
    const expiresMs = expiryMs(rows, values, parameters.nowInSeconds !== null)
    const key = partition === null ? rows.table.key : partitionPlace(rows.table, partition)
    return { key, expiresMs }
  })
  return write(invalidations, true, false)
}

function wholeTable({ key }: CachedTable): Invalidation {
  return { key, expiresMs: 0 }
}

/** Each key stands in it once. */
function write(all: readonly Invalidation[], isCertain: boolean, forgets: boolean): Matter {
  const byKey = new Map<string, Invalidation>()
  for (const { key, expiresMs } of all)
    byKey.set(key, { key, expiresMs: Math.max(expiresMs, byKey.get(key)?.expiresMs ?? 0) })
  return { type: 'write', invalidations: [...byKey.values()], isCertain, forgets }
}
