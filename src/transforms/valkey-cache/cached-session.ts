import type { Batch, Exchange } from '../../core/exchange.ts'
import type { Frame } from '../../core/frame.ts'
import type { Link, SessionInfo, Transform } from '../../core/transform.ts'
import { bodyOf } from '../../protocols/cassandra/body/body.ts'
import type { Response } from '../../protocols/cassandra/body/responses.ts'
import { CorruptError } from '../../protocols/cassandra/corrupt-error.ts'
import { responseFrame, versionOf } from '../../protocols/cassandra/envelope.ts'
import { unpreparedFrame } from '../../protocols/cassandra/failure.ts'
import { login } from '../../protocols/cassandra/login.ts'
import {
  AUTH_RESPONSE,
  AUTH_SUCCESS,
  BATCH,
  ERROR,
  ERROR_UNPREPARED,
  EXECUTE,
  PREPARE,
  QUERY,
  READY,
  RESULT,
  STARTUP,
} from '../../protocols/cassandra/opcodes.ts'
import { errorCode, keyspaceSet } from '../../protocols/cassandra/result.ts'
import type { Cache } from './cache.ts'
import { keepable, type Tokens } from './entry.ts'
import type { Found, Wanted } from './lookup.ts'
import type { PreparedPlans } from './prepared-plans.ts'
import type { Matter, Requests } from './requests.ts'
import type { Keyspace, Tables } from './tables.ts'

/** What the sessions of a thread share. */
export interface Shared {
  readonly cache: Cache
  readonly tables: Tables
  readonly prepared: PreparedPlans
  readonly requests: Requests
  /** Largest body of a reply that is kept. */
  readonly bytesMax: number
}

type Write = Extract<Matter, { type: 'write' }>

/** What is to be done when the reply of a request comes that was forwarded. */
type Awaited =
  | { readonly type: 'fill'; readonly wanted: Wanted; readonly tokens: Tokens }
  | Write
  | Extract<Matter, { type: 'prepare' | 'use' }>
  | { readonly type: 'greeting' }

const UNPREPARED = 'Shotover has not seen this query prepared. Please prepare it again before it is sent again.'

/** Errors after which it is certain that nothing was done: native_protocol_v5.spec 8. */
const REFUSALS: ReadonlySet<number> = new Set([
  0x000a,
  0x0100,
  0x2000,
  0x2100,
  0x2200,
  0x2300,
  0x2400,
  ERROR_UNPREPARED,
])

/** The cache as one client meets it: reads that are found in it are answered, and what changes rows is answered once they are out of it. */
export class CachedSession implements Transform {
  readonly holds = true
  readonly #shared: Shared
  readonly #awaited = new Map<Exchange, Awaited>()
  /** Reads that are being looked for. */
  readonly #looked = new Set<Exchange>()
  /** Lets what waits for all of those go on. */
  #onFound: (() => void) | null = null
  /** Not known, as when it came into a chain whose client was there before. */
  #keyspace: Keyspace = undefined
  /** Statements under way that may change it. */
  #uses = 0
  /** PREPAREs under way. */
  #prepares = 0
  #user: string | null = ''
  #isReady = false
  #isClosed = false

  constructor(shared: Shared, session: SessionInfo, previous: Transform | null) {
    this.#shared = shared
    if (previous instanceof CachedSession) {
      this.#keyspace = previous.#keyspace
      this.#user = previous.#user
      this.#isReady = previous.#isReady
    }
    shared.cache.attach(session)
  }

  /** Statements and their values are read, and what they are prepared as; other replies are kept where they come whole. */
  wants(kind: number): 'head' | 'whole' {
    if (kind === RESULT) return this.#prepares > 0 ? 'whole' : 'head'
    return kind === QUERY || kind === PREPARE || kind === EXECUTE || kind === BATCH ? 'whole' : 'head'
  }

  onRequests(batch: Batch, link: Link): void | Promise<void> {
    if (this.#isReady) this.#learn(batch[0]!.request, link)
    return this.#take(batch, 0, link)
  }

  #take(batch: Batch, from: number, link: Link): void | Promise<void> {
    const forwarded: Batch = []
    const unknown: Batch = []
    const reads: Batch = []
    const wanted: Wanted[] = []
    let at = from
    for (; at < batch.length; at++) {
      const exchange = batch[at]!
      const matter = this.#matterOf(exchange)
      if (matter.type === 'read') {
        reads.push(exchange)
        wanted.push(matter.wanted)
        continue
      }
      // It changes what those mean that were sent before, and must not overtake them.
      if (matter.type === 'use' && (reads.length > 0 || this.#looked.size > 0)) break
      if (matter.type === 'unknown') unknown.push(unprepared(exchange, matter.id))
      else {
        this.#await(exchange, matter)
        forwarded.push(exchange)
      }
    }
    if (unknown.length > 0) link.reply(unknown)
    if (forwarded.length > 0) link.forward(forwarded)
    if (reads.length > 0) this.#lookUp(reads, wanted, link)
    if (at < batch.length) return this.#whenFound().then(() => this.#take(batch, at, link))
  }

  /** Nothing is looked for any more. */
  #whenFound(): Promise<void> {
    if (this.#looked.size === 0) return Promise.resolve()
    return new Promise((resolve) => (this.#onFound = resolve))
  }

  #matterOf(exchange: Exchange): Matter | { readonly type: 'greeting' } {
    const { request } = exchange
    if (request.kind === STARTUP || request.kind === AUTH_RESPONSE) {
      if (request.kind === STARTUP && !this.#isReady) this.#keyspace = null
      return { type: 'greeting' }
    }
    const { cache, requests } = this.#shared
    const keyspace = this.#uses > 0 ? undefined : this.#keyspace
    const matter = requests.matterOf(request, { keyspace, user: this.#user })
    return matter.type === 'read' && (!this.#isReady || !cache.mayLookUp()) ? { type: 'nothing' } : matter
  }

  #await(exchange: Exchange, matter: Matter | { readonly type: 'greeting' }): void {
    switch (matter.type) {
      case 'write':
        if (matter.isCertain) this.#shared.cache.expect(matter.invalidations)
        this.#awaited.set(exchange, matter)
        break
      case 'use':
        this.#uses++
        this.#awaited.set(exchange, matter)
        break
      case 'prepare':
        this.#prepares++
        this.#awaited.set(exchange, matter)
        break
      case 'greeting':
        this.#awaited.set(exchange, matter)
        break
      case 'nothing':
      case 'read':
      case 'unknown':
    }
  }

  #lookUp(reads: Batch, wanted: readonly Wanted[], link: Link): void {
    for (const exchange of reads) this.#looked.add(exchange)
    this.#shared.cache.lookUp(wanted, (results) => this.#found(reads, wanted, results, link))
  }

  #found(reads: Batch, wanted: readonly Wanted[], results: readonly Found[], link: Link): void {
    const hits: Batch = []
    const misses: Batch = []
    for (const [i, exchange] of reads.entries()) {
      // It was given up, or went on when the session was about to end.
      if (!this.#looked.delete(exchange) || this.#isClosed) continue
      const result = results[i]!
      if (result !== null && 'body' in result) {
        const { request } = exchange
        exchange.response = responseFrame(versionOf(request), request.stream, RESULT, result.body)
        hits.push(exchange)
        continue
      }
      if (result !== null) this.#awaited.set(exchange, { type: 'fill', wanted: wanted[i]!, tokens: result })
      misses.push(exchange)
    }
    if (hits.length > 0) link.reply(hits)
    if (misses.length > 0) link.forward(misses)
    if (this.#looked.size > 0) return
    this.#onFound?.()
    this.#onFound = null
  }

  onResponses(batch: Batch, link: Link): void {
    if (this.#awaited.size === 0) {
      link.reply(batch)
      return
    }
    const ready: Batch = []
    for (const exchange of batch) {
      const awaited = this.#awaited.get(exchange)
      if (awaited === undefined) {
        ready.push(exchange)
        continue
      }
      this.#awaited.delete(exchange)
      if (awaited.type === 'write') this.#written(exchange, awaited, link)
      else {
        this.#answered(exchange, awaited)
        ready.push(exchange)
      }
    }
    if (ready.length > 0) link.reply(ready)
  }

  /** The client hears of it once nobody is given what was there before. */
  #written(exchange: Exchange, { invalidations, isCertain, forgets }: Write, link: Link): void {
    const { cache, tables } = this.#shared
    const reply = exchange.response!
    const isRefused = reply.kind === ERROR && REFUSALS.has(errorCode(reply))
    if (isRefused && !isCertain) {
      link.reply([exchange])
      return
    }
    if (forgets) tables.forget()
    reply.own()
    cache.invalidate(invalidations, reply.kind === ERROR && !isRefused, () => link.reply([exchange]))
  }

  #answered({ request, response }: Exchange, awaited: Exclude<Awaited, Write>): void {
    const reply = response!
    switch (awaited.type) {
      case 'fill': {
        const { cache, bytesMax } = this.#shared
        const body = keepable(reply, bytesMax)
        if (body !== null) cache.keep(awaited.wanted, awaited.tokens, body)
        break
      }
      case 'prepare': {
        this.#prepares--
        const id = preparedId(reply)
        if (id !== null) this.#shared.prepared.learn(id, awaited.plan)
        break
      }
      case 'use':
        this.#uses--
        this.#keyspace = keyspaceSet(reply) ?? this.#keyspace
        break
      case 'greeting':
        if (reply.kind === AUTH_SUCCESS) this.#user = login(request, reply) || null
        if (reply.kind === READY || reply.kind === AUTH_SUCCESS) this.#isReady = true
    }
  }

  /** Asks the server, beside what the client asks, about a table of which that is due. */
  #learn(request: Frame, link: Link): void {
    const { tables, cache } = this.#shared
    const table = tables.due
    if (table === null) return
    const onChanged = () => cache.invalidate([{ key: table.key, expiresMs: 0 }], false, () => {})
    void tables.learn(table, versionOf(request), (question) => link.call(question), onChanged)
  }

  onCancel(exchange: Exchange): void {
    this.#forget(exchange)
  }

  onSilent(exchange: Exchange): void {
    this.#forget(exchange)
  }

  /** It will have no reply. What it wrote, it may still write. */
  #forget(exchange: Exchange): void {
    this.#looked.delete(exchange)
    const awaited = this.#awaited.get(exchange)
    if (awaited === undefined) return
    this.#awaited.delete(exchange)
    if (awaited.type === 'write') this.#shared.cache.invalidate(awaited.invalidations, true, () => {})
    if (awaited.type === 'prepare') this.#prepares--
    if (awaited.type !== 'use') return
    this.#uses--
    this.#keyspace = undefined
  }

  /** The session is about to end: what is looked for is asked of the server. */
  onFlush(link: Link): void {
    const looked = [...this.#looked]
    this.#looked.clear()
    if (looked.length > 0) link.forward(looked)
    this.#onFound?.()
    this.#onFound = null
  }

  close(): void {
    this.#isClosed = true
    for (const exchange of [...this.#awaited.keys()]) this.#forget(exchange)
    this.#looked.clear()
    this.#onFound = null
  }
}

/** The exchange, answered as the server answers where it has not seen a statement prepared: clients prepare it and ask again. */
function unprepared(exchange: Exchange, id: Buffer): Exchange {
  exchange.response = unpreparedFrame(exchange.request, id, UNPREPARED)
  return exchange
}

/** The id that a PREPARE was answered with; null: it was refused. */
function preparedId(reply: Frame): Buffer | null {
  if (reply.kind !== RESULT || !reply.whole) return null
  try {
    const message = bodyOf(reply).message as Response
    return message.type === 'prepared' ? message.id : null
  } catch (error) {
    if (error instanceof CorruptError) return null
    throw error
  }
}
