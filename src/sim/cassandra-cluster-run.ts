import type { Limits, TransformKind } from '../core/kind.ts'
import { ModelCluster, type ModelNode } from '../protocols/cassandra/model/cluster.ts'
import { cassandraSinkCluster } from '../protocols/cassandra/sink-cluster.ts'
import { cassandraSource } from '../protocols/cassandra/source.ts'
import type { Address, World } from '../world/world.ts'
import { CassandraLoad } from './cassandra-load.ts'
import { playSeed, worldOf, type SeedOptions, type SeedResult, type SeedRun, type SimProxy } from './seed-run.ts'
import { valkeyProxy } from './valkey-proxy.ts'
import type { SimWorld } from './world.ts'

const HOST = '127.0.0.1'
const FIRST_PORT = 7001
const LISTEN: Address = { host: HOST, port: 9042 }
/** Longer than it takes to find a node that is back. */
const RECOVER_MS = 30_000
/** By then nothing may be left of clients that are gone: it is looked for a hundred times more. */
const PATIENCE_MS = 166_000
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
  options: SeedOptions = {},
): Promise<SeedResult> {
  const sim = worldOf(seed, options)
  return await playSeed(sim, new ClusterRun(sim, limits, options))
}

class ClusterRun implements SeedRun {
  // The proxy asks the cluster for something now and then, and there are replies that nobody waits for on a slow link.
  readonly pace = { recoverMs: RECOVER_MS, againMs: 1370, patienceMs: PATIENCE_MS, eventsMax: EVENTS_MAX }
  readonly faulty: boolean
  readonly proxies: SimProxy[] = []
  readonly #clients: CassandraLoad
  readonly #sim: SimWorld
  readonly #cluster: ModelCluster
  readonly #limits: Limits
  #nodes = 0

  constructor(sim: SimWorld, limits: (world: World) => Limits, { calm = false }: SeedOptions) {
    const hostIds = FLEET.map(({ host_id }) => host_id)
    this.#sim = sim
    this.#clients = new CassandraLoad(sim, !calm && sim.random.chance(0.7), hostIds)
    this.#cluster = new ModelCluster(sim.world, this.#clients.modelOptions)
    this.#limits = limits(sim.world)
    this.faulty = this.#clients.checks.faulty
  }

  async load(): Promise<void> {
    const { world, random } = this.#sim
    for (let i = random.between(1, 4); i > 0; i--) await this.#add()
    const contacts = this.#cluster.nodes.slice(0, random.between(1, 2))
    const options = {
      first_contact_points: contacts.map(({ options: { address } }) => `${address.host}:${address.port}`),
      local_shotover_host_id: FLEET[0]!.host_id,
      shotover_nodes: FLEET,
      connect_timeout_ms: 3000,
    }
    const above = [{ kind: cassandraSinkCluster as TransformKind<never>, options }]
    this.proxies.push(await valkeyProxy(world, LISTEN, LISTEN, above, this.#limits, 0, cassandraSource.protocol))
    if (this.#clients.breaks) for (let i = random.between(1, 6); i > 0; i--) this.#plan()
    await this.#clients.many(LISTEN, EVENTS_MAX)
  }

  last(): Promise<void> {
    return this.#clients.last(LISTEN, EVENTS_MAX)
  }

  close(): void {
    this.#clients.checks.finish()
    this.#cluster.close()
  }

  counts() {
    return { sent: this.#clients.checks.sentCount, executed: this.#clients.checks.executedCount }
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
