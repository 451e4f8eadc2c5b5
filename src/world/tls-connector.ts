import { isIP } from 'node:net'
import {
  checkServerIdentity,
  connect,
  type ConnectionOptions,
  type PeerCertificate,
  type SecureContext,
} from 'node:tls'
import type { HandshakeError } from '../base/errors.ts'
import { awaitConnect, nobody, readBuffer } from './node.ts'
import { TlsConnection, type RawTlsSocket } from './tls-connection.ts'
import { clientContext } from './tls-context.ts'
import type { TlsMaterial } from './tls-files.ts'
import { certificateFailure, watchHandshake } from './tls-handshake.ts'
import type { Tls } from './tls.ts'
import type { Address, Connection, Connector, SecureOptions } from './world.ts'

/** Servers whose last session is remembered. */
const SESSIONS_MAX = 1000

/** Opens the connections of one sink on one thread. */
export class TlsConnector implements Connector {
  readonly #tls: Tls
  readonly #options: SecureOptions
  #context: SecureContext | null = null
  #material: TlsMaterial | null = null
  /** By address: what the next connection can begin with instead of a full handshake. */
  readonly #sessions = new Map<string, Buffer>()

  constructor(tls: Tls, options: SecureOptions) {
    this.#tls = tls
    this.#options = options
  }

  connect(
    address: Address,
    timeoutMs: number,
    done: (error: Error | null, connection: Connection | null) => void,
  ): void {
    let connection: TlsConnection | null = null
    const onData = (count: number, bytes: Uint8Array): boolean => {
      connection?.handler.onData(bytes as Buffer, 0, count)
      return true
    }
    const socket = this.#open(address, onData)
    awaitConnect(socket, address, timeoutMs, (error) => {
      if (error !== null) {
        done(error, null)
        return
      }
      const settle = watchHandshake(socket, this.#options.handshakeTimeoutMs, (failure) => {
        if (failure === null) connection = new TlsConnection(socket, nobody)
        else this.#sessions.delete(keyOf(address))
        done(failure, connection)
      })
      socket.once('secureConnect', () => settle(null))
    })
    socket.on('session', (session) => this.#remember(address, session))
  }

  #open(address: Address, onData: (count: number, bytes: Uint8Array) => boolean): RawTlsSocket {
    const host = nameOf(address.host)
    const secureContext = this.#currentContext()
    const session = this.#sessions.get(keyOf(address))
    const options = {
      host: address.host,
      port: address.port,
      noDelay: true,
      allowHalfOpen: true,
      secureContext,
      rejectUnauthorized: true,
      // An address is no name to ask for.
      ...(isIP(host) === 0 ? { servername: host } : {}),
      ...(session === undefined ? {} : { session }),
      checkServerIdentity: (_: string, certificate: PeerCertificate) =>
        this.#options.verifyHostname ? identityFailure(host, certificate) : undefined,
      onread: { buffer: readBuffer, callback: onData },
    }
    // Its types lack `onread` and `allowHalfOpen`.
    return connect(options as ConnectionOptions) as RawTlsSocket
  }

  #remember(address: Address, session: Buffer): void {
    const key = keyOf(address)
    this.#sessions.delete(key)
    this.#sessions.set(key, session)
    if (this.#sessions.size > SESSIONS_MAX) this.#sessions.delete(this.#sessions.keys().next().value!)
  }

  #currentContext(): SecureContext {
    const material = this.#tls.material(this.#options.files)
    if (this.#context === null || material !== this.#material) {
      this.#context = clientContext(material)
      this.#material = material
      // What vouched for their servers may be there no more.
      this.#sessions.clear()
    }
    return this.#context
  }
}

const keyOf = ({ host, port }: Address): string => `${host} ${port}`

/** The name that a certificate is to have: without the dot of a full domain name, and without the zone of an IPv6 address. */
function nameOf(host: string): string {
  return host.includes(':') ? host.replace(/%.*$/, '') : host.replace(/\.$/, '')
}

/** Hosts stand in the subject alternative names and nowhere else (RFC 9525, 2); Node would look at the common name too. */
function identityFailure(host: string, { subjectaltname }: PeerCertificate): HandshakeError | undefined {
  if (subjectaltname === undefined) return certificateFailure(new Error('it names no host'))
  const withoutName = { subject: {}, subjectaltname } as unknown as PeerCertificate
  if (checkServerIdentity(host, withoutName) === undefined) return undefined
  return certificateFailure(new Error(`it is for ${subjectaltname}, not for ${host}`))
}
