import assert from 'node:assert/strict'
import { Chain, type ChainTop } from '../../src/core/chain.ts'
import { ANSWERING, AT_OWNER, DONE, Exchange, PART_TAKEN, type Batch } from '../../src/core/exchange.ts'
import { FRAME_LAST, FRAME_WHOLE, Frame } from '../../src/core/frame.ts'
import { LIMITS, type Limits, type Log } from '../../src/core/kind.ts'
import type { Protocol } from '../../src/core/protocol.ts'
import { noStats } from '../../src/core/stats.ts'
import type { Link, SessionInfo, Transform } from '../../src/core/transform.ts'
import { SimWorld } from '../../src/sim/world.ts'

/** A frame in a buffer that is lent: `end` overwrites it, as the next read would. */
export function lend(text: string, flags = FRAME_WHOLE): { frame: Frame; end: () => void } {
  const bytes = Buffer.from(`..${text}..`, 'latin1')
  const frame = new Frame(bytes, 2, 2 + text.length, 0, 0, true)
  frame.flags = flags
  return { frame, end: () => bytes.fill(0xee) }
}

export function frameOf(text: string, flags = FRAME_WHOLE): Frame {
  const frame = new Frame(Buffer.from(text, 'latin1'), 0, text.length, 0, 0, false)
  frame.flags = flags
  return frame
}

export function textOf(frame: Frame | null): string {
  return frame === null ? '(none)' : frame.toBuffer().toString('latin1')
}

/** A protocol that has failures and nothing else. */
export const PLAIN = {
  name: 'plain',
  orderToClient: 'request-order',
  failure: (request: Frame, kind: string, message: string) => frameOf(`-${kind} ${textOf(request)}: ${message}`),
} as unknown as Protocol

export function sessionInfo(protocol: Protocol): SessionInfo {
  const address = { clientAddress: '127.0.0.1', clientPort: 1, localAddress: '127.0.0.1', localPort: 2 }
  return { id: 1, protocol, source: 'source', chain: 'main', log: quietLog([]), ...address }
}

/** Everything that a chain told what stands above it. */
export class Top implements ChainTop {
  readonly level = AT_OWNER
  readonly keepsRequests = false
  readonly info: SessionInfo = sessionInfo(PLAIN)
  readonly told: string[] = []
  stops = 0

  onReplies(batch: Batch): void {
    for (const exchange of batch) {
      assert.equal(exchange.at, AT_OWNER)
      this.told.push(`${textOf(exchange.request)}=${textOf(exchange.response)}`)
    }
  }
  onReplyPart(exchange: Exchange, part: Frame): number {
    this.told.push(`${textOf(exchange.request)}+${textOf(part)}`)
    return PART_TAKEN
  }
  onSilent(exchange: Exchange): void {
    this.told.push(`${textOf(exchange.request)} is silent`)
  }
  onPush(push: Frame): void {
    this.told.push(`push ${textOf(push)}`)
  }
  stop(): void {
    this.stops++
  }
  go(): void {
    this.stops--
  }
  fail(error: Error): void {
    this.told.push(`fail: ${error.message}: ${(error.cause as Error | undefined)?.message}`)
  }
  end(reason: string): void {
    this.told.push(`end: ${reason}`)
  }
  abort(reason: string): void {
    this.told.push(`abort: ${reason}`)
  }
}

/** The end of the chain: keeps what comes until the test answers it, or answers at once. */
export class Sink implements Transform {
  readonly holds = true
  readonly came: Exchange[] = []
  readonly cancelled: Exchange[] = []
  link!: Link
  /** Answers each request at once with this and its text. */
  echo: string | null = null
  flushes = 0
  closed = false

  onRequests(batch: Batch, link: Link): void {
    this.link = link
    if (this.echo !== null) this.answer(batch, this.echo)
    for (const exchange of batch) exchange.request.own()
    this.came.push(...batch)
  }
  onCancel(exchange: Exchange): void {
    this.cancelled.push(exchange)
  }
  onFlush(): void {
    this.flushes++
  }
  close(): void {
    this.closed = true
  }

  get texts(): string[] {
    return this.came.map((exchange) => textOf(exchange.request))
  }

  /** Answers, in one batch, each with `prefix` and its request's text; the bytes are lent. */
  answer(batch: Batch, prefix = 're:', flags = FRAME_WHOLE): void {
    const ends: (() => void)[] = []
    for (const exchange of batch) {
      const { frame, end } = lend(prefix + textOf(exchange.request), flags)
      exchange.response = frame
      exchange.state = flags & FRAME_LAST ? DONE : ANSWERING
      ends.push(end)
    }
    this.link.reply(batch)
    for (const end of ends) end()
  }

  part(exchange: Exchange, text: string, last = false): number {
    const { frame, end } = lend(text, last ? FRAME_LAST : 0)
    if (last) exchange.state = DONE
    const verdict = this.link.replyPart(exchange, frame)
    end()
    return verdict
  }

  push(text: string): void {
    const { frame, end } = lend(text)
    this.link.push(frame)
    end()
  }
}

export interface Play {
  readonly sim: SimWorld
  readonly top: Top
  readonly sink: Sink
  readonly chain: Chain
  /** What was logged as an error. */
  readonly errors: string[]
  /** The session reads these requests; their bytes are gone afterwards. */
  send(...texts: string[]): Exchange[]
  /** Lets what waits in promises and timers happen. */
  settle(): Promise<void>
}

export function quietLog(errors: string[]): Log {
  const none = () => {}
  return {
    debug: none,
    info: none,
    warn: none,
    error: (message, fields) => void errors.push(`${message} ${JSON.stringify(fields?.['error'] ?? '')}`),
  }
}

/** A chain of these transforms, named a, b, c ..., above a sink. */
export function play(transforms: Transform[], limits: Partial<Limits> = {}): Play {
  const sim = new SimWorld({ timerLateMs: 0 })
  const top = new Top()
  const sink = new Sink()
  const errors: string[] = []
  const stages = [...transforms, sink].map((transform, index) => ({
    type: 'Kind',
    name: index === transforms.length ? 'sink' : String.fromCharCode(97 + index),
    factory: () => transform,
  }))
  const spec = { name: 'main', stages, stats: noStats() }
  const chain = new Chain(spec, top, sim.world, { ...LIMITS, ...limits }, quietLog(errors))
  return {
    sim,
    top,
    sink,
    chain,
    errors,
    send(...texts) {
      const lent = texts.map((text) => lend(text))
      const batch = lent.map(({ frame }) => new Exchange(frame, top, AT_OWNER, sim.nowMs))
      chain.down([...batch])
      for (const { end } of lent) end()
      return batch
    },
    async settle() {
      await sim.run(sim.nowMs + 0.001)
    },
  }
}

/** A promise and its ends, for hooks that wait. */
export class Waits {
  #open: { resolve: () => void; reject: (error: Error) => void }[] = []

  wait(): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    this.#open.push({ resolve, reject })
    return promise
  }
  get count(): number {
    return this.#open.length
  }
  /** The oldest wait is over. */
  over(error: Error | null = null): void {
    const first = this.#open.shift()!
    if (error === null) first.resolve()
    else first.reject(error)
  }
}
