import type { Limits } from '../../src/core/kind.ts'
import { swarm as drawWorld } from '../../src/sim/options.ts'
import { SimWorld } from '../../src/sim/world.ts'
import type { Address } from '../../src/world/world.ts'
import type { Act } from './acts.ts'
import { HardClient, Violation } from './client.ts'
import { CANCEL, type Order } from './format.ts'
import { Journal, type WriteOrder } from './journal.ts'
import { HardServer } from './model-server.ts'
import { HardProxy, type HardProxyOptions } from './proxy.ts'
import { HardSession, type Habits } from './session.ts'

const SERVER: Address = { host: '127.0.0.1', port: 7000 }
const LISTEN: Address = { host: '127.0.0.1', port: 8000 }
/** The smaller of two bounds that runs draw. */
const SESSION_BYTES_MAX = 1024 * 1024
const EVENTS_MAX = 1_000_000
/** Simulated time by which every client must be through, and in which a proxy must be well again. */
const LOAD_MS = 300_000
const RECOVER_MS = 10_000

const ORDERED: readonly Act[] = [
  'put',
  'get',
  'head',
  'slowly',
  'rows',
  'note',
  'group',
  'switch',
  'use',
  'transaction',
  'subscription',
  'wait',
  'cancelled',
  'stream',
  'upload',
  'tail',
]
const ANY: readonly Act[] = [
  'put',
  'get',
  'head',
  'slowly',
  'rows',
  'note',
  'switch',
  'use',
  'transaction',
  'subscription',
  'wait',
  'cancelled',
  'abandoned',
  'tail',
]

const STREAMS: readonly Act[] = [...ANY.filter((act) => act !== 'tail'), 'stream', 'upload', 'broken']
const ACTS = { 'request-order': ORDERED, any: ANY, streams: STREAMS }

export interface SwarmOptions {
  readonly order: Order
  /** Nothing breaks, whatever the seed says. */
  readonly calm?: boolean
  /** Stages above the sink. */
  readonly above?: (sim: SimWorld, swarm: Swarm) => HardProxyOptions['above']
  /** Its stages break things: any reply may be an error, and any session closed. */
  readonly isNaughty?: boolean
  /** What is not drawn. */
  readonly limits?: Partial<Limits>
  /** Gets what the proxy logs as errors. */
  readonly errors?: string[]
  readonly wrapsSink?: boolean
  /** How often the stages above the sink are made anew for all sessions. */
  readonly renewals?: number
  /** What sessions do; default: everything that the order allows. */
  readonly acts?: readonly Act[]
  readonly writeOrder?: WriteOrder
}

/** A whole run, drawn from a seed: a server, the proxy, clients and faults. */
export class Swarm {
  readonly sim: SimWorld
  readonly order: Order
  readonly hasStreams: boolean
  readonly journal: Journal
  readonly proxyAddress = LISTEN
  faulty: boolean
  /** Somebody cancelled something: word of it may come late, and for whoever has the connection then. */
  hasCancelled = false
  readonly #acts: readonly Act[]
  readonly #server: HardServer
  readonly #proxy: HardProxy
  readonly #cancellers: HardClient[] = []
  readonly #renewals: number
  #sessions = 0

  constructor(seed: number, options: SwarmOptions) {
    this.sim = new SimWorld(drawWorld(seed))
    if (options.calm === true) this.sim.calm()
    const { resetChance, refuseChance } = this.sim.options
    this.faulty = resetChance + refuseChance > 0 || options.isNaughty === true
    this.order = options.order
    this.hasStreams = options.order !== 'request-order'
    this.journal = new Journal(options.writeOrder ?? (this.hasStreams ? 'none' : 'session'))
    this.#acts = options.acts ?? ACTS[options.order]
    this.#server = new HardServer(this.sim, {
      order: options.order,
      onExecute: (_connection, _space, request, inTransaction) => this.journal.executed(request, inTransaction),
    })
    this.#renewals = options.renewals ?? 0
    const above = options.above?.(this.sim, this)
    this.#proxy = new HardProxy(this.sim, SERVER, {
      ...options,
      above,
      limits: { ...this.#drawLimits(), ...options.limits },
    })
  }

  #drawLimits(): Partial<Limits> {
    const { random } = this.sim
    return {
      cutThroughBytes: random.pick([10, 100, 4096, 64 * 1024]),
      quantumFrames: random.pick([1, 4, 256]),
      sessionInFlightMax: random.pick([1, 4, 256]),
      sessionUnsentBytes: random.pick([100, 4096, 1024 * 1024]),
      sessionBytesMax: random.pick([SESSION_BYTES_MAX, 64 * 1024 * 1024]),
      stallMs: random.pick([50, 1000]),
      callTimeoutMs: random.pick([100, 3000]),
    }
  }

  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => this.sim.schedule.add(this.sim.nowMs + ms, resolve))
  }

  /** A client that tries to cancel what `key` waits for, until it is stopped. */
  canceller(key: string): { stop(): void } {
    const client = new HardClient(this.sim, this.order)
    let stopped = false
    this.hasCancelled = true
    const attempt = () => {
      if (client.closed) return
      if (stopped) client.end()
      else {
        client.say(CANCEL, key)
        this.sim.schedule.add(this.sim.nowMs + 20, attempt)
      }
    }
    client.connect(this.proxyAddress).then(attempt, () => {})
    this.#cancellers.push(client)
    return {
      stop() {
        stopped = true
      },
    }
  }

  async run(): Promise<void> {
    await this.#server.listen(SERVER)
    await this.#proxy.listen(LISTEN)
    this.#proxy.renew(this.#renewals)
    this.#breakThings()
    const { random } = this.sim
    await this.#load(Array.from({ length: random.between(1, 5) }, () => this.#drawHabits()))
    this.sim.calm()
    this.sim.net.allow(SERVER.port)
    await this.#rest()
    this.#proxy.checkEmpty()
    // The proxy must be well: from now on nothing may fail.
    this.faulty = false
    await this.#load([{ ...this.#drawHabits(), readsSlowly: false, ending: 'end' }])
    await this.#rest()
    this.#proxy.checkEmpty()
    this.journal.finish()
    this.#proxy.pool.close()
    // Who does not read does not learn that a connection was reset.
    for (const { connection } of this.#server.sessions) connection.resume()
    await this.#rest()
    if (this.#server.sessions.size > 0) throw new Violation('connections to the server are open after the end')
  }

  #drawHabits(): Habits {
    const { random } = this.sim
    const window = random.pick([1, 4, 64])
    const acts = this.#acts.filter(() => random.chance(0.4))
    return {
      acts: acts.length === 0 ? ['put', 'get'] : acts,
      count: random.between(1, 30),
      window,
      // Small kernels on long links carry little in the time that a run has, and nobody may have more out than the bound.
      valueBytesMax: Math.min(
        random.pick([10, 1000, 20_000, 300_000]),
        this.sim.options.bufferBytesMin * 8,
        SESSION_BYTES_MAX / (2 * window),
      ),
      readsSlowly: random.chance(0.2),
      ending: random.pick(['end', 'end', 'half', 'destroy']),
    }
  }

  #breakThings(): void {
    const { random, net, schedule } = this.sim
    if (this.sim.options.resetChance + this.sim.options.refuseChance === 0) return
    for (let i = random.below(5); i > 0; i--) {
      const atMs = random.below(1000)
      const what = random.pick(['crash', 'cut server', 'cut clients', 'clog'] as const)
      schedule.add(atMs, () => {
        if (what === 'cut server') net.resetAll(SERVER.port)
        else if (what === 'cut clients') net.resetAll(LISTEN.port)
        else if (what === 'clog') net.clogAll(SERVER.port, random.below(500))
        else this.#crash()
      })
    }
  }

  #crash(): void {
    if (this.#isDown) return
    this.#isDown = true
    this.#server.crash()
    this.sim.schedule.add(this.sim.nowMs + this.sim.random.pick([1, 50, 700]), () => {
      this.#isDown = false
      void this.#server.listen(SERVER)
    })
  }

  #isDown = false

  async #load(habits: Habits[]): Promise<void> {
    const sessions = habits.map((one) => new HardSession(this, ++this.#sessions, one))
    for (const session of sessions) void session.run()
    const deadlineMs = this.sim.nowMs + LOAD_MS
    const over = () => sessions.every((one) => one.through || one.trouble !== null) || this.sim.nowMs > deadlineMs
    await this.sim.run(over, EVENTS_MAX)
    for (const { trouble, state } of sessions) if (trouble !== null) throw new Violation(`${trouble.stack}\n${state}`)
    const hanging = sessions.filter((one) => !one.through)
    if (hanging.length > 0) throw new Violation(`no end in sight: ${hanging.map((one) => one.state).join('\n')}`)
  }

  async #rest(): Promise<void> {
    for (const client of this.#cancellers) if (!client.closed) client.connection?.destroy()
    await this.sim.run(this.sim.nowMs + RECOVER_MS, EVENTS_MAX)
  }
}

/** So many seeds from 1 on; others where the environment names them: `SEEDS=100..500 npm test -- hard-protocol`. */
export function seeds(count: number): number[] {
  const [first = 1, last = count] = process.env['SEEDS']?.split('..').map(Number) ?? []
  return Array.from({ length: last - first + 1 }, (_, index) => first + index)
}

/** Runs seeds and tells of the first that broke a promise. */
export async function runSeeds(all: readonly number[], options: SwarmOptions): Promise<string | null> {
  const broken: string[] = []
  for (const seed of all) {
    try {
      await new Swarm(seed, options).run()
    } catch (error) {
      broken.push(`seed ${seed}: ${error instanceof Error ? error.stack : String(error)}`)
    }
  }
  return broken.length === 0 ? null : `${broken.length} of ${all.length} seeds, the first: ${broken[0]}`
}
