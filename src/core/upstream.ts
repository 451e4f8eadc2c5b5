// Hot path
import { assert } from '../base/assert.ts'
import { systemError } from '../base/errors.ts'
import type { Connection, ConnectionHandler, Timer, World } from '../world/world.ts'
import { ANSWERING, DONE, QUEUED, Exchange, type Batch, type Carrier } from './exchange.ts'
import { FRAME_LAST, type Frame } from './frame.ts'
import type { Outbox } from './outbox.ts'
import {
  MATCH_DROP,
  MATCH_PART,
  MATCH_PUSH,
  ProtocolError,
  WIRE_CLEAN,
  type Protocol,
  type ServerSideWire,
  type WireOptions,
} from './protocol.ts'
import { Handshake, Question, noOwner } from './handshake.ts'
import { Linger } from './linger.ts'
import { beforeReady, byCarrier, ConnectError, LostError } from './loss.ts'
import { Sender, type SenderUser } from './sender.ts'
import type { Greeting } from './sharing.ts'
import type { PoolStats } from './stats.ts'

export const CONNECTING = 0
export const READY = 1
export const CLOSED = 2

/** What an upstream asks of the pool that it belongs to. */
export interface UpstreamOwner {
  /** Where it connects to, for people. */
  readonly destination: string
  readonly world: World
  readonly protocol: Protocol
  readonly wireOptions: WireOptions
  readonly stats: PoolStats
  openOutbox(connection: Connection): Outbox
  onUpstreamReady(): void
  /** Nobody is to put anything new on it, and it is to close as soon as nobody waits for anything there. */
  retire(upstream: Upstream): void
  /** `error` is null where its session had ended. */
  onUpstreamClosed(upstream: Upstream, error: Error | null): void
}

/** One connection to a server. Exchanges of many sessions share it, or one session has it for itself. */
export class Upstream implements ConnectionHandler, SenderUser {
  /** The attributes that it has, as their key. */
  key: string
  state = CONNECTING
  /** Clock milliseconds at which it was opened. */
  readonly since: number
  /** Sessions may put more on it. */
  shared = false
  /** Something that was sent elsewhere is to end what it waits for, and may come late: nobody else may have it. */
  aimedAt = false
  /** The only one that may send on it. */
  pinnedTo: Carrier | null = null
  /** It takes nothing new, and closes as soon as nobody waits for anything on it. */
  retired = false
  /** Grows with all that comes on it. */
  heardBytes = 0
  readonly wire: ServerSideWire
  readonly sender: Sender
  readonly #owner: UpstreamOwner
  #connection: Connection | null = null
  /** What came before it was ready. */
  #waiting: Batch = []
  readonly #touched: Carrier[] = []
  readonly #depth: number
  /** Ends the wait for it to be ready. */
  #deadline: Timer | null = null
  #paused = 0
  /** It has finished: the last bytes are on their way. */
  #linger: Linger | null = null

  constructor(owner: UpstreamOwner, key: string) {
    this.#owner = owner
    this.key = key
    this.since = owner.world.clock.now()
    this.wire = owner.protocol.serverWire(owner.wireOptions)
    this.sender = new Sender(this.wire, owner.protocol, owner.stats, this)
    this.#depth = this.wire.depth ?? Infinity
  }

  get inFlight(): number {
    return this.wire.inFlight + this.#waiting.length
  }

  /** What it owes a reply for, sent or not, in order. */
  owed(): Exchange[] {
    const owed = this.wire.waiting()
    for (let i = 0; i < this.#waiting.length; i++) owed.push(this.#waiting[i]!)
    return owed
  }

  get paused(): boolean {
    return this.#paused !== 0
  }

  /** The connection stands. `handshake` gives it its attributes; a server that is silent meanwhile is waited for `withinMs`. */
  connected(connection: Connection, handshake: readonly Frame[] | Greeting, withinMs: number): void {
    this.#connection = connection
    this.sender.outbox = this.#owner.openOutbox(connection)
    connection.handler = this
    connection.resume()
    this.#deadline = this.#owner.world.clock.after(withinMs, () =>
      this.destroy(new ConnectError(`destination ${this.#owner.destination} did not answer within ${withinMs}ms`)),
    )
    new Handshake(this, handshake, this.#owner.protocol).step()
  }

  /** Sends a request of the handshake. */
  greet(request: Frame, handshake: Handshake): void {
    const exchange = new Exchange(request, noOwner, 0, Infinity)
    exchange.carrier = handshake
    this.#write(exchange)
  }

  handshaken(): void {
    this.state = READY
    this.#deadline!.cancel()
    this.#owner.onUpstreamReady()
    this.#refill()
  }

  /** Sends, in order. The exchange's carrier is set. */
  send(exchange: Exchange): void {
    assert(this.state !== CLOSED, 'a closed upstream was to send')
    exchange.upstream = this
    exchange.state = QUEUED
    if (this.state === READY && this.#hasRoom()) this.#write(exchange)
    else {
      exchange.request.own()
      this.#waiting.push(exchange)
    }
  }

  /** Sends a request of the proxy's own; `onReply` gets the reply, lent, if one comes. */
  tell(request: Frame, onReply: ((reply: Frame) => void) | null = null): void {
    const exchange = new Exchange(request, noOwner, 0, Infinity)
    exchange.carrier = new Question(onReply)
    this.send(exchange)
  }

  /** Nobody waits for it any more. */
  abandon(exchange: Exchange): void {
    const at = this.#waiting.indexOf(exchange)
    if (at >= 0) this.#waiting.splice(at, 1)
    else {
      this.sender.cancel(exchange)
      this.wire.abandon(exchange)
    }
  }

  pause(): void {
    if (this.#paused++ === 0) this.#connection?.pause()
  }

  resume(): void {
    if (--this.#paused === 0) this.#connection?.resume()
  }

  /** Nobody puts anything more on it, and it closes as soon as nobody waits for anything on it. */
  retire(): void {
    this.retired = true
    if (this.owed().length === 0) this.destroy(new Error('retired'))
  }

  /** Takes nothing more and drops what comes; what was sent still arrives, as it does when a client closes its connection. */
  finish(): void {
    if (this.state !== READY || this.sender.busy) {
      this.destroy(new LostError('Its session ended'))
      return
    }
    if (this.owed().some(({ carrier }) => carrier !== this.pinnedTo)) {
      // Others put requests on it before the session kept it for itself: they get their replies.
      this.pinnedTo = null
      this.retired = true
      return
    }
    this.state = CLOSED
    this.#owner.onUpstreamClosed(this, null)
    this.#linger = new Linger(this.#connection!, this.sender.outbox!, this.#owner.world.clock)
    this.#linger.goOn()
  }

  // --- from the server

  onData(bytes: Buffer, start: number, end: number): void {
    if (this.state === CLOSED) return
    this.heardBytes += end - start
    this.#owner.stats.bytesRead += end - start
    try {
      this.wire.push(bytes, start, end)
      this.#read()
    } catch (error) {
      this.destroy(error instanceof Error ? error : new Error(String(error)))
    }
    this.#deliver()
    if (this.state === CLOSED) return
    this.wire.keep()
    if (this.retired) this.retire()
    // Something that no plan foresaw is left on it: who comes next must not meet that.
    else if (this.shared && this.state === READY && this.wire.state() !== WIRE_CLEAN) this.#owner.retire(this)
  }

  onDrain(): void {
    this.sender.drained()
    if (this.#linger !== null) this.#linger.goOn()
  }

  onEnd(): void {
    if (this.#linger !== null) this.#connection!.destroy()
    if (this.state === CLOSED) return
    try {
      const last = this.wire.eof()
      if (last !== null) this.#take(last)
    } catch (error) {
      // Torn, it is lost with the rest.
      if (!(error instanceof ProtocolError)) this.destroy(error instanceof Error ? error : new Error(String(error)))
    }
    this.destroy(new LostError('The other side of this connection closed the connection'))
  }

  onClose(error: Error | null): void {
    this.#linger?.close()
    const cause = error === null ? undefined : systemError(error)
    this.destroy(new LostError('The other side of this connection closed the connection', { cause }))
  }

  #read(): void {
    const wire = this.wire
    for (let frame = wire.next(); frame !== null && this.state !== CLOSED; frame = wire.next()) this.#take(frame)
    if (this.#waiting.length !== 0) this.#refill()
  }

  #take(frame: Frame): void {
    const wire = this.wire
    const exchange = wire.match(frame)
    const matched = wire.matched
    if (exchange !== null) {
      const carrier = exchange.carrier!
      if (matched === MATCH_PART) {
        if (carrier.arrived.length !== 0) carrier.onArrived()
        if (frame.flags & FRAME_LAST) exchange.state = DONE
        carrier.onReplyPart(this, exchange, frame)
      } else {
        exchange.response = frame
        exchange.state = frame.flags & FRAME_LAST ? DONE : ANSWERING
        if (carrier.arrived.length === 0) this.#touched.push(carrier)
        carrier.arrived.push(exchange)
      }
    } else if (matched === MATCH_PUSH) this.#push(frame)
    else if (matched === MATCH_DROP) this.#owner.stats.lateReplies++
    for (let silent = wire.silent(); silent !== null; silent = wire.silent()) this.#silent(silent)
  }

  #hasRoom(): boolean {
    return this.#waiting.length === 0 && !this.sender.busy && this.wire.inFlight < this.#depth
  }

  /** As many of those that wait are sent as may be in flight. */
  #refill(): void {
    // Nothing goes between the parts of a request.
    while (this.state === READY && !this.sender.busy && this.#waiting.length !== 0 && this.wire.inFlight < this.#depth)
      this.#write(this.#waiting.shift()!)
  }

  #silent(exchange: Exchange): void {
    exchange.state = DONE
    const carrier = exchange.carrier!
    // The replies before it come first.
    if (carrier.arrived.length !== 0) carrier.onArrived()
    carrier.onSilent(exchange)
  }

  #push(frame: Frame): void {
    const carrier = this.pinnedTo
    if (carrier === null) return
    if (carrier.arrived.length !== 0) carrier.onArrived()
    carrier.onPush(frame)
  }

  /** What one read brought goes up, session by session, while its bytes are still there. */
  #deliver(): void {
    const touched = this.#touched
    for (let i = 0; i < touched.length; i++) if (touched[i]!.arrived.length !== 0) touched[i]!.onArrived()
    touched.length = 0
  }

  #write(exchange: Exchange): void {
    this.sender.write(exchange)
    for (let silent = this.wire.silent(); silent !== null; silent = this.wire.silent()) this.#silent(silent)
    if (exchange.requestParts !== null) this.sender.flow(exchange)
  }

  onRestSent(exchange: Exchange): void {
    exchange.carrier?.onArrived()
    this.#refill()
  }

  onRestBroken(exchange: Exchange): void {
    if (this.#owner.protocol.interleaves === true) this.abandon(exchange)
    // The server can make nothing of what would come next.
    else this.destroy(new LostError('The client left in the middle of a request'))
  }

  /** Closes at once: who waits for something is told why. */
  destroy(reason: Error): void {
    if (this.state === CLOSED) return
    const error = this.state === CONNECTING ? beforeReady(reason, this.#owner.destination) : reason
    this.#deliver()
    if ((this.state as number) === CLOSED) return
    this.state = CLOSED
    this.#deadline?.cancel()
    this.#connection?.destroy()
    this.sender.close(error)
    const dirty = this.wire.state() !== WIRE_CLEAN
    const lost = this.wire.takeAll()
    for (let silent = this.wire.silent(); silent !== null; silent = this.wire.silent()) this.#silent(silent)
    for (let i = 0; i < this.#waiting.length; i++) lost.push(this.#waiting[i]!)
    this.#waiting = []
    this.#owner.onUpstreamClosed(this, error)
    const groups = byCarrier(lost)
    if (this.pinnedTo !== null && !groups.has(this.pinnedTo)) groups.set(this.pinnedTo, [])
    for (const [carrier, exchanges] of groups) carrier.onLost(this, exchanges, error, dirty)
    this.sender.letGo()
  }
}
