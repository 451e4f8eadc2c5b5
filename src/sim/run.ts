import { ModelClient } from '../protocols/valkey/model/client.ts'
import { drawHabits, type ClientHabits } from '../protocols/valkey/model/habits.ts'
import { ValkeyModel } from '../protocols/valkey/model/server.ts'
import type { Address, World } from '../world/world.ts'
import { Checks } from './checks.ts'
import { swarm, type SimOptions } from './options.ts'
import { SimWorld } from './world.ts'

const SERVER: Address = { host: '127.0.0.1', port: 7000 }
const LISTEN: Address = { host: '127.0.0.1', port: 6379 }
/** Simulated time by which every client must be through. */
const LOAD_MS = 600_000
/** Simulated time after which a proxy must be well again. */
const RECOVER_MS = 3000
const EVENTS_MAX = 3_000_000

/** What is between clients and server. */
export interface SimProxy {
  close(): void
  /** Called when nobody is connected any more: throws where something is still in flight or a table is not empty. */
  check(): void
}

/** Starts a proxy that listens at `listen` and sends everything to `upstream`. */
export type MakeProxy = (world: World, upstream: Address, listen: Address) => Promise<SimProxy>

export interface SeedResult {
  readonly seed: number
  /** Null: everything held. */
  readonly violation: string | null
  /** Equal for equal runs. */
  readonly hash: string
  readonly events: number
  readonly simulatedMs: number
  /** Tagged requests that clients sent. */
  readonly sent: number
  readonly executed: number
  readonly faulty: boolean
  readonly options: SimOptions
  /** A line an event, where a trace was asked for. */
  readonly trace: readonly string[]
}

export interface SeedOptions {
  readonly trace?: boolean
  /** No faults, whatever the seed says. */
  readonly calm?: boolean
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
export async function runSeed(seed: number, makeProxy: MakeProxy, options: SeedOptions = {}): Promise<SeedResult> {
  const sim = new SimWorld(swarm(seed, options.trace ?? false))
  if (options.calm ?? false) sim.calm()
  const plan = disturbances(sim, options.calm ?? false)
  const checks = new Checks(
    sim.options.resetChance + sim.options.refuseChance > 0 || plan.some(([, kind]) => kind !== clog),
  )
  checks.pushesMayBeLate = options.pushesMayBeLate ?? false
  const { faulty } = checks
  let violation: string | null = null
  try {
    await play(sim, checks, makeProxy, plan)
  } catch (error) {
    violation =
      error instanceof Error
        ? `${error.name === 'Error' ? '' : `${error.name}: `}${error.stack ?? error.message}`
        : String(error)
  }
  return {
    seed,
    violation,
    hash: sim.trace.hash,
    events: sim.trace.count,
    simulatedMs: sim.nowMs,
    sent: checks.sentCount,
    executed: checks.executedCount,
    faulty,
    options: sim.options,
    trace: sim.trace.lines ?? [],
  }
}

async function play(
  sim: SimWorld,
  checks: Checks,
  makeProxy: MakeProxy,
  plan: readonly [number, Disturbance][],
): Promise<void> {
  const { random } = sim
  const model = new ValkeyModel(sim.world, {
    onExecute: (connection, database, args, inTransaction) => {
      checks.note?.(`server executes for client ${connection} in ${database}: ${args.map(shownArgument).join(' ')}`)
      checks.executed(database, args, inTransaction)
    },
  })
  await model.listen(SERVER)
  if (sim.options.trace) checks.note = (text) => sim.trace.remark(sim.nowMs, text)
  const proxy = await makeProxy(sim.world, SERVER, LISTEN)
  for (const [atMs, disturb] of plan) sim.schedule.add(sim.nowMs + atMs, () => disturb(sim, model))
  let sessions = 0
  const client = (habits: ClientHabits[]) => new ModelClient(sim.world, LISTEN, checks, habits, () => ++sessions)
  const clients = Array.from({ length: random.between(1, 6) }, () =>
    client(Array.from({ length: random.between(1, 3) }, () => drawHabits(random))),
  )
  await load(sim, checks, clients)
  sim.calm()
  sim.net.allow(SERVER.port)
  await rest(sim, proxy)
  // The proxy must be well: from now on nothing may fail.
  checks.faulty = false
  await load(sim, checks, [client([{ ...drawHabits(random), requests: 20, reading: 'prompt', ending: 'quit' }])])
  await rest(sim, proxy)
  checks.finish()
  proxy.close()
  model.close()
  await sim.run(sim.nowMs + RECOVER_MS, EVENTS_MAX)
  if (sim.net.open > 0) checks.violation(`${sim.net.open} ends of connections are open after everything closed`)
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

/** What the faults and the clients left behind is cleared up: at once, or as fast as a long link carries what was asked for last. */
async function rest(sim: SimWorld, proxy: SimProxy): Promise<void> {
  const deadlineMs = sim.nowMs + LOAD_MS
  for (;;) {
    await sim.run(sim.nowMs + RECOVER_MS, EVENTS_MAX)
    try {
      proxy.check()
      return
    } catch (error) {
      if (sim.nowMs > deadlineMs) throw error
    }
  }
}
