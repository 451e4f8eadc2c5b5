import type { Socket } from 'node:net'
import type { BuiltTopology } from '../config/build.ts'
import type { ClientAddress } from '../core/source.ts'
import type { LogRoot } from '../observability/log.ts'
import type { Registry } from '../observability/metrics.ts'
import { collectHandshakes } from '../observability/topology-metrics.ts'
import { Tls, type TlsStart } from '../world/tls.ts'
import type { TlsMaterial } from '../world/tls-files.ts'
import type { Connector, SecureOptions } from '../world/world.ts'
import { TlsAcceptor } from './tls-acceptor.ts'

export interface ServeOptions {
  readonly built: BuiltTopology
  readonly registry: Registry
  readonly log: LogRoot
  /** A client of the source, by its place in the topology, has ended before it was a session. */
  onFailed(source: number): void
}

/** The TLS of one thread, towards servers and, once it serves, towards clients. */
export class CoreTls {
  readonly #tls: Tls
  /** By source; null: in the clear. */
  #acceptors: readonly (TlsAcceptor | null)[] = []

  constructor(start: TlsStart) {
    this.#tls = new Tls(start)
  }

  connector(options: SecureOptions): Connector {
    return this.#tls.connector(options)
  }

  /** The sources are built: clients may come. */
  serve({ built, registry, log, onFailed }: ServeOptions): void {
    this.#acceptors = built.sources.map(({ checked, source }, index) => {
      if (checked.tls === undefined) return null
      const server = this.#tls.server(checked.tls)
      collectHandshakes(registry, checked.name, server)
      return new TlsAcceptor({
        checked,
        server,
        log: (id) => log.logger('shotover::server', { name: 'connection', fields: { id, source: checked.name } }),
        accept: (connection, id, client) => void source.accept(connection, id, client),
        onFailed: () => onFailed(index),
      })
    })
  }

  /** False: the clients of this source come in the clear. */
  accept(source: number, socket: Socket, id: number, client: ClientAddress | null): boolean {
    const acceptor = this.#acceptors[source]
    if (acceptor === null || acceptor === undefined) return false
    acceptor.accept(socket, id, client)
    return true
  }

  /** A set of TLS files holds something else now. */
  update(key: string, material: TlsMaterial): void {
    this.#tls.update(key, material)
  }

  /** Takes no more clients whose handshake is not done. */
  close(): void {
    for (const acceptor of this.#acceptors) acceptor?.close()
  }
}
