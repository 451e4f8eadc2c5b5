import type { Limits, TransformKind } from '../core/kind.ts'
import { CassandraModel } from '../protocols/cassandra/model/server.ts'
import { ModelStore } from '../protocols/cassandra/model/store.ts'
import { cassandraSinkSingle } from '../protocols/cassandra/sink-single.ts'
import { cassandraSource } from '../protocols/cassandra/source.ts'
import type { Address, World } from '../world/world.ts'
import { CassandraChecks } from './cassandra-checks.ts'
import { runSessions } from './cassandra-load.ts'
import { CassandraSession, drawCassandraHabits, type CassandraHabits } from './cassandra-session.ts'
import { swarm } from './options.ts'
import type { SeedOptions, SeedResult } from './run.ts'
import { valkeyProxy } from './valkey-proxy.ts'
import { SimWorld } from './world.ts'

const SERVER: Address = { host: '127.0.0.1', port: 7000 }
const LISTEN: Address = { host: '127.0.0.1', port: 9042 }
const USERS = { alice: 'a secret', bob: 'another' }
const RECOVER_MS = 3000
const EVENTS_MAX = 3_000_000

/** One whole run: server, proxy, clients and faults, all drawn from the seed; then rest, one more client, and the end. */
export async function runCassandraSeed(
  seed: number,
  limits: (world: World) => Limits,
  { trace = false, calm = false }: SeedOptions = {},
): Promise<SeedResult> {
  const sim = new SimWorld(swarm(seed, trace))
  if (calm) sim.calm()
  const breaks = !calm && sim.random.chance(0.5)
  const { resetChance, refuseChance } = sim.options
  const checks = new CassandraChecks(resetChance + refuseChance > 0 || breaks)
  const users = sim.random.chance(0.5) ? USERS : null
  const model = new CassandraModel(sim.world, {
    ...(users === null ? {} : { users }),
    delayMs: sim.random.pick([0, 1, 50]),
    onWrite: (user, version, keyspace, key, value) =>
      checks.executed(user, version, ModelStore.place(keyspace, key), value ?? ''),
  })
  let violation: string | null = null
  try {
    await play(sim, checks, model, users, limits(sim.world), breaks)
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

async function play(
  sim: SimWorld,
  checks: CassandraChecks,
  model: CassandraModel,
  users: Readonly<Record<string, string>> | null,
  limits: Limits,
  breaks: boolean,
): Promise<void> {
  await model.listen(SERVER)
  const options = { remote_address: `${SERVER.host}:${SERVER.port}`, connect_timeout_ms: 3000 }
  const above = [{ kind: cassandraSinkSingle as TransformKind<never>, options }]
  const proxy = await valkeyProxy(sim.world, SERVER, LISTEN, above, limits, 0, cassandraSource.protocol)
  if (breaks) for (let i = sim.random.between(1, 5); i > 0; i--) plan(sim, model)
  let count = 0
  const session = (habits: CassandraHabits) => new CassandraSession(sim, checks, ++count, habits)
  const sessions = Array.from({ length: sim.random.between(1, 12) }, () => session(drawCassandraHabits(sim, users)))
  await runSessions(sim, sessions, LISTEN, EVENTS_MAX)
  sim.calm()
  sim.net.allow(SERVER.port)
  await sim.run(sim.nowMs + RECOVER_MS, EVENTS_MAX)
  proxy.check()
  // The proxy must be well: from now on nothing may fail.
  checks.faulty = false
  const last = session({ ...drawCassandraHabits(sim, users), readsSlowly: false, ending: 'end' })
  await runSessions(sim, [last], LISTEN, EVENTS_MAX)
  await sim.run(sim.nowMs + RECOVER_MS, EVENTS_MAX)
  proxy.check()
  checks.finish()
  proxy.close()
  model.close()
  await sim.run(sim.nowMs + RECOVER_MS, EVENTS_MAX)
  if (sim.net.open > 0) throw new Error(`${sim.net.open} ends of connections are open after everything closed`)
}

/** Something that breaks, some time. */
function plan(sim: SimWorld, model: CassandraModel): void {
  const { random } = sim
  const disturb = random.pick([
    () => {
      sim.net.kill(SERVER)
      model.crash()
      sim.schedule.add(sim.nowMs + random.pick([1, 50, 700]), () => void model.listen(SERVER).catch(() => {}))
    },
    () => sim.net.resetAll(SERVER.port),
    () => sim.net.resetAll(LISTEN.port),
    () => sim.net.clogAll(random.pick([SERVER.port, LISTEN.port]), random.below(800)),
  ])
  sim.schedule.add(sim.nowMs + random.below(2000), disturb)
}
