// Hot path
import net from 'node:net'
import { randomBytes } from 'node:crypto'
import type {
  Address,
  Clock,
  Connection,
  ConnectionHandler,
  Connector,
  Listener,
  Net,
  Random,
  SecureOptions,
  Task,
  Timer,
  Turn,
  World,
} from './world.ts'

/** One read buffer serves all connections of a thread: bytes are consumed, or copied by who keeps them, before the next read. */
const READ_BUFFER_BYTES = 128 * 1024

/** What the system's timers take; with more they would fire at once. */
export const TIMER_MS_MAX = 2 ** 31 - 1
/** A peer that vanished without a word is found out: after so long without a sign of it, it is asked so often, and then given up. */
export const KEEP_ALIVE = { enable: true, initialDelay: 60_000, interval: 20_000, count: 3 }

/** What makes a thread's own clock, which begins with the thread, one that all threads share. */
const ORIGIN_MS = Number(process.hrtime.bigint()) / 1e6 - performance.now()
/** From arrivals to writes: a turn that takes longer is slow. */
const SLOW_TURN_MS = 40
/** So long after a slow turn whoever may be the reason is measured: not for ever, as it costs, and a busy machine makes slow turns too. */
const WATCH_MS = 10_000

class NodeClock implements Clock {
  /** Sees to it that what was read is expired when the turn ends. */
  onRead: () => void = () => {}
  #now = 0
  #fresh = false

  now(): number {
    if (!this.#fresh) {
      this.#now = ORIGIN_MS + performance.now()
      this.#fresh = true
      this.onRead()
    }
    return this.#now
  }

  exact(): number {
    return ORIGIN_MS + performance.now()
  }

  /** What `now` said last; NaN where it has not been read since it expired. */
  get read(): number {
    return this.#fresh ? this.#now : NaN
  }

  wall(): number {
    return Date.now()
  }

  after(ms: number, fire: () => void): Timer {
    const timer = setTimeout(
      () => {
        this.expire()
        fire()
      },
      Math.min(ms, TIMER_MS_MAX),
    )
    timer.unref()
    return { cancel: () => clearTimeout(timer) }
  }

  /** The next `now` reads the clock again. */
  expire(): void {
    this.#fresh = false
  }
}

/** Asking costs more than a microsecond. */
function threadMs(): number {
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1000
}

class NodeTurn implements Turn {
  isSlow = false
  #watchUntil = 0
  /** What this thread had computed when the last turn ended, where turns are slow. */
  #computed = 0
  #work: Task[] = []
  #workNext: Task[] = []
  #flush: Task[] = []
  #scheduled = false
  #ending = false
  readonly #clock: NodeClock
  readonly #end: () => void

  constructor(clock: NodeClock) {
    this.#clock = clock
    this.#end = () => this.#run()
    clock.onRead = () => {
      if (!this.#ending) this.#schedule()
    }
  }

  work(task: Task): void {
    this.#work.push(task)
    this.#schedule()
  }

  flush(task: Task): void {
    this.#flush.push(task)
    this.#schedule()
  }

  #schedule(): void {
    if (this.#scheduled) return
    this.#scheduled = true
    setImmediate(this.#end)
  }

  #run(): void {
    // What is scheduled from here on by work belongs to the next turn, after new input was read.
    this.#scheduled = false
    this.#ending = true
    const work = this.#work
    if (work.length !== 0) {
      this.#work = this.#workNext
      this.#workNext = work
      for (let i = 0; i < work.length; i++) work[i]!.run()
      work.length = 0
    }
    const began = this.#clock.read
    // What leaves is measured by when it leaves.
    this.#clock.expire()
    const flush = this.#flush
    for (let i = 0; i < flush.length; i++) flush[i]!.run()
    flush.length = 0
    this.#weigh(began, this.#clock.read)
    this.#clock.expire()
    this.#ending = false
  }

  /** Costs no reading of the clock: both times were read for other reasons, or are NaN. */
  #weigh(began: number, ended: number): void {
    if (ended - began > SLOW_TURN_MS) {
      this.isSlow = true
      this.#watchUntil = ended + WATCH_MS
    } else if (this.isSlow && ended > this.#watchUntil) this.isSlow = false
    if (this.isSlow) this.#computed = threadMs()
  }

  computedMs(): number {
    return threadMs() - this.#computed
  }
}

const nodeRandom: Random = {
  next: () => Math.random(),
  bytes: (count) => randomBytes(count),
}

/** `net.Socket`, with what of it is not in its types. */
type RawSocket = net.Socket & { _handle: unknown }

class NodeConnection implements Connection {
  handler: ConnectionHandler
  readonly remoteAddress: string
  readonly remotePort: number
  readonly localAddress: string
  readonly localPort: number
  readonly #socket: net.Socket
  #error: Error | null = null
  #draining = false

  constructor(socket: net.Socket, handler: ConnectionHandler) {
    this.#socket = socket
    this.handler = handler
    this.remoteAddress = socket.remoteAddress ?? ''
    this.remotePort = socket.remotePort ?? 0
    this.localAddress = socket.localAddress ?? ''
    this.localPort = socket.localPort ?? 0
    socket.on('end', () => this.handler.onEnd())
    socket.on('error', (error) => {
      this.#error = error
    })
    socket.on('close', () => this.handler.onClose(this.#error))
  }

  get unsentBytes(): number {
    return this.#socket.writableLength
  }

  write(bytes: Buffer): boolean {
    const socket = this.#socket
    if (socket.destroyed || socket.writableEnded) return true
    socket.write(bytes)
    // Node tries the write at once; whatever the kernel did not take is still counted here.
    if (socket.writableLength === 0) return true
    if (!this.#draining) {
      this.#draining = true
      this.#awaitDrain()
    }
    return false
  }

  /** 'drain' would need a water mark of one byte, and then comes after every write; an empty write behind the others costs only the slow ones. */
  #awaitDrain(): void {
    if (this.#socket.writableEnded) return
    this.#socket.write(nothing, () => {
      if (this.#socket.writableLength !== 0) {
        this.#awaitDrain()
        return
      }
      this.#draining = false
      if (!this.#socket.destroyed) this.handler.onDrain()
    })
  }

  pause(): void {
    this.#socket.pause()
  }

  resume(): void {
    this.#socket.resume()
  }

  /** The kernel refuses even an empty write on a connection that was reset, or given up by its keep-alive. */
  // Cold: every few seconds, of a client that is not read from
  probe(): void {
    const socket = this.#socket
    if (socket.destroyed || socket.writableEnded || socket.writableLength !== 0) return
    socket.write(nothing)
  }

  end(): void {
    this.#socket.end()
  }

  destroy(): void {
    this.#socket.destroy()
  }

  reset(): void {
    this.#socket.resetAndDestroy()
  }
}

const nothing = Buffer.alloc(0)

/** Handler of a connection that nobody took yet. */
export const nobody: ConnectionHandler = {
  onData() {
    throw new Error('data arrived before a handler was set')
  },
  onDrain() {},
  onEnd() {},
  onClose() {},
}

export const readBuffer = Buffer.allocUnsafeSlow(READ_BUFFER_BYTES)

/** The handle of an accepted socket that nobody has read from. The socket itself is of no use afterwards. */
export function takeHandle(socket: net.Socket): unknown {
  const handle = (socket as RawSocket)._handle
  ;(socket as RawSocket)._handle = null
  socket.destroy()
  return handle
}

/**
 * Makes a connection of an accepted socket, which must not have been read from (`pauseOnConnect`). Reads go to a buffer that
 * all connections of the thread share: that needs the socket's handle, so `socket` itself is of no use afterwards.
 */
export function adoptSocket(socket: net.Socket): Connection {
  const handle = takeHandle(socket)
  let connection: NodeConnection | null = null
  const options = {
    handle,
    allowHalfOpen: true,
    onread: {
      buffer: readBuffer,
      callback(count: number, bytes: Uint8Array): boolean {
        connection!.handler.onData(bytes as Buffer, 0, count)
        return true
      },
    },
  }
  const adopted = new net.Socket(options as net.SocketConstructorOpts)
  adopted.setNoDelay(true)
  adopted.setKeepAlive(KEEP_ALIVE)
  connection = new NodeConnection(adopted, nobody)
  return connection
}

function connect(
  address: Address,
  timeoutMs: number,
  done: (error: Error | null, connection: Connection | null) => void,
): void {
  let connection: NodeConnection | null = null
  const socket = net.connect({
    host: address.host,
    port: address.port,
    noDelay: true,
    allowHalfOpen: true,
    onread: {
      buffer: readBuffer,
      callback(count: number, bytes: Uint8Array): boolean {
        connection!.handler.onData(bytes as Buffer, 0, count)
        return true
      },
    },
  })
  awaitConnect(socket, address, timeoutMs, (error) => {
    if (error === null) connection = new NodeConnection(socket, nobody)
    done(error, connection)
  })
}

/** Tells once whether the socket connected, with null, or why it did not. */
export function awaitConnect(
  socket: net.Socket,
  { host, port }: Address,
  timeoutMs: number,
  done: (error: Error | null) => void,
): void {
  const text = `destination ${host}:${port} did not respond to connection attempt within ${timeoutMs}ms`
  const timer = setTimeout(() => socket.destroy(new Error(text)), Math.min(timeoutMs, TIMER_MS_MAX))
  const failed = (error: Error) => {
    clearTimeout(timer)
    done(error)
  }
  socket.once('error', failed)
  socket.once('connect', () => {
    clearTimeout(timer)
    socket.off('error', failed)
    socket.setKeepAlive(KEEP_ALIVE)
    done(null)
  })
}

// Cold: once per source
function listen(address: Address, onConnection: (connection: Connection) => void): Promise<Listener> {
  return new Promise((resolve, reject) => {
    const server = net.createServer({ pauseOnConnect: true }, (socket) => onConnection(adoptSocket(socket)))
    server.once('error', reject)
    server.listen({ host: address.host, port: address.port }, () => {
      server.off('error', reject)
      const bound = server.address() as net.AddressInfo
      resolve({
        address: { host: bound.address, port: bound.port },
        close: () => new Promise((closed) => server.close(() => closed())),
      })
    })
  })
}

const nodeNet: Net = { connect, listen }

/** The real world of this thread. `secure`: what opens connections in TLS, where there are any. */
// Cold: once a thread
export function nodeWorld(secure?: (options: SecureOptions) => Connector): World {
  const clock = new NodeClock()
  const world = { clock, net: nodeNet, turn: new NodeTurn(clock), random: nodeRandom }
  return secure === undefined ? world : { ...world, secure }
}
