import type { Address, Connection, Listener, Timer, World } from '../../../world/world.ts'
import { Waiting, type Wait } from './blocking.ts'
import { Channels } from './channels.ts'
import type { Command } from './command.ts'
import { COMMANDS } from './commands/table.ts'
import { Executor } from './executor.ts'
import { Session } from './session.ts'
import { Database, type StoreListener } from './store.ts'
import { TrackingTable } from './tracking.ts'
import { Watching } from './watching.ts'

const DATABASES = 16
const EXPIRE_EVERY_MS = 100
/** Keys looked at per database each time. */
const EXPIRE_KEYS_MAX = 500
const MEBIBYTE = 1024 * 1024

export interface ValkeyModelOptions {
  /** Password of the default user; none: no authentication. */
  readonly password?: string
  /** Further users and their passwords. */
  readonly users?: Readonly<Record<string, string>>
  /** Unwritten replies of one client at which it is closed. Default 1 GiB. */
  readonly outputBytesMax?: number
  /** Largest argument. Default 512 MiB. */
  readonly bulkBytesMax?: number
  readonly clientsMax?: number
  /** Told of every execution, those inside EXEC too, before it happens. `args` begin with the command's name. */
  readonly onExecute?: (connectionId: number, database: number, args: readonly Buffer[], inTransaction: boolean) => void
}

/** An in-memory server that speaks RESP2 and RESP3: for trying out the proxy, and what the simulator judges it by. */
export class ValkeyModel implements StoreListener {
  readonly world: World
  readonly options: ValkeyModelOptions
  readonly commands: ReadonlyMap<string, Command> = COMMANDS
  readonly databases: Database[]
  readonly sessions = new Map<number, Session>()
  readonly channels = new Channels()
  readonly waiting = new Waiting()
  readonly watching = new Watching()
  readonly tracking = new TrackingTable()
  readonly monitors = new Set<Session>()
  /** Passwords by user; null: any. */
  readonly users = new Map<string, string | null>()
  readonly config: Map<string, string>
  readonly outputBytesMax: number
  readonly bulkBytesMax: number
  readonly clientsMax: number
  readonly sinceMs: number
  /** Random name of this run, 40 hexadecimal digits. */
  readonly runId: string
  readonly executor: Executor
  commandsExecuted = 0
  connectionsAccepted = 0
  /** Whose command runs. */
  current: Session | null = null
  #nextId = 1
  #expiryTimer: Timer | null = null
  #listeners: Listener[] = []
  #closed = false

  constructor(world: World, options: ValkeyModelOptions = {}) {
    this.world = world
    this.options = options
    this.databases = Array.from({ length: DATABASES }, (_, index) => new Database(index, world.clock, this))
    this.outputBytesMax = options.outputBytesMax ?? 1024 * MEBIBYTE
    this.bulkBytesMax = options.bulkBytesMax ?? 512 * MEBIBYTE
    this.clientsMax = options.clientsMax ?? 10_000
    this.sinceMs = world.clock.now()
    this.runId = world.random.bytes(20).toString('hex')
    this.users.set('default', options.password ?? null)
    for (const [user, password] of Object.entries(options.users ?? {})) this.users.set(user, password)
    this.config = new Map([
      ['appendonly', 'no'],
      ['databases', String(DATABASES)],
      ['maxclients', String(this.clientsMax)],
      ['maxmemory', '0'],
      ['maxmemory-policy', 'noeviction'],
      ['notify-keyspace-events', ''],
      ['proto-max-bulk-len', String(this.bulkBytesMax)],
      ['requirepass', options.password ?? ''],
      ['save', ''],
      ['slowlog-log-slower-than', '10000'],
      ['timeout', '0'],
    ])
    this.executor = new Executor(this)
  }

  /** Port 0 draws a free one. Rejects with the system's error. */
  async listen(address: Address): Promise<Listener> {
    const listener = await this.world.net.listen(address, (connection) => this.#accept(connection))
    this.#listeners.push(listener)
    return listener
  }

  /** Closes its listeners and clients; what it holds is lost with it. */
  close(): void {
    this.#closed = true
    for (const listener of this.#listeners) void listener.close()
    this.#expiryTimer?.cancel()
    for (const session of [...this.sessions.values()]) session.kill()
  }

  /** Loses its clients as a process does that is killed; what it holds stays, as if it were on disk. */
  crash(): void {
    for (const session of [...this.sessions.values()]) session.lose()
    this.#listeners = []
  }

  #accept(connection: Connection): void {
    this.connectionsAccepted++
    const user = this.users.get('default') === null ? 'default' : null
    const session = new Session(this, this.#nextId++, connection, user)
    this.sessions.set(session.id, session)
    if (this.sessions.size <= this.clientsMax) return
    session.replies.error('ERR max number of clients reached')
    session.closeAfterReplies()
  }

  /** One request of a client. */
  execute(session: Session, args: Buffer[]): void {
    this.current = session
    this.executor.execute(session, args)
    this.current = null
    this.waiting.serve()
  }

  touched(database: Database, key: string): void {
    this.watching.touched(database, key)
    this.waiting.touched(database, key)
    this.tracking.touched(key, this.current, this.sessions)
    if (database.expiring > 0) this.#planExpiry()
  }

  #planExpiry(): void {
    if (this.#expiryTimer !== null || this.#closed) return
    this.#expiryTimer = this.world.clock.after(EXPIRE_EVERY_MS, () => {
      this.#expiryTimer = null
      for (const database of this.databases) database.expire(EXPIRE_KEYS_MAX)
      if (this.databases.some((database) => database.expiring > 0)) this.#planExpiry()
    })
  }

  /** Lets the session wait; `timeoutMs` 0: for ever. */
  block(session: Session, wait: Wait, timeoutMs: number): void {
    const timer = timeoutMs === 0 ? null : this.world.clock.after(timeoutMs, () => this.unblock(session, wait.timedOut))
    this.waiting.add(session, wait, timer)
  }

  /** Ends the session's wait with what `answer` replies. */
  unblock(session: Session, answer: () => void): void {
    this.waiting.remove(session)
    answer()
    session.unblocked()
  }

  /** The session is over: nothing of it stays. */
  leave(session: Session): void {
    this.sessions.delete(session.id)
    this.waiting.remove(session)
    this.watching.clear(session)
    this.channels.removeAll(session)
    this.tracking.stop(session)
    this.monitors.delete(session)
  }
}
