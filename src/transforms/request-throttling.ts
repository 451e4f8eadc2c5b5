// Hot path
import type { z } from 'zod'
import type { Batch } from '../core/exchange.ts'
import type { Frame } from '../core/frame.ts'
import { transform, type Counter, type Env, type Zod } from '../core/kind.ts'
import type { Protocol, QueryFacet } from '../core/protocol.ts'
import type { Link, Transform } from '../core/transform.ts'
import { RateLimit, SharedNames } from './rate-limit.ts'

const METRIC = 'shotover_throttled_requests_count'
const MESSAGE = 'Server overloaded'
const NEVER =
  'A message was received that could never have been successfully delivered since it contains more sub messages than can ever be ' +
  'allowed through via the `RequestThrottling` transforms `max_requests_per_second` configuration.'
const TOO_LARGE = 'a transaction went on although the requests of a second were used up'

const RATE_MIN = 50
const RATE_MAX = 2 ** 32 - 1
/** Users that have a limit of their own; any more share one. */
const USERS_MAX = 4096
/** Seconds' worth of requests that a transaction may be ahead of its limits: to leave out a part of it is no choice. */
const GROUP_DEBT = 1

/** What a request is to the transaction that its session may be in. */
const NO_GROUP = 0
const GROUP_PASSES = 1
const GROUP_REFUSED = 2

const rate = (z: Zod) => z.int().min(1).max(RATE_MAX)

const OPTIONS = (z: Zod) =>
  z
    .strictObject({
      max_requests_per_second: rate(z).describe(
        'Requests that all clients together may send in a second, at least 50.',
      ),
      per_command: z
        .record(z.string(), rate(z))
        .describe('Requests in a second by command, `KEYS: 5`, for all clients together.')
        .optional(),
      per_key_prefix: z
        .record(z.string().min(1), rate(z))
        .describe('Requests in a second for keys by what they begin with, `"session:": 500`; the longest counts.')
        .optional(),
      per_user: rate(z).describe('Requests that the connections of one user may send in a second.').optional(),
    })
    .refine(({ max_requests_per_second: max }) => max >= RATE_MIN, {
      message: `max_requests_per_second has a minimum allowed value of ${RATE_MIN}`,
    })
type Options = z.infer<ReturnType<typeof OPTIONS>>

/** What a request is counted by. */
interface Limit {
  readonly rate: RateLimit
  readonly cell: number
  readonly refused: Counter
}

type LimitKind = 'all' | 'command' | 'key_prefix' | 'user'

/** The limits of one transform, for all sessions. In its memory there is a cell for each, those of the users last. */
class Throttle {
  readonly protocol: Protocol
  readonly #queries: QueryFacet
  readonly #env: Env
  readonly #all: Limit
  readonly #commands = new Map<string, Limit>()
  /** The same by code, where the code tells. */
  readonly #byCode: readonly (Limit | null)[]
  readonly #prefixes: { readonly prefix: string; readonly limit: Limit }[] = []
  readonly #users: SharedNames | null = null
  readonly #userRate: RateLimit | null = null
  readonly #refused: Readonly<Record<LimitKind, Counter>>
  readonly #userCell: number
  /** No limit depends on the request itself. */
  readonly isPlain: boolean
  /** Of the request that is being looked at. */
  readonly #applies: Limit[] = []

  constructor(protocol: Protocol, options: Options, env: Env, refused: Readonly<Record<LimitKind, Counter>>) {
    this.protocol = protocol
    this.#refused = refused
    this.#queries = protocol.queries!
    this.#env = env
    const cells = new BigInt64Array(env.shared, 0, cellCount(options))
    let next = 0
    const limit = (perSecond: number, kind: LimitKind): Limit => ({
      rate: new RateLimit(cells, perSecond),
      cell: next++,
      refused: refused[kind],
    })
    this.#all = limit(options.max_requests_per_second, 'all')
    const { per_command: commands = {}, per_key_prefix: prefixes = {}, per_user: perUser } = options
    for (const [name, perSecond] of Object.entries(commands))
      this.#commands.set(name.toUpperCase(), limit(perSecond, 'command'))
    for (const [prefix, perSecond] of Object.entries(prefixes))
      this.#prefixes.push({ prefix: Buffer.from(prefix).toString('latin1'), limit: limit(perSecond, 'key_prefix') })
    if (this.#prefixes.length !== 0 && this.#queries.renameKeys === undefined)
      env.log.warn(
        `${env.name} limits keys, which nobody can tell of requests of ${protocol.name}: these limits have no effect`,
      )
    this.#prefixes.sort((a, b) => b.prefix.length - a.prefix.length)
    this.#userCell = next
    if (perUser !== undefined) {
      this.#userRate = new RateLimit(cells, perUser)
      this.#users = new SharedNames(new Int32Array(env.shared, cells.byteLength, USERS_MAX))
    }
    this.isPlain = next === 1
    this.#byCode = this.#limitsByCode()
  }

  // Cold: once a topology
  #limitsByCode(): readonly (Limit | null)[] {
    const { codes } = this.#queries
    if (codes === undefined || this.#commands.size === 0) return []
    const names = Array.from({ length: codes.count }, (_, code) => codes.name(code))
    for (const name of this.#commands.keys())
      if (!names.includes(name))
        this.#env.log.warn(`${this.#env.name} limits ${name}, which is no command that is known`)
    return Array.from(names, (name) => this.#commands.get(name) ?? null)
  }

  /** The limit of a user, whichever thread serves him. */
  // Cold: once a login
  limitOf(user: string): Limit | null {
    if (this.#users === null || this.#userRate === null) return null
    return { rate: this.#userRate, cell: this.#userCell + this.#users.placeOf(user), refused: this.#refused.user }
  }

  now(): number {
    return this.#env.world.clock.now()
  }

  /** All of a batch, where no limit depends on the requests. */
  takeAll(cost: number, user: Limit | null, nowMs: number): boolean {
    if (user !== null && !user.rate.take(user.cell, nowMs, cost)) return false
    if (this.#all.rate.take(this.#all.cell, nowMs, cost)) return true
    user?.rate.giveBack(user.cell, cost)
    return false
  }

  cost(request: Frame): number {
    return this.#queries.cost(request)
  }

  group(request: Frame): number {
    return this.#queries.group === undefined ? 0 : this.#queries.group(request)
  }

  /** True: the request passes all limits, and is counted by them. */
  take(request: Frame, user: Limit | null, nowMs: number, debt: number): boolean {
    const cost = this.#queries.cost(request)
    const limits = this.#limitsOf(request, user)
    for (let i = 0; i < limits.length; i++) {
      const { rate: rateLimit, cell, refused } = limits[i]!
      if (rateLimit.take(cell, nowMs, cost, debt)) continue
      for (let taken = 0; taken < i; taken++) limits[taken]!.rate.giveBack(limits[taken]!.cell, cost)
      refused.add(1)
      if (cost > rateLimit.perSecond) this.#env.log.warn(NEVER)
      return false
    }
    return true
  }

  #limitsOf(request: Frame, user: Limit | null): readonly Limit[] {
    const applies = this.#applies
    applies.length = 0
    if (this.#commands.size !== 0) {
      let command = this.#byCode[request.code]
      if (command === undefined) command = this.#commands.get(this.#queries.name(request)) ?? null
      if (command !== null) applies.push(command)
    }
    if (this.#prefixes.length !== 0) this.#addPrefixes(request)
    if (user !== null) applies.push(user)
    applies.push(this.#all)
    return applies
  }

  #addPrefixes(request: Frame): void {
    const keys = this.#queries.keys(request)
    for (let i = 0; i < keys.length; i++) {
      for (let at = 0; at < this.#prefixes.length; at++) {
        const { prefix, limit } = this.#prefixes[at]!
        if (!keys[i]!.startsWith(prefix)) continue
        if (!this.#applies.includes(limit)) this.#applies.push(limit)
        break
      }
    }
  }
}

/** Of one session. */
class Throttled implements Transform {
  readonly #throttle: Throttle
  #user: Limit | null
  #group = NO_GROUP
  onResponses?: (batch: Batch, link: Link) => void

  constructor(throttle: Throttle) {
    this.#throttle = throttle
    this.#user = throttle.limitOf('')
    if (this.#user !== null) this.onResponses = this.#watchLogins
  }

  onRequests(batch: Batch, link: Link): void {
    const nowMs = this.#throttle.now()
    // Whoever sent these may have been told by now that what began a transaction was refused.
    if (this.#group === GROUP_REFUSED) this.#group = NO_GROUP
    if (this.#throttle.isPlain && this.#takeAll(batch, nowMs)) link.forward(batch)
    else this.#takeEach(batch, nowMs, link)
  }

  #takeAll(batch: Batch, nowMs: number): boolean {
    let cost = 0
    let group = this.#group
    for (let i = 0; i < batch.length; i++) {
      const { request } = batch[i]!
      cost += this.#throttle.cost(request)
      const step = this.#throttle.group(request)
      if (step !== 0) group = step > 0 ? GROUP_PASSES : NO_GROUP
    }
    if (!this.#throttle.takeAll(cost, this.#user, nowMs)) return false
    this.#group = group
    return true
  }

  // Cold: something may be refused, or there are more limits than one
  #takeEach(batch: Batch, nowMs: number, link: Link): void {
    const { protocol } = this.#throttle
    const passed: Batch = []
    const refused: Batch = []
    for (const exchange of batch) {
      const within = this.#group
      if (this.#passes(exchange.request, nowMs)) {
        passed.push(exchange)
        continue
      }
      exchange.response = protocol.failure(exchange.request, 'overloaded', MESSAGE)
      if (exchange.response === null) return link.fail(new Error(MESSAGE))
      refused.push(exchange)
      // The rest of it would be executed without this one.
      if (within === GROUP_PASSES) return link.fail(new Error(TOO_LARGE))
    }
    if (refused.length !== 0) link.reply(refused)
    if (passed.length !== 0) link.forward(passed)
  }

  // Cold: as above
  #passes(request: Frame, nowMs: number): boolean {
    const step = this.#throttle.group(request)
    const within = this.#group
    if (step < 0) this.#group = NO_GROUP
    if (within === GROUP_REFUSED && step <= 0) return false
    const passes = this.#throttle.take(request, this.#user, nowMs, within === GROUP_PASSES ? GROUP_DEBT : 0)
    if (step > 0) this.#group = passes ? GROUP_PASSES : GROUP_REFUSED
    return passes
  }

  // Cold: only where users have limits
  #watchLogins(batch: Batch, link: Link): void {
    for (const { request, response } of batch) {
      const user = this.#throttle.protocol.queries!.login?.(request, response!) ?? null
      if (user !== null) this.#user = this.#throttle.limitOf(user)
    }
    link.reply(batch)
  }
}

/** Cells of the memory that all threads share. */
// Cold: once a topology
function cellCount({ per_command: commands, per_key_prefix: prefixes, per_user: perUser }: Options): number {
  const named = Object.keys(commands ?? {}).length + Object.keys(prefixes ?? {}).length
  return 1 + named + (perUser === undefined ? 0 : USERS_MAX)
}

/** Lets only so many requests a second through; the others are answered with an error. */
export const requestThrottling = transform({
  type: 'RequestThrottling',
  doc:
    'Lets only so many requests a second through, counted for all clients and threads together; the others are answered with an error. ' +
    'What a second allows may come at once.',
  needs: ['queries'],
  options: OPTIONS,
  example: {
    max_requests_per_second: 10_000,
    per_command: { KEYS: 5, FLUSHALL: 1 },
    per_key_prefix: { 'session:': 2000 },
    per_user: 1000,
  },
  metrics: [METRIC],
  sharedBytes: (options) => cellCount(options) * 8 + (options.per_user === undefined ? 0 : USERS_MAX * 4),
  create(options, env) {
    const counter = (limit: LimitKind) => env.metrics.counter(METRIC, { name: env.name, limit })
    const refused = {
      all: counter('all'),
      command: counter('command'),
      key_prefix: counter('key_prefix'),
      user: counter('user'),
    }
    let throttle: Throttle | null = null
    return ({ protocol }) => new Throttled((throttle ??= new Throttle(protocol, options, env, refused)))
  },
})
