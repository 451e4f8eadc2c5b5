import type { CassandraModelOptions } from '../protocols/cassandra/model/server.ts'
import { ModelStore } from '../protocols/cassandra/model/store.ts'
import type { Address } from '../world/world.ts'
import { runSessions } from './acting-client.ts'
import { CassandraChecks } from './cassandra-checks.ts'
import { CassandraSession, drawCassandraHabits, type CassandraHabits, type Users } from './cassandra-session.ts'
import type { SimWorld } from './world.ts'

const USERS: Users = { alice: 'a secret', bob: 'another' }

/** What is drawn for a run in front of Cassandra, one node or several. */
export class CassandraLoad {
  readonly checks: CassandraChecks
  /** Things break besides what the world's options say. */
  readonly breaks: boolean
  /** Of each node. */
  readonly modelOptions: CassandraModelOptions
  readonly #sim: SimWorld
  readonly #users: Users | null
  readonly #fleet: readonly string[] | null
  #sessions = 0

  /** `fleet`: the host ids of the proxies that look like a cluster, of which the first is the one that is spoken to; null: there is one node. */
  constructor(sim: SimWorld, breaks: boolean, fleet: readonly string[] | null) {
    const { resetChance, refuseChance } = sim.options
    this.#sim = sim
    this.#fleet = fleet
    this.breaks = breaks
    const checks = new CassandraChecks(resetChance + refuseChance > 0 || breaks)
    this.checks = checks
    this.#users = sim.random.chance(0.5) ? USERS : null
    this.modelOptions = {
      ...(this.#users === null ? {} : { users: this.#users }),
      delayMs: sim.random.pick([0, 1, 50]),
      onWrite: (user, version, keyspace, key, value) =>
        checks.executed(user, version, ModelStore.place(keyspace, key), value ?? ''),
    }
  }

  async many(address: Address, eventsMax: number): Promise<void> {
    const sessions = Array.from({ length: this.#sim.random.between(1, 12) }, () => this.#session(this.#habits()))
    await runSessions(this.#sim, sessions, [address], eventsMax)
  }

  /** One for whom nothing may fail. */
  async last(address: Address, eventsMax: number): Promise<void> {
    this.checks.faulty = false
    const session = this.#session({ ...this.#habits(), readsSlowly: false, ending: 'end' })
    await runSessions(this.#sim, [session], [address], eventsMax)
  }

  #habits(): CassandraHabits {
    return drawCassandraHabits(this.#sim, this.#users)
  }

  #session(habits: CassandraHabits): CassandraSession {
    return new CassandraSession(this.#sim, this.checks, ++this.#sessions, habits, this.#fleet)
  }
}
