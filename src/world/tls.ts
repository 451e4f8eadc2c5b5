import { tlsKey, type TlsMaterial } from './tls-files.ts'
import { TlsConnector } from './tls-connector.ts'
import { TlsServer } from './tls-server.ts'
import type { Connector, SecureOptions, TlsFiles } from './world.ts'

/** What a thread is given for TLS. Plain data; all of it is secret. */
export interface TlsStart {
  /** Where keys of session tickets come from: the same for all threads of a process, and never told. */
  readonly secret: Uint8Array
  /** By `tlsKey`. */
  readonly materials: Map<string, TlsMaterial>
}

/** TLS on one thread: what the files hold, and the ends that use it. */
export class Tls {
  readonly secret: Uint8Array
  readonly #materials: Map<string, TlsMaterial>

  constructor({ secret, materials }: TlsStart) {
    this.secret = secret
    this.#materials = new Map(materials)
  }

  /** What these files hold now: the same object until it changes. */
  material(files: TlsFiles): TlsMaterial {
    const material = this.#materials.get(tlsKey(files))
    if (material === undefined) throw new Error(`nobody read the TLS files ${tlsKey(files)}`)
    return material
  }

  /** The files hold something else from now on. Connections that stand are left alone. */
  update(key: string, material: TlsMaterial): void {
    this.#materials.set(key, material)
  }

  /** What accepts clients in TLS; they must have a certificate where `files` has an authority. */
  server(files: TlsFiles): TlsServer {
    return new TlsServer(this, files)
  }

  /** What opens connections to servers in TLS. */
  connector(options: SecureOptions): Connector {
    this.material(options.files)
    return new TlsConnector(this, options)
  }
}
