import type { Connection, ConnectionHandler } from '../../../world/world.ts'
import type { Wait } from './blocking.ts'
import type { Command } from './command.ts'
import { ProtocolFault, RequestParser } from './parser.ts'
import { Replies } from './replies.ts'
import type { ValkeyModel } from './server.ts'

/** Requests that wait behind one that blocks, before the connection is no longer read. */
const PENDING_BYTES_MAX = 1024 * 1024

export interface Queued {
  readonly command: Command
  readonly args: readonly Buffer[]
}

export interface Transaction {
  readonly queue: Queued[]
  /** A command was refused while queueing: EXEC will abort. */
  failed: boolean
}

export interface Tracking {
  redirect: number
  broadcast: boolean
  prefixes: string[]
  optIn: boolean
  optOut: boolean
  noLoop: boolean
  /** CLIENT CACHING said so for the next command. */
  caching: boolean | null
}

/** One client of the model. */
export class Session implements ConnectionHandler {
  readonly id: number
  readonly connection: Connection
  readonly replies = new Replies()
  readonly parser: RequestParser
  readonly sinceMs: number
  readonly channels = new Set<string>()
  readonly patterns = new Set<string>()
  readonly shardChannels = new Set<string>()
  name = ''
  libName = ''
  libVersion = ''
  database = 0
  /** Null: not authenticated. */
  user: string | null
  transaction: Transaction | null = null
  /** A watched key was touched. */
  watchBroken = false
  replyOff = false
  skipNext = false
  noTouch = false
  monitoring = false
  tracking: Tracking | null = null
  blocked: Wait | null = null
  lastCommand = 'NULL'
  lastMs: number
  gone = false
  /** One of its commands runs: pushes to itself come after the reply. */
  executing = false
  #deferred: (() => void)[] = []
  readonly #server: ValkeyModel
  /** What is written is the last: then the connection closes. */
  #closing = false
  #flushPlanned = false
  #draining = false
  #paused = false
  readonly #flush = { run: () => this.#write() }

  constructor(server: ValkeyModel, id: number, connection: Connection, user: string | null) {
    this.#server = server
    this.id = id
    this.connection = connection
    this.user = user
    this.parser = new RequestParser(server.bulkBytesMax)
    this.parser.trusted = user !== null
    this.sinceMs = this.lastMs = server.world.clock.now()
    connection.handler = this
  }

  get subscriptions(): number {
    return this.channels.size + this.patterns.size + this.shardChannels.size
  }

  get address(): string {
    return `${this.connection.remoteAddress}:${this.connection.remotePort}`
  }

  onData(bytes: Buffer, start: number, end: number): void {
    if (this.#closing) return
    this.parser.push(bytes, start, end)
    this.process()
    if (this.blocked !== null && this.parser.pendingBytes > PENDING_BYTES_MAX) {
      this.#paused = true
      this.connection.pause()
    }
  }

  /** Executes what has come, up to a command that blocks. */
  process(): void {
    try {
      while (this.blocked === null && !this.#closing && !this.gone) {
        const args = this.parser.next()
        if (args === null) break
        this.#server.execute(this, args)
      }
    } catch (error) {
      if (!(error instanceof ProtocolFault)) throw error
      this.replies.error(`ERR Protocol error: ${error.message}`)
      this.closeAfterReplies()
    }
    this.flush()
  }

  /** No longer blocked: what waited behind is executed, in the work phase so that no command runs inside another one. */
  unblocked(): void {
    this.blocked = null
    if (this.#paused) {
      this.#paused = false
      this.connection.resume()
    }
    this.#server.world.turn.work({ run: () => this.process() })
    this.flush()
  }

  /** Sends a push of `count` elements that `rest` writes. */
  push(count: number, rest: () => void): void {
    const send = () => this.replies.push(count, rest)
    if (this.executing) this.#deferred.push(send)
    else send()
    this.flush()
  }

  /** The command that ran has replied: what it pushed to its own client follows. */
  executed(): void {
    this.executing = false
    const deferred = this.#deferred
    if (deferred.length === 0) return
    this.#deferred = []
    for (const send of deferred) send()
  }

  /** Plans the write at the end of the turn. */
  flush(): void {
    if (this.#flushPlanned || this.gone) return
    if (this.replies.bytes === 0 && !this.#closing) return
    this.#flushPlanned = true
    this.#server.world.turn.flush(this.#flush)
  }

  #write(): void {
    this.#flushPlanned = false
    if (this.gone) return
    if (this.connection.unsentBytes + this.replies.bytes > this.#server.outputBytesMax) {
      this.kill()
      return
    }
    if (this.#draining) return
    const chunks = this.replies.take()
    for (const chunk of chunks) if (!this.connection.write(chunk)) this.#draining = true
    if (this.#closing && !this.#draining) this.kill()
  }

  onDrain(): void {
    this.#draining = false
    this.#write()
  }

  onEnd(): void {
    if (this.blocked !== null) this.kill()
    else this.closeAfterReplies()
  }

  onClose(): void {
    if (!this.gone) this.#leave()
  }

  closeAfterReplies(): void {
    this.#closing = true
    this.flush()
  }

  /** Closes at once. */
  kill(): void {
    if (this.gone) return
    this.#leave()
    this.connection.destroy()
  }

  /** The process is gone: nothing more is sent or received. */
  lose(): void {
    if (!this.gone) this.#leave()
  }

  #leave(): void {
    this.gone = true
    this.#server.leave(this)
  }
}
