import type { Limits, TransformKind } from '../core/kind.ts'
import { CassandraModel } from '../protocols/cassandra/model/server.ts'
import { cassandraSinkSingle } from '../protocols/cassandra/sink-single.ts'
import { cassandraSource } from '../protocols/cassandra/source.ts'
import type { Address, World } from '../world/world.ts'
import { CassandraLoad } from './cassandra-load.ts'
import { playSeed, worldOf, type SeedOptions, type SeedResult, type SeedRun, type SimProxy } from './seed-run.ts'
import { valkeyProxy } from './valkey-proxy.ts'
import type { SimWorld } from './world.ts'

const SERVER: Address = { host: '127.0.0.1', port: 7000 }
const LISTEN: Address = { host: '127.0.0.1', port: 9042 }
const EVENTS_MAX = 3_000_000

/** One whole run: server, proxy, clients and faults, all drawn from the seed; then rest, one more client, and the end. */
export async function runCassandraSeed(
  seed: number,
  limits: (world: World) => Limits,
  options: SeedOptions = {},
): Promise<SeedResult> {
  const sim = worldOf(seed, options)
  return await playSeed(sim, new CassandraRun(sim, limits, options))
}

class CassandraRun implements SeedRun {
  readonly pace = { recoverMs: 3000, eventsMax: EVENTS_MAX }
  readonly faulty: boolean
  readonly proxies: SimProxy[] = []
  readonly #clients: CassandraLoad
  readonly #sim: SimWorld
  readonly #model: CassandraModel
  readonly #limits: Limits

  constructor(sim: SimWorld, limits: (world: World) => Limits, { calm = false }: SeedOptions) {
    this.#sim = sim
    this.#clients = new CassandraLoad(sim, !calm && sim.random.chance(0.5), null)
    this.#model = new CassandraModel(sim.world, this.#clients.modelOptions)
    this.#limits = limits(sim.world)
    this.faulty = this.#clients.checks.faulty
  }

  async load(): Promise<void> {
    const { world, random } = this.#sim
    await this.#model.listen(SERVER)
    const options = { remote_address: `${SERVER.host}:${SERVER.port}`, connect_timeout_ms: 3000 }
    const above = [{ kind: cassandraSinkSingle as TransformKind<never>, options }]
    this.proxies.push(await valkeyProxy(world, SERVER, LISTEN, above, this.#limits, 0, cassandraSource.protocol))
    if (this.#clients.breaks) for (let i = random.between(1, 5); i > 0; i--) this.#plan()
    await this.#clients.many(LISTEN, EVENTS_MAX)
  }

  last(): Promise<void> {
    return this.#clients.last(LISTEN, EVENTS_MAX)
  }

  close(): void {
    this.#clients.checks.finish()
    this.#model.close()
  }

  counts() {
    return { sent: this.#clients.checks.sentCount, executed: this.#clients.checks.executedCount }
  }

  /** Something that breaks, some time. */
  #plan(): void {
    const sim = this.#sim
    const { random } = sim
    const disturb = random.pick([
      () => {
        sim.net.kill(SERVER)
        this.#model.crash()
        sim.schedule.add(sim.nowMs + random.pick([1, 50, 700]), () => void this.#model.listen(SERVER).catch(() => {}))
      },
      () => sim.net.resetAll(SERVER.port),
      () => sim.net.resetAll(LISTEN.port),
      () => sim.net.clogAll(random.pick([SERVER.port, LISTEN.port]), random.below(800)),
    ])
    sim.schedule.add(sim.nowMs + random.below(2000), disturb)
  }
}
