import { ModelClient } from '../protocols/valkey/model/client.ts'
import { drawHabits, type ClientHabits } from '../protocols/valkey/model/habits.ts'
import { ValkeyModel } from '../protocols/valkey/model/server.ts'
import type { Address, World } from '../world/world.ts'
import { Checks } from './checks.ts'
import { playSeed, worldOf, type SeedOptions, type SeedResult, type SeedRun, type SimProxy } from './seed-run.ts'
import type { SimWorld } from './world.ts'

const SERVER: Address = { host: '127.0.0.1', port: 7000 }
const LISTEN: Address = { host: '127.0.0.1', port: 6379 }
/** Simulated time by which every client must be through. */
const LOAD_MS = 600_000
/** Simulated time after which a proxy must be well again. */
const RECOVER_MS = 3000
const EVENTS_MAX = 3_000_000

/** Starts a proxy that listens at `listen` and sends everything to `upstream`. */
export type MakeProxy = (world: World, upstream: Address, listen: Address) => Promise<SimProxy>

export interface ValkeySeedOptions extends SeedOptions {
  /** A stage of the chain holds back replies, batch by batch: messages may come after what they stood before. */
  readonly pushesMayBeLate?: boolean
}

type Disturbance = (sim: SimWorld, model: ValkeyModel) => void

/** The server dies, and comes back with what it held. */
const crash: Disturbance = (sim, model) => {
  sim.net.kill(SERVER)
  model.crash()
  const downMs = sim.random.pick([1, 50, 700])
  sim.schedule.add(sim.nowMs + downMs, () => {
    // A second crash may have come in between.
    void model.listen(SERVER).catch(() => {})
  })
}
const cutServer: Disturbance = (sim) => sim.net.resetAll(SERVER.port)
const cutClients: Disturbance = (sim) => sim.net.resetAll(LISTEN.port)
const refuse: Disturbance = (sim) => {
  sim.net.refuse(SERVER.port)
  sim.schedule.add(sim.nowMs + sim.random.below(500), () => sim.net.allow(SERVER.port))
}
const clog: Disturbance = (sim) => sim.net.clogAll(sim.random.pick([SERVER.port, LISTEN.port]), sim.random.below(800))

/** What goes wrong, when: nothing in half of the runs. */
function disturbances(sim: SimWorld, calm: boolean): [atMs: number, disturb: Disturbance][] {
  if (calm || sim.random.chance(0.5)) return []
  const kinds = [crash, cutServer, cutClients, refuse, clog].filter(() => sim.random.chance(0.5))
  if (kinds.length === 0) return []
  return Array.from({ length: sim.random.between(1, 6) }, () => [sim.random.below(2000), sim.random.pick(kinds)])
}

/** One whole run: server, proxy, clients and faults, all drawn from the seed; then rest, one more client, and the end. */
export async function runSeed(
  seed: number,
  makeProxy: MakeProxy,
  options: ValkeySeedOptions = {},
): Promise<SeedResult> {
  const sim = worldOf(seed, options)
  return await playSeed(sim, new ValkeyRun(sim, makeProxy, options))
}

class ValkeyRun implements SeedRun {
  readonly pace = { recoverMs: RECOVER_MS, patienceMs: LOAD_MS, eventsMax: EVENTS_MAX }
  readonly faulty: boolean
  readonly proxies: SimProxy[] = []
  readonly #sim: SimWorld
  readonly #makeProxy: MakeProxy
  readonly #plan: readonly [number, Disturbance][]
  readonly #checks: Checks
  readonly #model: ValkeyModel
  #sessions = 0

  constructor(sim: SimWorld, makeProxy: MakeProxy, { calm = false, pushesMayBeLate = false }: ValkeySeedOptions) {
    this.#sim = sim
    this.#makeProxy = makeProxy
    this.#plan = disturbances(sim, calm)
    const { resetChance, refuseChance, trace } = sim.options
    this.faulty = resetChance + refuseChance > 0 || this.#plan.some(([, kind]) => kind !== clog)
    const checks = new Checks(this.faulty)
    checks.pushesMayBeLate = pushesMayBeLate
    if (trace) checks.note = (text) => sim.trace.remark(sim.nowMs, text)
    this.#checks = checks
    this.#model = new ValkeyModel(sim.world, {
      onExecute: (connection, database, args, inTransaction) => {
        checks.note?.(`server executes for client ${connection} in ${database}: ${args.map(shownArgument).join(' ')}`)
        checks.executed(database, args, inTransaction)
      },
    })
  }

  async load(): Promise<void> {
    const sim = this.#sim
    await this.#model.listen(SERVER)
    this.proxies.push(await this.#makeProxy(sim.world, SERVER, LISTEN))
    for (const [atMs, disturb] of this.#plan) sim.schedule.add(sim.nowMs + atMs, () => disturb(sim, this.#model))
    const { random } = sim
    const clients = Array.from({ length: random.between(1, 6) }, () =>
      this.#client(Array.from({ length: random.between(1, 3) }, () => drawHabits(random))),
    )
    await load(sim, this.#checks, clients)
    sim.net.allow(SERVER.port)
  }

  async last(): Promise<void> {
    this.#checks.faulty = false
    const habits: ClientHabits = { ...drawHabits(this.#sim.random), requests: 20, reading: 'prompt', ending: 'quit' }
    await load(this.#sim, this.#checks, [this.#client([habits])])
  }

  close(): void {
    this.#checks.finish()
    this.#model.close()
  }

  counts() {
    return { sent: this.#checks.sentCount, executed: this.#checks.executedCount }
  }

  #client(habits: ClientHabits[]): ModelClient {
    return new ModelClient(this.#sim.world, LISTEN, this.#checks, habits, () => ++this.#sessions)
  }
}

function shownArgument(argument: Buffer): string {
  return JSON.stringify(argument.subarray(0, 40).toString('latin1'))
}

/** Runs the clients until all are through. */
async function load(sim: SimWorld, checks: Checks, clients: readonly ModelClient[]): Promise<void> {
  for (const client of clients) client.start()
  const deadlineMs = sim.nowMs + LOAD_MS
  const through = () => clients.every((client) => client.done) || sim.nowMs > deadlineMs
  const end = await sim.run(through, EVENTS_MAX)
  const hanging = clients.filter((client) => !client.done)
  if (hanging.length > 0)
    checks.violation(
      `${end === 'idle' ? 'nothing moves any more' : 'no end in sight'}: ${hanging.map((client) => client.state).join('; ')}\nopen: ${sim.net.states.join('; ')}`,
    )
}
