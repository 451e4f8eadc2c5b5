import type { Limits, TransformKind } from '../core/kind.ts'
import { ModelCluster, type ModelNode } from '../protocols/cassandra/model/cluster.ts'
import { ModelStore } from '../protocols/cassandra/model/store.ts'
import { cassandraSinkCluster } from '../protocols/cassandra/sink-cluster.ts'
import { cassandraSource } from '../protocols/cassandra/source.ts'
import type { Address, World } from '../world/world.ts'
import { CassandraChecks } from './cassandra-checks.ts'
import { runSessions } from './cassandra-load.ts'
import { CassandraSession, drawCassandraHabits, type CassandraHabits } from './cassandra-session.ts'
import { swarm } from './options.ts'
import type { SeedOptions, SeedResult, SimProxy } from './run.ts'
import { valkeyProxy } from './valkey-proxy.ts'
import { SimWorld } from './world.ts'

const HOST = '127.0.0.1'
const FIRST_PORT = 7001
const LISTEN: Address = { host: HOST, port: 9042 }
const USERS = { alice: 'a secret', bob: 'another' }
/** Longer than it takes to find a node that is back. */
const RECOVER_MS = 30_000
const EVENTS_MAX = 5_000_000
/** A node that is stopped says nothing for so long, in milliseconds. */
const STOPS_MS = [800, 4000, 20_000]

const FLEET = [
  { address: `${HOST}:9042`, data_center: 'dc1', rack: 'r1', host_id: '00000000-0000-4000-8000-00000000000a' },
  { address: '127.0.0.2:9042', data_center: 'dc1', rack: 'r2', host_id: '00000000-0000-4000-8000-00000000000b' },
]

/** One whole run in front of a cluster: nodes, proxy, clients and faults, all drawn from the seed; then rest, one more client, and the end. */
export async function runCassandraClusterSeed(
  seed: number,
  limits: (world: World) => Limits,
  { trace = false, calm = false }: SeedOptions = {},
): Promise<SeedResult> {
  const sim = new SimWorld(swarm(seed, trace))
  if (calm) sim.calm()
  const breaks = !calm && sim.random.chance(0.7)
  const { resetChance, refuseChance } = sim.options
  const checks = new CassandraChecks(resetChance + refuseChance > 0 || breaks)
  const users = sim.random.chance(0.5) ? USERS : null
  const cluster = new ModelCluster(sim.world, {
    ...(users === null ? {} : { users }),
    delayMs: sim.random.pick([0, 1, 50]),
    onWrite: (user, version, keyspace, key, value) =>
      checks.executed(user, version, ModelStore.place(keyspace, key), value ?? ''),
  })
  let violation: string | null = null
  try {
    await new ClusterRun(sim, checks, cluster, users).play(limits(sim.world), breaks)
  } catch (error) {
    violation = error instanceof Error ? (error.stack ?? error.message) : String(error)
  }
  return {
    seed,
    violation,
    hash: sim.trace.hash,
    events: sim.trace.count,
    simulatedMs: sim.nowMs,
    sent: checks.sentCount,
    executed: checks.executedCount,
    faulty: checks.brokeSomething,
    options: sim.options,
    trace: sim.trace.lines ?? [],
  }
}

class ClusterRun {
  readonly #sim: SimWorld
  readonly #checks: CassandraChecks
  readonly #cluster: ModelCluster
  readonly #users: Readonly<Record<string, string>> | null
  #sessions = 0
  #nodes = 0

  constructor(
    sim: SimWorld,
    checks: CassandraChecks,
    cluster: ModelCluster,
    users: Readonly<Record<string, string>> | null,
  ) {
    this.#sim = sim
    this.#checks = checks
    this.#cluster = cluster
    this.#users = users
  }

  async play(limits: Limits, breaks: boolean): Promise<void> {
    const sim = this.#sim
    const { random } = sim
    for (let i = random.between(1, 4); i > 0; i--) await this.#add()
    const contacts = this.#cluster.nodes.slice(0, random.between(1, 2))
    const options = {
      first_contact_points: contacts.map(({ options: { address } }) => `${address.host}:${address.port}`),
      local_shotover_host_id: FLEET[0]!.host_id,
      shotover_nodes: FLEET,
      connect_timeout_ms: 3000,
    }
    const above = [{ kind: cassandraSinkCluster as TransformKind<never>, options }]
    const proxy = await valkeyProxy(sim.world, LISTEN, LISTEN, above, limits, 0, cassandraSource.protocol)
    if (breaks) for (let i = random.between(1, 6); i > 0; i--) this.#plan()
    const habits = () => drawCassandraHabits(sim, this.#users)
    const sessions = Array.from({ length: random.between(1, 12) }, () => this.#session(habits()))
    await runSessions(sim, sessions, LISTEN, EVENTS_MAX)
    sim.calm()
    for (let port = FIRST_PORT; port < FIRST_PORT + this.#nodes; port++) sim.net.allow(port)
    await sim.run(sim.nowMs + RECOVER_MS, EVENTS_MAX)
    await this.#check(proxy)
    // The proxy must be well: from now on nothing may fail.
    this.#checks.faulty = false
    await runSessions(sim, [this.#session({ ...habits(), readsSlowly: false, ending: 'end' })], LISTEN, EVENTS_MAX)
    await sim.run(sim.nowMs + RECOVER_MS, EVENTS_MAX)
    await this.#check(proxy)
    this.#checks.finish()
    proxy.close()
    this.#cluster.close()
    await sim.run(sim.nowMs + RECOVER_MS, EVENTS_MAX)
    if (sim.net.open > 0) throw new Error(`${sim.net.open} ends of connections are open after everything closed`)
  }

  /** Nothing may be left, but for what the proxy itself asks of the cluster now and then, and replies that nobody waits for on a slow link. */
  async #check(proxy: SimProxy): Promise<void> {
    for (let left = 100; ; left--) {
      try {
        proxy.check()
        return
      } catch (error) {
        if (left === 0) throw error
        await this.#sim.run(this.#sim.nowMs + 1370, EVENTS_MAX)
      }
    }
  }

  #session(habits: CassandraHabits): CassandraSession {
    const hostIds = FLEET.map(({ host_id }) => host_id)
    return new CassandraSession(this.#sim, this.#checks, ++this.#sessions, habits, hostIds)
  }

  async #add(): Promise<ModelNode> {
    const index = this.#nodes++
    return this.#cluster.add({
      address: { host: HOST, port: FIRST_PORT + index },
      hostId: `00000000-0000-4000-8000-00000000000${index + 1}`,
      rack: `r${1 + (index % 2)}`,
      token: String(BigInt(index) * 3_000_000_000_000_000_000n - 6_000_000_000_000_000_000n),
    })
  }

  /** Something that breaks, some time. */
  #plan(): void {
    const { random, net, schedule, nowMs } = this.#sim
    const cluster = this.#cluster
    const later = (ms: number, act: () => void) => schedule.add(this.#sim.nowMs + ms, act)
    const disturb = random.pick<(node: ModelNode) => void>([
      (node) => this.#kill(node),
      (node) => this.#kill(node),
      ({ options: { address } }) => net.resetAll(address.port),
      () => net.resetAll(LISTEN.port),
      ({ options: { address } }) => net.clogAll(address.port, random.pick(STOPS_MS)),
      () => net.clogAll(LISTEN.port, random.below(800)),
      // What others say may be wrong.
      (node) => {
        cluster.tell('STATUS_CHANGE', 'DOWN', node)
        if (random.chance(0.5)) later(random.below(3000), () => cluster.tell('STATUS_CHANGE', 'UP', node))
      },
      () => {
        if (this.#nodes < 6) void this.#add().then((node) => cluster.tell('TOPOLOGY_CHANGE', 'NEW_NODE', node))
      },
      (node) => {
        if (cluster.nodes.indexOf(node) < 2) return
        cluster.remove(node)
        cluster.tell('TOPOLOGY_CHANGE', 'REMOVED_NODE', node)
      },
    ])
    schedule.add(nowMs + random.below(3000), () => {
      const running = cluster.nodes.filter(({ isRunning }) => isRunning)
      if (running.length > 0) disturb(random.pick(running))
    })
  }

  /** Its process dies, and begins again. The others may not notice. */
  #kill(node: ModelNode): void {
    const { random, net, schedule, nowMs } = this.#sim
    const cluster = this.#cluster
    net.kill(node.options.address)
    cluster.crash(node)
    const isNoticed = random.chance(0.5)
    if (isNoticed) cluster.tell('STATUS_CHANGE', 'DOWN', node)
    schedule.add(nowMs + random.pick([1, 50, 700, 8000]), () => {
      if (!cluster.nodes.includes(node)) return
      void cluster.start(node).then(() => {
        if (isNoticed) cluster.tell('STATUS_CHANGE', 'UP', node)
      })
    })
  }
}
