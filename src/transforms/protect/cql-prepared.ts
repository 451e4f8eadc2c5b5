import type { Column } from '../../protocols/cassandra/body/results.ts'
import type { Plan } from './cql-plan.ts'

/** Statements that are remembered; the one that was prepared first is forgotten first. */
const STATEMENTS_MAX = 20_000
const ID_BYTES_MAX = 64

/** What is known of a prepared statement. */
export interface Prepared {
  /** Null: it is about nothing that is protected. */
  readonly plan: Plan | null
  /** It chooses a keyspace. */
  readonly uses: boolean
  /** Of the rows that it brings. */
  columns: readonly Column[] | null
}

/** What the ids of prepared statements stand for. An id is a hash of the statement and its keyspace: it means the same to all sessions. */
export class PreparedPlans {
  readonly #byId = new Map<string, Prepared>()

  learn(id: Buffer, prepared: Prepared): void {
    const key = id.toString('latin1')
    if (key.length > ID_BYTES_MAX) return
    this.#byId.delete(key)
    this.#byId.set(key, prepared)
    if (this.#byId.size > STATEMENTS_MAX) this.#byId.delete(this.#byId.keys().next().value!)
  }

  /** Undefined: nobody has prepared it here. */
  find(id: Buffer): Prepared | undefined {
    return this.#byId.get(id.toString('latin1'))
  }
}
