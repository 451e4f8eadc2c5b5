// Hot path
import type { StageSpec } from '../core/chain.ts'
import type { Batch, Exchange } from '../core/exchange.ts'
import { FRAME_WHOLE, type Frame } from '../core/frame.ts'
import type { Link, SessionInfo, Transform } from '../core/transform.ts'
import type { World } from '../world/world.ts'
import { timestamp } from './log-format.ts'
import { Sampler } from './sampler.ts'

export interface AccessLogOptions {
  readonly world: World
  /** The part of the requests that is logged, above 0, 1 at most. */
  readonly sample: number
  /** Takes a line, its end included. */
  write(line: string): void
}

/** What is known of a request on its way. */
interface Entry {
  readonly since: number
  readonly query: string
  readonly bytes: number
}

/** What became of a request. */
type Outcome = 'answered' | 'error' | 'no-reply' | 'given-up'

/** The stage above all others that writes a line for each request once it has its reply: who asked for what, never its values. */
export function accessLogStage(options: AccessLogOptions): StageSpec {
  const { random } = options.world
  const sampler = new Sampler(options.sample, () => random.next())
  return {
    type: 'AccessLog',
    name: 'access-log',
    factory: (session) => new AccessObserver(options, sampler, session),
  }
}

class AccessObserver implements Transform {
  readonly #options: AccessLogOptions
  readonly #sampler: Sampler
  readonly #session: SessionInfo
  readonly #open = new Map<Exchange, Entry>()

  constructor(options: AccessLogOptions, sampler: Sampler, session: SessionInfo) {
    this.#options = options
    this.#sampler = sampler
    this.#session = session
  }

  onRequests(batch: Batch, link: Link): void {
    if (!this.#sampler.passesOver(batch.length)) {
      for (let i = 0; i < batch.length; i++) if (this.#sampler.chooses()) this.#note(batch[i]!)
    }
    link.forward(batch)
  }

  onResponses(batch: Batch, link: Link): void {
    if (this.#open.size !== 0) {
      for (let i = 0; i < batch.length; i++) {
        const { response } = batch[i]!
        const failed = this.#session.protocol.isError(response!)
        this.#end(batch[i]!, failed ? 'error' : 'answered', response)
      }
    }
    link.reply(batch)
  }

  onSilent(exchange: Exchange): void {
    this.#end(exchange, 'no-reply', null)
  }

  onCancel(exchange: Exchange): void {
    this.#end(exchange, 'given-up', null)
  }

  #note(exchange: Exchange): void {
    const { request, since } = exchange
    const query = this.#session.protocol.queries?.name(request) ?? ''
    this.#open.set(exchange, { since, query, bytes: bytesOf(request) })
  }

  #end(exchange: Exchange, outcome: Outcome, response: Frame | null): void {
    const entry = this.#open.get(exchange)
    if (entry === undefined) return
    this.#open.delete(exchange)
    this.#options.write(this.#line(entry, outcome, response))
  }

  // Cold: once a logged request
  #line({ since, query, bytes }: Entry, outcome: Outcome, response: Frame | null): string {
    const { id, source, chain, clientAddress, clientPort } = this.#session
    const { clock } = this.#options.world
    const line = {
      timestamp: timestamp(clock.wall()),
      source,
      chain,
      connection: id,
      client: clientAddress,
      client_port: clientPort,
      query,
      outcome,
      latency_us: Math.round((clock.now() - since) * 1000),
      request_bytes: bytes,
      response_bytes: response === null ? null : bytesOf(response),
    }
    return `${JSON.stringify(line)}\n`
  }
}

/** Of the whole message, as far as its head announces them where more of it comes in parts. */
function bytesOf(frame: Frame): number {
  return frame.flags === FRAME_WHOLE ? frame.size : frame.announced
}
