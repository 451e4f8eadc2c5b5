import type { Limits } from '../../src/core/kind.ts'
import { LOOPBACK } from '../../src/sim/recorder.ts'
import type { SimOptions } from '../../src/sim/options.ts'
import { SimWorld } from '../../src/sim/world.ts'
import type { Address } from '../../src/world/world.ts'
import { HardClient, type Reply } from './client.ts'
import { KIND_NAMES, type Order } from './format.ts'
import { HardServer } from './model-server.ts'
import type { HardServerOptions, Request } from './requests.ts'
import { HardProxy, type HardProxyOptions } from './proxy.ts'

export interface PlayOptions extends Partial<HardProxyOptions> {
  readonly sim?: Partial<SimOptions>
  readonly limits?: Partial<Limits>
  /** So many servers, which are one cluster. */
  readonly servers?: number
}

/** A server, the proxy, and clients that the test plays. */
export class HardPlay {
  readonly sim: SimWorld
  readonly server: HardServer
  /** All of them. */
  readonly servers: readonly HardServer[]
  readonly proxy: HardProxy
  readonly order: Order
  /** Writes that had effect, as `connection space text`. */
  readonly executed: string[] = []
  readonly #addresses: readonly Address[]

  constructor(options: PlayOptions, addresses: readonly Address[], sim: SimWorld, servers: readonly HardServer[]) {
    const [address, ...others] = addresses
    this.sim = sim
    this.server = servers[0]!
    this.servers = servers
    this.order = options.order ?? 'request-order'
    this.#addresses = addresses
    this.proxy = new HardProxy(sim, address!, { ...options, order: this.order, others })
  }

  static async start(options: PlayOptions = {}): Promise<HardPlay> {
    const sim = new SimWorld({ tearChance: 0.3, ...options.sim })
    let play: HardPlay | null = null
    const order = options.order ?? 'request-order'
    const servers = Array.from({ length: options.servers ?? 1 }, () => {
      const note: HardServerOptions['onExecute'] = (connection, space, request, inTransaction) =>
        play!.#note(connection, space, request, inTransaction)
      return new HardServer(sim, { order, onExecute: note })
    })
    const addresses: Address[] = []
    for (const server of servers) addresses.push(await server.listen(LOOPBACK))
    play = new HardPlay(options, addresses, sim, servers)
    await play.proxy.listen(LOOPBACK)
    return play
  }

  #note(connection: number, space: number, { kind, text }: Request, inTransaction: boolean): void {
    this.executed.push(`${connection} ${space} ${KIND_NAMES[kind]} ${text.slice(0, 30)}${inTransaction ? ' in' : ''}`)
  }

  async client(): Promise<HardClient> {
    const client = new HardClient(this.sim, this.order)
    await this.until(client.connect(this.proxy.address))
    return client
  }

  /** Runs the world until the promise has settled. */
  async until<T>(promise: Promise<T>): Promise<T> {
    let settled = false
    const done = () => (settled = true)
    promise.then(done, done)
    if ((await this.sim.run(() => settled)) === 'idle') throw new Error('nothing moves any more')
    return promise
  }

  /** The reply, as `KIND text`. */
  async say(client: HardClient, kind: number, text: string): Promise<string> {
    return nameOf(await this.until(client.ask(kind, text)))
  }

  async rest(ms = 50): Promise<void> {
    await this.sim.run(this.sim.nowMs + ms)
  }

  address(server: number): Address {
    return this.#addresses[server]!
  }

  crash(server = 0): void {
    this.servers[server]!.crash()
  }

  async restart(server = 0): Promise<void> {
    await this.servers[server]!.listen(this.#addresses[server]!)
  }

  /** Clients end, and nothing is left. */
  async end(...clients: HardClient[]): Promise<void> {
    for (const client of clients) if (!client.closed && !client.ended) client.end()
    await this.rest(10_000)
    this.proxy.checkEmpty()
  }
}

export function nameOf({ kind, text }: Reply): string {
  return `${KIND_NAMES[kind]}${text === '' ? '' : ` ${text}`}`
}
