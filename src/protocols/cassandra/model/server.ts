import type { Address, Connection, Listener, World } from '../../../world/world.ts'
import type { Request } from '../body/requests.ts'
import type { Response } from '../body/responses.ts'
import { ModelSession } from './session.ts'
import { ModelStore } from './store.ts'

export interface CassandraModelOptions {
  /** Users and their passwords; absent: nobody is asked who they are. */
  readonly users?: Readonly<Record<string, string>>
  /** What is answered to a QUERY with this text, before anything else; null: what the model itself knows. */
  readonly answer?: (text: string) => Response | null
  /** Answers QUERY, PREPARE, EXECUTE and BATCH in the place of the model's few statements. */
  readonly engine?: { answer(request: Request, keyspace: string | null): Response }
  /** Where word of what happened here goes; absent: to the clients of this one. */
  readonly announce?: (event: string, rest: Buffer) => void
  /** Longest time that a request takes, in milliseconds: replies come in any order. */
  readonly delayMs?: number
  /** Told of every write, before its reply leaves. `user` is '' where nobody is asked; `value` null: the row is gone. */
  readonly onWrite?: (user: string, version: number, keyspace: string, key: string, value: string | null) => void
  /** Told of every row whose time was over. */
  readonly onExpiry?: (keyspace: string, key: string) => void
}

/** An in-memory server that speaks the CQL native protocol, versions 3 to 5, and a handful of statements: what the simulator judges the proxy by. */
export class CassandraModel {
  readonly world: World
  readonly options: CassandraModelOptions
  readonly store: ModelStore
  readonly sessions = new Set<ModelSession>()
  connectionsAccepted = 0
  /** Reads of rows that it answered. */
  readCount = 0
  #listeners: Listener[] = []

  constructor(world: World, options: CassandraModelOptions = {}, store = new ModelStore()) {
    this.world = world
    this.options = options
    this.store = store
  }

  /** Port 0 draws a free one. Rejects with the system's error. */
  async listen(address: Address): Promise<Listener> {
    const listener = await this.world.net.listen(address, (connection) => this.#accept(connection))
    this.#listeners.push(listener)
    return listener
  }

  #accept(connection: Connection): void {
    this.connectionsAccepted++
    this.sessions.add(new ModelSession(this, connection))
  }

  /** Loses its clients as a process does that is killed; what it holds stays. */
  crash(): void {
    for (const session of [...this.sessions]) session.lose()
    this.#listeners = []
  }

  /** Something happened. */
  happened(event: string, rest: Buffer): void {
    if (this.options.announce === undefined) this.announce(event, rest)
    else this.options.announce(event, rest)
  }

  /** Tells all who asked for events; `rest` is what stands behind the type. */
  announce(event: string, rest: Buffer): void {
    for (const session of this.sessions) session.announce(event, rest)
  }

  close(): void {
    for (const listener of this.#listeners) void listener.close()
    for (const session of [...this.sessions]) session.lose()
  }
}
