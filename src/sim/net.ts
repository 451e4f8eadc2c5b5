import type { Address, Connection, Listener, Net } from '../world/world.ts'
import { SimConnection } from './connection.ts'
import { systemError } from './errors.ts'
import type { SimWorld } from './world.ts'

const LISTEN_PORT_FIRST = 20_000
const CLIENT_PORT_FIRST = 40_000
const WILDCARDS = ['0.0.0.0', '::']

interface Bound {
  readonly address: Address
  readonly onConnection: (connection: Connection) => void
}

type Connected = (error: Error | null, connection: Connection | null) => void

function literal(host: string): string {
  return host === 'localhost' ? '127.0.0.1' : host
}

/** The network of a simulated world: listeners, links, and the faults that can be put on them. */
export class SimNet implements Net {
  readonly #sim: SimWorld
  #bound: Bound[] = []
  readonly #connections = new Set<SimConnection>()
  #fresh: SimConnection[] = []
  readonly #refusing = new Set<number>()
  readonly #swallowing = new Set<number>()
  #nextListenPort = LISTEN_PORT_FIRST
  #nextClientPort = CLIENT_PORT_FIRST
  #nextId = 1

  constructor(sim: SimWorld) {
    this.#sim = sim
  }

  /** Ends of connections that are not closed. */
  get open(): number {
    return this.#connections.size
  }

  /** The open ends, in words. */
  get states(): string[] {
    return [...this.#connections].map((connection) => connection.state)
  }

  async listen(address: Address, onConnection: (connection: Connection) => void): Promise<Listener> {
    const host = literal(address.host)
    const port = address.port === 0 ? this.#nextListenPort++ : address.port
    const taken = this.#bound.some(({ address: other }) => other.port === port && this.#overlap(other.host, host))
    if (taken) throw systemError('EADDRINUSE', 'listen', { host, port })
    const bound: Bound = { address: { host, port }, onConnection }
    this.#bound.push(bound)
    return { address: bound.address, close: async () => this.#unbind(bound) }
  }

  #overlap(one: string, other: string): boolean {
    return one === other || WILDCARDS.includes(one) || WILDCARDS.includes(other)
  }

  #unbind(bound: Bound): void {
    this.#bound = this.#bound.filter((other) => other !== bound)
  }

  connect(address: Address, timeoutMs: number, done: Connected): void {
    const { random, options, schedule, nowMs } = this.#sim
    const remote = { host: literal(address.host), port: address.port }
    const local = { host: '127.0.0.1', port: this.#nextClientPort++ }
    const latencyMs = options.latencyMs * random.next() ** 2
    let open = true
    const settle = (what: string, error: Error | null, connection: SimConnection | null) => {
      if (!open) return
      open = false
      this.#sim.trace.note(this.#sim.nowMs, what, local.port, remote.port)
      if (connection !== null) this.#fresh.push(connection)
      done(error, connection)
    }
    const timer = schedule.add(nowMs + timeoutMs, () => {
      const text = `destination ${address.host}:${address.port} did not respond to connection attempt within ${timeoutMs}ms`
      settle('timeout', new Error(text), null)
    })
    if (this.#swallowing.has(remote.port)) return
    schedule.add(nowMs + latencyMs, () => {
      const client = open ? this.#accept(local, remote, latencyMs) : null
      schedule.add(this.#sim.nowMs + latencyMs, () => {
        timer.cancel()
        if (client === null) settle('refuse', systemError('ECONNREFUSED', 'connect', address), null)
        else if (open) settle('connect', null, client)
        else client.vanish()
      })
    })
  }

  #accept(local: Address, remote: Address, latencyMs: number): SimConnection | null {
    const bound = this.#bound.find(
      ({ address }) => address.port === remote.port && this.#overlap(address.host, remote.host),
    )
    const refused = this.#refusing.has(remote.port) || this.#sim.random.chance(this.#sim.options.refuseChance)
    if (bound === undefined || refused) return null
    const client = new SimConnection(this.#sim, this.#nextId++, local, remote)
    const server = new SimConnection(this.#sim, this.#nextId++, remote, local)
    SimConnection.join(this.#sim, client, server, latencyMs)
    this.#connections.add(client).add(server)
    this.#fresh.push(server)
    this.#sim.trace.note(this.#sim.nowMs, 'accept', server.id, remote.port)
    bound.onConnection(server)
    return client
  }

  /** Connections that came in the turn that is over may be read from. */
  turnEnded(): void {
    const fresh = this.#fresh
    if (fresh.length === 0) return
    this.#fresh = []
    for (const connection of fresh) connection.open()
  }

  /** A connection is closed. */
  forget(connection: SimConnection): void {
    this.#connections.delete(connection)
  }

  /** Every connect to `port` is refused, until `allow`. */
  refuse(port: number): void {
    this.#refusing.add(port)
  }

  /** Every connect to `port` gets no answer at all, until `allow`. */
  swallow(port: number): void {
    this.#swallowing.add(port)
  }

  allow(port: number): void {
    this.#refusing.delete(port)
    this.#swallowing.delete(port)
  }

  /** Resets every connection from or to `port`, as a network does that loses its state. */
  resetAll(port: number): void {
    for (const connection of [...this.#connections]) if (connection.touches(port)) connection.cut()
  }

  /** Stops both directions of every connection from or to `port` for `ms`. */
  clogAll(port: number, ms: number): void {
    for (const connection of this.#connections) if (connection.touches(port)) connection.clog(ms)
  }

  /** The process that listens at `address` dies: its sockets close, its handlers are never called again. */
  kill(address: Address): void {
    const host = literal(address.host)
    this.#bound = this.#bound.filter(({ address: other }) => other.port !== address.port || other.host !== host)
    for (const connection of [...this.#connections])
      if (connection.localPort === address.port && connection.localAddress === host) connection.vanish()
  }
}
