// Hot path
import type { TLSSocket } from 'node:tls'
import { handshakeFailure } from './tls-handshake.ts'
import type { Connection, ConnectionHandler } from './world.ts'

/** Most that is encrypted in one go: it takes the thread's time, and memory until the kernel has it. */
const PIECE_BYTES = 64 * 1024

/** The connection under TLS, with what of it is not in the types of Node. */
interface TcpHandle {
  /** Bytes that the kernel has not taken. */
  readonly writeQueueSize: number
  close(done: () => void): void
  reset(done: () => void): void
}

/** `tls.TLSSocket`, with what of it is not in its types. */
export type RawTlsSocket = TLSSocket & {
  readonly _handle: { readonly _parent: TcpHandle; verifyError(): (Error & { code: string }) | null } | null
}

/** A connection whose handshake is done. One piece at a time is on its way: a second one would wait inside Node, and be copied there. */
export class TlsConnection implements Connection {
  handler: ConnectionHandler
  readonly remoteAddress: string
  readonly remotePort: number
  readonly localAddress: string
  readonly localPort: number
  /** Handed to `write` and not with the kernel. */
  unsentBytes = 0
  readonly #socket: RawTlsSocket
  readonly #onWritten: () => void
  /** Node has not said yet that it wrote the last piece. */
  #writing = false
  readonly #queue: Buffer[] = []
  #draining = false
  #ending = false
  #error: Error | null = null

  constructor(socket: RawTlsSocket, handler: ConnectionHandler) {
    this.#socket = socket
    this.handler = handler
    this.remoteAddress = socket.remoteAddress ?? ''
    this.remotePort = socket.remotePort ?? 0
    this.localAddress = socket.localAddress ?? ''
    this.localPort = socket.localPort ?? 0
    this.#onWritten = () => this.#written()
    const failed = (error: Error) => {
      // A server may look at our certificate when the handshake is done already, and then say what it thinks of it.
      this.#error ??= 'reason' in error ? handshakeFailure(error, false) : error
      socket.destroy()
    }
    socket.on('end', () => this.handler.onEnd())
    socket.on('error', failed)
    // A record that can't be read ends nothing by itself.
    socket.on('_tlsError', failed)
    socket.on('close', () => this.handler.onClose(this.#error))
  }

  write(bytes: Buffer): boolean {
    const socket = this.#socket
    if (socket.destroyed || this.#ending) return true
    if (!this.#writing && bytes.length <= PIECE_BYTES) {
      this.#writing = true
      socket.write(bytes, this.#onWritten)
      // It was encrypted at once, and the kernel was asked at once.
      const handle = socket._handle
      if (handle === null || handle._parent.writeQueueSize === 0) return true
      this.unsentBytes = bytes.length
    } else {
      this.unsentBytes += bytes.length
      for (let at = 0; at < bytes.length; at += PIECE_BYTES) this.#queue.push(bytes.subarray(at, at + PIECE_BYTES))
      if (!this.#writing) this.#writeNext()
    }
    this.#draining = true
    return false
  }

  #writeNext(): void {
    this.#writing = true
    this.#socket.write(this.#queue.shift()!, this.#onWritten)
  }

  #written(): void {
    this.#writing = false
    if (this.#socket.destroyed) return
    if (this.#queue.length !== 0) {
      this.#writeNext()
      return
    }
    this.unsentBytes = 0
    if (this.#ending) this.#socket.end()
    else if (this.#draining) {
      this.#draining = false
      this.handler.onDrain()
    }
  }

  pause(): void {
    this.#socket.pause()
  }

  resume(): void {
    this.#socket.resume()
  }

  end(): void {
    this.#ending = true
    if (!this.#writing) this.#socket.end()
  }

  destroy(): void {
    this.#socket.destroy()
  }

  reset(): void {
    const tcp = this.#socket._handle?._parent
    // Node resets no connection under TLS by itself.
    if (tcp !== undefined) tcp.close = (done) => tcp.reset(done)
    this.#socket.destroy()
  }
}
