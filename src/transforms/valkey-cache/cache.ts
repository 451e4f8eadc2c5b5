import type { Counter, Log } from '../../core/kind.ts'
import type { SessionInfo } from '../../core/transform.ts'
import { encodeRequest } from '../../protocols/valkey/encode.ts'
import type { Reply } from '../../protocols/valkey/values.ts'
import type { Timer, World } from '../../world/world.ts'
import type { CacheConnection } from './connection.ts'
import type { Debts, Owed } from './debts.ts'
import { encodeEntry, type Tokens } from './entry.ts'
import { clearing, errorIn, expiryKey, holding, LATE, type Invalidation } from './invalidation.ts'
import { Lookup, type Found, type Wanted } from './lookup.ts'

/** Milliseconds before Valkey is tried again: the first time, and at most. */
const RETRY_MS_MIN = 10
const RETRY_MS_MAX = 1000
/** Debts that are paid in one go. */
const PAY_MAX = 256

export interface CacheMetrics {
  readonly hits: Counter
  readonly misses: Counter
  readonly bypasses: Counter
  readonly failures: Readonly<Record<'lookup' | 'fill' | 'invalidation', Counter>>
}

export interface CacheSettings {
  readonly world: World
  readonly log: Log
  readonly metrics: CacheMetrics
  /** Milliseconds after which nothing is valid any more; null: it stays until it is invalidated. */
  readonly ttlMs: number | null
  /** Key that nobody has, to see whether Valkey answers. */
  readonly probeKey: string
}

/** What stands in Valkey. One for all sessions of a thread. */
export class Cache {
  readonly #connection: CacheConnection
  readonly #debts: Debts
  readonly #settings: CacheSettings
  /** Tokens are this and a number: no two in the world are equal. */
  readonly #tokenPrefix: string
  #tokens = 0
  #isDown = false
  #retryMs = RETRY_MS_MIN
  #timer: Timer | null = null
  #isPaying = false
  #isClosed = false

  constructor(connection: CacheConnection, debts: Debts, settings: CacheSettings) {
    this.#connection = connection
    this.#debts = debts
    this.#settings = settings
    this.#tokenPrefix = `${settings.world.random.bytes(9).toString('base64url')}.`
  }

  /** A session has come: from now on there is somebody to speak for. */
  attach(session: SessionInfo): void {
    this.#connection.attach(session)
    if (!this.#debts.areNone) this.#recover()
  }

  /** What is found may be relied on, and found in time. */
  get isTrusted(): boolean {
    if (this.#debts.areNone) return !this.#isDown && this.#connection.isFree
    this.#recover()
    return false
  }

  /** A read that may be in it has come: is it worth looking? Counts where not. */
  mayLookUp(): boolean {
    if (this.isTrusted) return true
    this.#settings.metrics.bypasses.add(1)
    return false
  }

  /** Looks for replies; `found` is called once for each in `wanted`, perhaps at once. */
  lookUp(wanted: readonly Wanted[], found: (results: readonly Found[]) => void): void {
    const { metrics, ttlMs } = this.#settings
    const lookup = new Lookup(wanted, () => this.#tokenPrefix + (this.#tokens++).toString(36), ttlMs)
    this.#connection.ask(lookup.commands, (replies) => {
      const problem = errorIn(replies)
      if (problem === null) this.#retryMs = RETRY_MS_MIN
      else this.#lookupFailed(problem)
      const results = problem === null ? lookup.results(replies!) : wanted.map((): Found => null)
      const hits = results.filter((result) => result !== null && 'body' in result).length
      metrics.hits.add(hits)
      metrics.misses.add(results.length - hits)
      const leases = lookup.leases()
      if (problem !== null || leases.length === 0) {
        found(results)
        return
      }
      this.#connection.ask(leases, (granted) => {
        const refusal = errorIn(granted)
        if (refusal !== null) this.#lookupFailed(refusal)
        found(refusal === null ? lookup.leased(granted!) : results)
      })
    })
  }

  /** Keeps a reply that was asked for under these tokens, unless some of the partition will expire. */
  keep({ table, place, digest }: Wanted, tokens: Tokens, body: Buffer): void {
    const { ttlMs } = this.#settings
    if (!this.isTrusted) return
    const entry = encodeEntry(tokens, digest, body)
    const expiring = [expiryKey(table.key), expiryKey(place)].map((key) => encodeRequest(['EXISTS', key]))
    this.#connection.ask(expiring, (replies) => {
      const problem = errorIn(replies)
      if (problem !== null) this.#settings.metrics.failures.fill.add(1)
      if (problem !== null || !replies!.every(isZero)) return
      const commands = [encodeRequest(['HSET', place, digest, entry])]
      if (ttlMs !== null) commands.push(encodeRequest(['PEXPIRE', place, String(ttlMs), 'NX']))
      this.#connection.ask(commands, (kept) => {
        if (errorIn(kept) !== null) this.#settings.metrics.failures.fill.add(1)
      })
    })
  }

  /** A write is on its way: should nobody hear how it ended, its partitions stay out of the cache for as long as it may take. */
  expect(invalidations: readonly Invalidation[]): void {
    if (this.#isDown) return
    this.#connection.ask(invalidations.flatMap(holding), (replies) => {
      const problem = errorIn(replies)
      if (problem !== null && isUnreachable(problem)) this.#failed(problem)
    })
  }

  /**
   * A write ended; `isUnknown`: nobody knows how. `done` is called once nothing of what was cached before is given to anybody: perhaps at
   * once, and at the latest after the time that Valkey has.
   */
  invalidate(invalidations: readonly Invalidation[], isUnknown: boolean, done: () => void): void {
    if (this.#isDown) {
      this.#owe(invalidations, isUnknown)
      done()
      return
    }
    this.#connection.ask(invalidations.flatMap(isUnknown ? holding : clearing), (replies) => {
      const problem = errorIn(replies)
      if (problem !== null) {
        this.#owe(invalidations, isUnknown)
        if (isUnreachable(problem)) this.#failed(problem)
      }
      done()
    })
  }

  /** The topology ends. */
  close(): void {
    this.#isClosed = true
    this.#timer?.cancel()
    this.#debts.close()
    this.#connection.close()
  }

  #owe(invalidations: readonly Invalidation[], isUnknown: boolean): void {
    this.#settings.metrics.failures.invalidation.add(invalidations.length)
    this.#debts.add(invalidations, isUnknown)
    this.#recover()
  }

  #lookupFailed(problem: string): void {
    this.#settings.metrics.failures.lookup.add(1)
    // A key that is somebody else's says nothing of the others.
    if (!problem.startsWith('WRONGTYPE')) this.#failed(problem)
  }

  #failed(problem: string): void {
    if (this.#isDown) return
    this.#isDown = true
    this.#settings.log.warn(`Cache error: ${problem}; until it is mended everything is asked of Cassandra`)
    this.#recover()
  }

  /** Tries, after a while, whether Valkey answers, and pays what is owed. */
  #recover(): void {
    if (this.#timer !== null || this.#isPaying || this.#isClosed) return
    this.#timer = this.#settings.world.clock.after(this.#retryMs, () => {
      this.#timer = null
      this.#pay()
    })
  }

  #pay(): void {
    this.#debts.adopt()
    const owed = this.#debts.owed.slice(0, PAY_MAX)
    // Others of the process may owe something still: it is for them to pay.
    if (owed.length === 0 && !this.#isDown) return
    this.#isPaying = true
    const commands = owed.length === 0 ? [encodeRequest(['EXISTS', this.#settings.probeKey])] : owed.flatMap(payment)
    this.#connection.ask(commands, (replies) => {
      this.#isPaying = false
      if (errorIn(replies) !== null) {
        this.#retryMs = Math.min(this.#retryMs * 2, RETRY_MS_MAX)
        this.#recover()
        return
      }
      this.#debts.paid(owed)
      if (this.#isDown) this.#settings.log.info('Valkey answers again')
      this.#isDown = false
      if (this.#debts.owed.length > 0 && !this.#isClosed) this.#pay()
    })
  }
}

/** As the sink says that it can't be had; and what did not come in time. */
function isUnreachable(problem: string): boolean {
  return problem === LATE || problem.startsWith('ERR Internal shotover')
}

function payment(owed: Owed): ReturnType<typeof clearing> {
  return owed.isUnknown ? holding(owed) : clearing(owed)
}

function isZero(reply: Reply): boolean {
  return reply.type === 'integer' && reply.value === 0
}
