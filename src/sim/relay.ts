import type { Address, Connection, ConnectionHandler, World } from '../world/world.ts'
import type { SimProxy } from './seed-run.ts'

/** Changes what flows one way: the bytes to pass on for those that came. */
export type Tamper = (bytes: Buffer) => Buffer

export interface Tampering {
  request?: () => Tamper
  reply?: () => Tamper
  /** Does not tell the server that the client ended. */
  swallowsEnd?: boolean
}

const same: Tamper = (bytes) => bytes

/** One end of a relayed pair. */
class RelayEnd implements ConnectionHandler {
  readonly connection: Connection
  readonly #tamper: Tamper
  readonly #swallowsEnd: boolean
  other: RelayEnd | null = null
  /** What came before the other end was there. */
  #early: Buffer[] = []
  #ended = false

  constructor(connection: Connection, tamper: Tamper, swallowsEnd: boolean) {
    this.connection = connection
    this.#tamper = tamper
    this.#swallowsEnd = swallowsEnd
    connection.handler = this
  }

  join(other: RelayEnd): void {
    this.other = other
    for (const bytes of this.#early) this.#pass(bytes)
    if (this.#ended) other.connection.end()
  }

  #pass(bytes: Buffer): void {
    if (!this.other!.connection.write(bytes)) this.connection.pause()
  }

  onData(bytes: Buffer, start: number, end: number): void {
    const kept = this.#tamper(Buffer.from(bytes.subarray(start, end)))
    if (this.other === null) this.#early.push(kept)
    else this.#pass(kept)
  }

  onDrain(): void {
    this.other?.connection.resume()
  }

  onEnd(): void {
    if (this.#swallowsEnd) return
    this.#ended = true
    this.other?.connection.end()
  }

  onClose(error: Error | null): void {
    if (error === null && this.other !== null) this.other.connection.end()
    else this.other?.connection.destroy()
  }
}

/** A proxy that passes bytes on, one connection for each client: what the harness is proved with. */
export async function relay(
  world: World,
  upstream: Address,
  listen: Address,
  tampering: Tampering = {},
): Promise<SimProxy> {
  const open = new Set<Connection>()
  const listener = await world.net.listen(listen, (connection) => {
    const client = new RelayEnd(connection, tampering.request?.() ?? same, tampering.swallowsEnd ?? false)
    open.add(connection)
    world.net.connect(upstream, 2000, (_, connected) => {
      if (connected === null) {
        connection.destroy()
        return
      }
      open.add(connected)
      const server = new RelayEnd(connected, tampering.reply?.() ?? same, false)
      server.join(client)
      client.join(server)
    })
  })
  return {
    close() {
      void listener.close()
      for (const connection of open) connection.destroy()
    },
    check() {},
  }
}
