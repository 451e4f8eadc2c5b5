import { Budget } from '../../src/core/budget.ts'
import { LIMITS, type Limits } from '../../src/core/kind.ts'
import { Scratch } from '../../src/core/outbox.ts'
import type { Protocol } from '../../src/core/protocol.ts'
import type { Session } from '../../src/core/session.ts'
import { Source } from '../../src/core/source.ts'
import { noStats } from '../../src/core/stats.ts'
import type { Transform } from '../../src/core/transform.ts'
import type { SimOptions } from '../../src/sim/options.ts'
import { LOOPBACK, Recorder } from '../../src/sim/recorder.ts'
import { SimWorld } from '../../src/sim/world.ts'
import { quietLog, Sink } from './chain-play.ts'
import { lineProtocol } from './line-protocol.ts'

export interface SessionPlayOptions {
  readonly protocol?: Protocol
  readonly limits?: Partial<Limits>
  readonly idleTimeoutMs?: number | null
  readonly above?: () => Transform[]
  readonly sim?: Partial<SimOptions>
}

/** A source and its sessions, each with a sink that the test plays, in a simulated world. */
export class SessionPlay {
  readonly sim: SimWorld
  readonly source: Source
  readonly errors: string[] = []
  readonly warnings: string[] = []
  readonly sinks: Sink[] = []
  readonly sessions: Session[] = []
  #port = 0

  constructor(options: SessionPlayOptions = {}) {
    this.sim = new SimWorld({ tearChance: 0, ...options.sim })
    const limits = { ...LIMITS, ...options.limits }
    const sink = () => {
      const one = new Sink()
      this.sinks.push(one)
      return one
    }
    const above = (options.above?.() ?? []).map((_, index) => ({
      type: 'Kind',
      name: String.fromCharCode(97 + index),
      factory: () => options.above!()[index]!,
    }))
    const log = { ...quietLog(this.errors), warn: (message: string) => void this.warnings.push(message) }
    this.source = new Source({
      name: 'source',
      protocol: options.protocol ?? lineProtocol('request-order'),
      chain: { name: 'main', stages: [...above, { type: 'Sink', name: 'sink', factory: sink }], stats: noStats() },
      limits,
      world: this.sim.world,
      log,
      idleTimeoutMs: options.idleTimeoutMs ?? null,
      scratch: new Scratch(),
      budget: new Budget(limits.processBytesMax),
    })
  }

  /** A client that writes and keeps what it reads. */
  async connect(): Promise<Recorder> {
    const { net } = this.sim.world
    if (this.#port === 0) {
      const listener = await net.listen(LOOPBACK, (connection) => {
        const session = this.source.accept(connection)
        if (session !== null) this.sessions.push(session)
      })
      this.#port = listener.address.port
    }
    let client: Recorder | null = null
    net.connect({ host: '127.0.0.1', port: this.#port }, 1000, (_, connection) => (client = new Recorder(connection!)))
    await this.sim.run(() => client !== null)
    await this.rest(1)
    return client!
  }

  /** Lets everything happen that can in so many milliseconds. */
  async rest(ms = 20): Promise<void> {
    await this.sim.run(this.sim.nowMs + ms)
  }

  /** Why sessions ended, and how many for each reason. */
  get closed(): Record<string, number> {
    return Object.fromEntries(this.source.stats.closed)
  }
}

export async function sessionPlay(options: SessionPlayOptions = {}) {
  const play = new SessionPlay(options)
  const client = await play.connect()
  return { play, client, sink: play.sinks[0]!, session: play.sessions[0]! }
}

export function write(client: Recorder, text: string): void {
  client.connection.write(Buffer.from(text, 'latin1'))
}

export function received(client: Recorder): string {
  return client.received.toString('latin1')
}
