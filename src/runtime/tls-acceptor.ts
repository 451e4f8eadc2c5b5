import type { Socket } from 'node:net'
import { causesOf, withCauses, type HandshakeError } from '../base/errors.ts'
import { addressText } from '../config/addresses.ts'
import type { CheckedSource } from '../config/checked.ts'
import type { Log } from '../core/kind.ts'
import type { ClientAddress } from '../core/source.ts'
import type { TlsServer } from '../world/tls-server.ts'
import type { Connection } from '../world/world.ts'

export interface TlsAcceptorOptions {
  readonly checked: CheckedSource
  readonly server: TlsServer
  /** The log of the connection with this number. */
  log(id: number): Log
  /** A client's handshake is done. */
  accept(connection: Connection, id: number, client: ClientAddress | null): void
  /** A client's handshake failed: it is gone. */
  onFailed(): void
}

/** Shakes hands with the clients of one source before they become sessions. */
export class TlsAcceptor {
  readonly #options: TlsAcceptorOptions

  constructor(options: TlsAcceptorOptions) {
    this.#options = options
  }

  /** `client`: who it is, where that is not who is connected. */
  accept(socket: Socket, id: number, client: ClientAddress | null): void {
    const { checked, server, accept, onFailed } = this.#options
    const host = client?.address ?? socket.remoteAddress ?? 'unknown'
    const peer = addressText({ host, port: client?.port ?? socket.remotePort ?? 0 })
    server.accept(socket, checked.limits.tlsHandshakeTimeoutMs, (error, connection) => {
      if (connection !== null) {
        accept(connection, id, client)
        return
      }
      this.#report(error!, id, peer)
      onFailed()
    })
  }

  /** Takes no more clients whose handshake is not done. */
  close(): void {
    this.#options.server.close()
  }

  #report(error: HandshakeError, id: number, peer: string): void {
    const log = this.#options.log(id)
    // Who only looks whether the port is open is none to complain about.
    if (error.reason === 'closed' || error.reason === 'shutdown') {
      log.debug(`Failed to accept TLS connection from ${peer}: ${error.message}`)
      return
    }
    const causes = ['Failed to accept TLS connection', ...causesOf(error)]
    log.error(withCauses('connection was unexpectedly terminated', causes), { peer })
  }
}
