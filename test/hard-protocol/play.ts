import type { Limits } from '../../src/core/kind.ts'
import { LOOPBACK } from '../../src/sim/recorder.ts'
import type { SimOptions } from '../../src/sim/options.ts'
import { SimWorld } from '../../src/sim/world.ts'
import type { Address } from '../../src/world/world.ts'
import { HardClient, type Reply } from './client.ts'
import { KIND_NAMES, type Order } from './format.ts'
import { HardServer } from './model-server.ts'
import type { Request } from './requests.ts'
import { HardProxy, type HardProxyOptions } from './proxy.ts'

export interface PlayOptions extends Partial<HardProxyOptions> {
  readonly sim?: Partial<SimOptions>
  readonly limits?: Partial<Limits>
}

/** A server, the proxy, and clients that the test plays. */
export class HardPlay {
  readonly sim: SimWorld
  readonly server: HardServer
  readonly proxy: HardProxy
  readonly order: Order
  /** Writes that had effect, as `connection space text`. */
  readonly executed: string[] = []
  readonly #serverAddress: Address

  constructor(options: PlayOptions, serverAddress: Address, sim: SimWorld, server: HardServer) {
    this.sim = sim
    this.server = server
    this.order = options.order ?? 'request-order'
    this.#serverAddress = serverAddress
    this.proxy = new HardProxy(sim, serverAddress, { ...options, order: this.order })
  }

  static async start(options: PlayOptions = {}): Promise<HardPlay> {
    const sim = new SimWorld({ tearChance: 0.3, ...options.sim })
    let play: HardPlay | null = null
    const server = new HardServer(sim, {
      order: options.order ?? 'request-order',
      onExecute: (connection, space, request, inTransaction) => play!.#note(connection, space, request, inTransaction),
    })
    play = new HardPlay(options, await server.listen(LOOPBACK), sim, server)
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

  crash(): void {
    this.server.crash()
  }

  async restart(): Promise<void> {
    await this.server.listen(this.#serverAddress)
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
