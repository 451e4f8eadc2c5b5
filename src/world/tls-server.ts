import type { Socket } from 'node:net'
import { TLSSocket, type SecureContext } from 'node:tls'
import { HandshakeError } from '../base/errors.ts'
import { KEEP_ALIVE, nobody, readBuffer, takeHandle } from './node.ts'
import { TlsConnection, type RawTlsSocket } from './tls-connection.ts'
import { serverContext, ticketPeriod } from './tls-context.ts'
import type { TlsMaterial } from './tls-files.ts'
import { certificateFailure, watchHandshake, type Settle } from './tls-handshake.ts'
import type { Tls } from './tls.ts'
import type { Connection, TlsFiles } from './world.ts'

/** `tls.TLSSocket`, with what of its inside is needed to give it the handle of a socket and a read buffer at once. */
interface SocketInternals extends RawTlsSocket {
  connecting: boolean
  readonly _tlsOptions: { readonly handle: unknown }
  _wrapHandle(wrap: unknown, handle: unknown, writing: boolean): unknown
}
const SocketBase = TLSSocket as unknown as new (socket: undefined, options: object) => SocketInternals

/** Node lets only sockets that connect read into a buffer of the caller's. This one was accepted. */
class AcceptedSocket extends SocketBase {
  constructor(options: { readonly handle: unknown; readonly [option: string]: unknown }) {
    super(undefined, options)
    this.connecting = false
  }

  override _wrapHandle(wrap: unknown, handle: unknown, writing: boolean): unknown {
    return super._wrapHandle(wrap, handle ?? this._tlsOptions.handle, writing)
  }
}

/** Accepts the clients of one source on one thread. */
export class TlsServer {
  /** Handshakes that succeeded, and how many of them took up an earlier session. */
  handshakes = 0
  resumed = 0
  /** Those that failed, by reason. */
  readonly failures = new Map<string, number>()
  readonly #tls: Tls
  readonly #files: TlsFiles
  /** Handshakes under way. */
  readonly #pending = new Set<Settle>()
  #context: SecureContext | null = null
  #material: TlsMaterial | null = null
  #period = 0

  constructor(tls: Tls, files: TlsFiles) {
    this.#tls = tls
    this.#files = files
  }

  get pending(): number {
    return this.#pending.size
  }

  /**
   * Takes over an accepted socket that nobody has read from, and shakes hands with its client. Exactly one of the arguments of
   * `done` is not null; with an error, the client is closed.
   */
  accept(
    socket: Socket,
    timeoutMs: number,
    done: (error: HandshakeError | null, connection: Connection | null) => void,
  ): void {
    let connection: TlsConnection | null = null
    const onData = (count: number, bytes: Uint8Array): boolean => {
      connection?.handler.onData(bytes as Buffer, 0, count)
      return true
    }
    const secured = this.#secure(socket, onData)
    const settle = watchHandshake(secured, timeoutMs, (failure) => {
      this.#pending.delete(settle)
      if (failure === null) {
        this.handshakes++
        if (secured.isSessionReused()) this.resumed++
        connection = new TlsConnection(secured, nobody)
      } else this.failures.set(failure.reason, (this.failures.get(failure.reason) ?? 0) + 1)
      done(failure, connection)
    })
    this.#pending.add(settle)
    secured.once('secure', () => settle(this.#refusal(secured)))
  }

  /** Ends the handshakes that are under way. */
  close(): void {
    for (const settle of [...this.#pending]) settle(new HandshakeError('the proxy ends', 'shutdown'))
  }

  #secure(socket: Socket, onData: (count: number, bytes: Uint8Array) => boolean): SocketInternals {
    const asks = this.#files.authority !== null
    const secured = new AcceptedSocket({
      handle: takeHandle(socket),
      isServer: true,
      secureContext: this.#currentContext(),
      requestCert: asks,
      rejectUnauthorized: asks,
      allowHalfOpen: true,
      onread: { buffer: readBuffer, callback: onData },
    })
    secured.setNoDelay(true)
    secured.setKeepAlive(KEEP_ALIVE)
    return secured
  }

  /** A client without a certificate does not come so far. Of one with a certificate, Node only notes what is wrong with it. */
  #refusal(socket: SocketInternals): HandshakeError | null {
    if (this.#files.authority === null) return null
    const error = socket._handle!.verifyError()
    return error === null || error === undefined ? null : certificateFailure(error)
  }

  #currentContext(): SecureContext {
    const material = this.#tls.material(this.#files)
    const period = ticketPeriod()
    if (this.#context === null || material !== this.#material || period !== this.#period) {
      this.#context = serverContext(material, this.#tls.secret, period)
      this.#material = material
      this.#period = period
    }
    return this.#context
  }
}
