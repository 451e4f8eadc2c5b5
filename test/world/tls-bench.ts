import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import type { TestContext } from 'node:test'
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls'
import type { HandshakeError } from '../../src/base/errors.ts'
import { readTls, tlsKey } from '../../src/world/tls-files.ts'
import type { TlsServer } from '../../src/world/tls-server.ts'
import { Tls } from '../../src/world/tls.ts'
import type { Connection, TlsFiles } from '../../src/world/world.ts'
import { Authority, CertificateFolder, type Identity } from '../real/certificates.ts'

// A TLS server of the world's, and Node's client of it.

export const authority = Authority.make()
export const stranger = Authority.make('A stranger')

/** A listening TLS server of ours, which echoes; what comes of each handshake is told in order. */
export interface Bench {
  readonly port: number
  readonly server: TlsServer
  readonly tls: Tls
  readonly files: TlsFiles
  /** What the next handshake comes to. */
  next(): Promise<HandshakeError | Connection>
}

export async function bench(t: TestContext, own: Identity, clientAuthority?: string, timeoutMs = 5000): Promise<Bench> {
  const folder = new CertificateFolder()
  t.after(() => folder.remove())
  const paths = folder.write('own', own)
  const files: TlsFiles = {
    certificate: paths.certificate,
    privateKey: paths.key,
    authority: clientAuthority === undefined ? null : folder.file('authority.crt', clientAuthority),
  }
  const tls = new Tls({ secret: randomBytes(32), materials: new Map([[tlsKey(files), await readTls(files)]]) })
  const server = tls.server(files)
  const outcomes: (HandshakeError | Connection)[] = []
  const waiting: ((outcome: HandshakeError | Connection) => void)[] = []
  const listener = await listen(t, (socket) =>
    server.accept(socket, timeoutMs, (error, connection) => {
      if (connection !== null) echo(connection)
      const outcome = error ?? connection!
      const waiter = waiting.shift()
      if (waiter === undefined) outcomes.push(outcome)
      else waiter(outcome)
    }),
  )
  return {
    port: portOf(listener),
    server,
    tls,
    files,
    next: () => {
      const outcome = outcomes.shift()
      return outcome === undefined ? new Promise((resolve) => waiting.push(resolve)) : Promise.resolve(outcome)
    },
  }
}

export async function listen(t: TestContext, accept: (socket: Socket) => void): Promise<Server> {
  const listener = createServer({ pauseOnConnect: true, allowHalfOpen: true }, accept)
  listener.listen(0, '127.0.0.1')
  await once(listener, 'listening')
  t.after(() => listener.close())
  return listener
}

export const portOf = (server: Server) => (server.address() as AddressInfo).port

export function echo(connection: Connection): void {
  connection.handler = {
    onData: (bytes, start, end) => void connection.write(Buffer.from(bytes.subarray(start, end))),
    onDrain() {},
    onEnd: () => connection.end(),
    onClose() {},
  }
  connection.resume()
}

export async function client(t: TestContext, port: number, options: ConnectionOptions = {}): Promise<TLSSocket> {
  const socket = connect({ host: '127.0.0.1', port, ca: authority.certificate, ...options })
  t.after(() => socket.destroy())
  await once(socket, 'secureConnect')
  return socket
}

/** Resolves when the socket is closed, in whatever way. */
export async function gone(socket: Socket): Promise<void> {
  if (!socket.closed) await new Promise((resolve) => socket.once('close', resolve))
}

export async function reply(socket: TLSSocket, request: string): Promise<string> {
  socket.write(request)
  const [bytes] = (await once(socket, 'data')) as [Buffer]
  return bytes.toString()
}
