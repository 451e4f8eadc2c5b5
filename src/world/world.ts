/**
 * Everything the data path sees of the outside. `world/node.ts` is the real one, `sim/world.ts` the simulated one.
 */
export interface World {
  readonly clock: Clock
  readonly net: Net
  readonly turn: Turn
  readonly random: Random
  /**
   * Opens connections in TLS. Throws where a file of `options` can't be used. Absent: this world has no TLS.
   *
   * What connecting ends with when the connection stands and TLS on it does not is a `HandshakeError`.
   */
  secure?(options: SecureOptions): Connector
}

export interface Clock {
  /** Milliseconds on a monotonic clock, the same in all threads of a process; read at most twice per turn: when it begins, and when its flushes do. */
  now(): number
  /** As `now`, but read at once: for measuring what takes long within a turn. */
  exact(): number
  /** Wall clock in milliseconds since 1970, for logs and for expiry times that clients name. */
  wall(): number
  /** Calls `fire` once, after `ms` milliseconds or later. Does not keep the process alive. */
  after(ms: number, fire: () => void): Timer
}

export interface Timer {
  cancel(): void
}

/** A piece of work that a turn runs. Scheduling it twice before it ran is the caller's mistake: keep a flag. */
export interface Task {
  run(): void
}

/** One pass of the event loop: first whatever arrived, then the work, then the flushes. */
export interface Turn {
  /** Runs `task` in the work phase of the next turn end. Work scheduled by work runs a turn later, after new input. */
  work(task: Task): void
  /** Runs `task` after the work phase of the same turn end: what writes to sockets. */
  flush(task: Task): void
  /** A turn took long a short while ago: whoever calls what may be the reason measures it. */
  readonly isSlow: boolean
  /** Milliseconds that this thread has computed since the turn before ended, where turns are slow: the rest others had the processor. */
  computedMs(): number
}

export interface Random {
  /** Uniform in [0, 1). */
  next(): number
  /** `count` unpredictable bytes. */
  bytes(count: number): Buffer
}

export interface Address {
  readonly host: string
  readonly port: number
}

/** Owner of one end of a connection. Never called before `Connection.handler` was set in the turn that brought it. */
export interface ConnectionHandler {
  /**
   * Bytes arrived: `bytes[start, end)`. They are lent: valid until this call returns, overwritten afterwards.
   */
  onData(bytes: Buffer, start: number, end: number): void
  /** Everything that `write` kept has been taken by the kernel. */
  onDrain(): void
  /** The peer sent FIN; writing is still possible. */
  onEnd(): void
  /** The connection is gone; called exactly once, last. `error` is null after an orderly close. */
  onClose(error: Error | null): void
}

export interface Connection {
  handler: ConnectionHandler
  readonly remoteAddress: string
  readonly remotePort: number
  readonly localAddress: string
  readonly localPort: number
  /** Bytes handed to `write` that the kernel has not taken yet. */
  readonly unsentBytes: number
  /**
   * Writes all of `bytes`. True: they were taken and the buffer may be used again at once.
   * False: the buffer belongs to the connection until `onDrain`.
   */
  write(bytes: Buffer): boolean
  /** Stops reading; the kernel's window then tells the peer. */
  pause(): void
  /** Finds out whether the connection still stands, which nobody hears while nothing is read or written; `onClose` follows where not. */
  probe?(): void
  resume(): void
  /** Sends FIN after everything written. */
  end(): void
  /** Closes at once and drops what was not sent. `onClose` follows in a later turn. */
  destroy(): void
  /** As `destroy`, but with RST: the peer must not take it for an orderly end. */
  reset(): void
}

export interface Connector {
  /** Opens a TCP connection, no-delay set. Exactly one of the arguments of `done` is not null; called in a later turn. */
  connect(address: Address, timeoutMs: number, done: (error: Error | null, connection: Connection | null) => void): void
}

/** PEM files of one end of TLS connections. */
export interface TlsFiles {
  /** Its own certificate, with those between it and the authority. */
  readonly certificate: string | null
  readonly privateKey: string | null
  /** Certificates of those who may vouch for the peer. */
  readonly authority: string | null
}

export interface SecureOptions {
  readonly files: TlsFiles
  /** The peer's certificate must be for the host that was connected to. Who vouches for it is checked in any case. */
  readonly verifyHostname: boolean
  /** Milliseconds that the handshake may take once the connection stands. */
  readonly handshakeTimeoutMs: number
}

export interface Net extends Connector {
  /** Binds and listens. Port 0 draws a free one. Rejects with the system's error (`code`, `address`, `port`). */
  listen(address: Address, onConnection: (connection: Connection) => void): Promise<Listener>
}

export interface Listener {
  readonly address: Address
  /** Stops accepting; connections that exist stay. */
  close(): Promise<void>
}
