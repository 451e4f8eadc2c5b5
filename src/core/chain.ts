// Hot path
import { causesOf, withCauses } from '../base/errors.ts'
import type { World } from '../world/world.ts'
import { ANSWERING, AT_OWNER, DONE, Exchange, type Batch, type Owner } from './exchange.ts'
import { FRAME_WHOLE, type Frame } from './frame.ts'
import { Gate } from './gate.ts'
import type { Limits, Log, SessionFactory } from './kind.ts'
import type { ChainStats } from './stats.ts'
import type { Link, SessionInfo, Transform } from './transform.ts'

/** One place in a chain, as the topology names it. */
export interface StageSpec {
  readonly type: string
  readonly name: string
  readonly factory: SessionFactory
}

export interface ChainSpec {
  readonly name: string
  /** The last one is the sink. */
  readonly stages: readonly StageSpec[]
  readonly stats: ChainStats
}

/** What stands above a chain: the session, or the transform whose sub-chain it is. */
export interface ChainTop extends Owner {
  readonly info: SessionInfo
  onPush(push: Frame): void
  /** Takes no more requests until `go` was called as often. */
  stop(): void
  go(): void
  fail(error: Error): void
  end(reason: string): void
  abort(reason: string): void
}

/** The stages of one session. */
export class Chain {
  readonly spec: ChainSpec
  readonly top: ChainTop
  readonly world: World
  readonly limits: Limits
  readonly log: Log
  readonly stages: Stage[] = []
  readonly #first: Stage
  /** Some stage looks at parts; else they go straight to the pipe of their exchange. */
  readonly #partStages: Stage[] = []
  closed = false

  constructor(spec: ChainSpec, top: ChainTop, world: World, limits: Limits, log: Log, previous: Chain | null = null) {
    this.spec = spec
    this.top = top
    this.world = world
    this.limits = limits
    this.log = log
    for (let i = 0; i < spec.stages.length; i++)
      this.stages.push(new Stage(this, i, spec.stages[i]!, previous?.stages[i]?.transform ?? null))
    let above: Stage | null = null
    let aboveDown: Stage | null = null
    let first: Stage | null = null
    for (const stage of this.stages) {
      stage.above = above
      if (stage.transform.onResponses !== undefined || stage.transform.onPush !== undefined) above = stage
      if (stage.transform.onPart !== undefined && stage.index !== this.stages.length - 1) this.#partStages.push(stage)
      if (stage.transform.onRequests === undefined) continue
      if (aboveDown !== null) aboveDown.below = stage
      for (let i = aboveDown === null ? 0 : aboveDown.index; i < stage.index; i++) this.stages[i]!.below = stage
      aboveDown = stage
      first ??= stage
    }
    if (first === null || aboveDown!.index !== this.stages.length - 1) throw new Error(`chain ${spec.name} has no sink`)
    this.#first = first
  }

  /** Requests of the session, in order. Their `at` must be AT_OWNER. */
  down(batch: Batch): void {
    this.spec.stats.batches++
    const first = this.#first
    for (let i = 0; i < batch.length; i++) batch[i]!.at = first.index
    first.enterDown(batch)
  }

  /** A further part of a request that went down before. It waits in the exchange's pipe for the sink. False: stop for now. */
  partDown(exchange: Exchange, part: Frame): boolean {
    for (let i = 0; i < this.#partStages.length; i++) this.#partStages[i]!.onPart(exchange, part)
    return exchange.requestParts === null || exchange.requestParts.push(part)
  }

  /** Does some stage want the messages of this kind whole? */
  wantsWhole(kind: number): boolean {
    for (const stage of this.stages) if (stage.transform.wants?.(kind) === 'whole') return true
    return false
  }

  /** Nobody waits for the exchange any more. */
  cancel(exchange: Exchange): void {
    if (exchange.cancelled) return
    exchange.cancelled = true
    exchange.requestParts?.abort(new Error('cancelled'))
    for (const stage of this.stages) stage.transform.onCancel?.(exchange)
  }

  /** The session is about to end: what is held goes on. */
  flush(): void {
    for (const stage of this.stages) stage.flush()
  }

  close(): void {
    if (this.closed) return
    this.closed = true
    for (const stage of this.stages) stage.dispose()
  }
}

/** Shotover's text for an error of the chain (its `transforms/mod.rs` and tests match on it). */
export function failureText(chain: string, causes: string[], closing: boolean): string {
  const rest = closing ? ', the connection will now be closed.' : '.'
  return withCauses(
    `Internal shotover (or custom transform) bug (chain: ${chain}): Failed to send and/or receive messages${rest}`,
    causes,
  )
}

/** The reply to a `link.call` ends here. */
class Call implements Owner {
  readonly level: number
  readonly #resolve: (reply: Frame) => void
  readonly #reject: (error: Error) => void

  constructor(level: number, resolve: (reply: Frame) => void, reject: (error: Error) => void) {
    this.level = level
    this.#resolve = resolve
    this.#reject = reject
  }

  onReplies(batch: Batch): void {
    for (let i = 0; i < batch.length; i++) {
      const exchange = batch[i]!
      const reply = exchange.response
      exchange.at = AT_OWNER
      if (reply !== null && reply.flags === FRAME_WHOLE) this.#resolve(reply.own())
      else this.#reject(new Error('the reply to a call did not come whole'))
    }
  }

  onReplyPart(): boolean {
    return true
  }

  onSilent(): void {
    this.#reject(new Error('a call got no reply'))
  }
}

/** One place in one session's chain: the gates of both lanes around an instance, and what it sees of its neighbours. */
export class Stage implements Link {
  readonly chain: Chain
  readonly index: number
  readonly spec: StageSpec
  transform: Transform
  /** The next stage towards the server that takes requests; null for the sink. */
  below: Stage | null = null
  /** The next stage towards the client that takes replies; null: the owner. */
  above: Stage | null = null
  readonly #down: Gate<Batch>
  readonly #up: Gate<Batch | Frame>

  constructor(chain: Chain, index: number, spec: StageSpec, previous: Transform | null) {
    this.chain = chain
    this.index = index
    this.spec = spec
    this.transform = spec.factory(chain.top.info, previous)
    this.#down = new Gate<Batch>((batch) => this.#runDown(batch))
    this.#up = new Gate<Batch | Frame>((item) => (Array.isArray(item) ? this.#runUp(item) : this.#runPush(item)))
  }

  enterDown(batch: Batch): void {
    if (this.#down.shut) {
      for (let i = 0; i < batch.length; i++) batch[i]!.request.own()
      this.#down.hold(batch)
    } else this.#runDown(batch)
  }

  enterUp(batch: Batch): void {
    if (this.transform.onResponses === undefined && !this.#up.shut) this.#climb(batch)
    else if (this.#up.shut) {
      for (let i = 0; i < batch.length; i++) batch[i]!.response?.own()
      this.#up.hold(batch)
    } else this.#runUp(batch)
  }

  enterPush(push: Frame): void {
    if (this.#up.shut) this.#up.hold(push.own())
    else this.#runPush(push)
  }

  // --- Link

  forward(batch: Batch): void {
    const below = this.below
    if (below === null) throw new Error(`${this.spec.type} is a sink: there is nothing to forward to`)
    const mine = this.#mine(batch)
    for (let i = 0; i < mine.length; i++) mine[i]!.at = below.index
    if (mine.length !== 0) below.enterDown(mine)
  }

  reply(batch: Batch): void {
    const mine = this.#mine(batch)
    if (mine.length !== 0) this.#climb(mine)
  }

  call(request: Frame): Promise<Frame> {
    const { promise, resolve, reject } = Promise.withResolvers<Frame>()
    const below = this.below
    if (below === null || this.chain.closed) {
      reject(new Error(`${this.spec.type} can't call: ${below === null ? 'it is a sink' : 'the session is closed'}`))
      return promise
    }
    const { clock } = this.chain.world
    const exchange = new Exchange(request.own(), new Call(this.index, resolve, reject), below.index, clock.now())
    const timer = clock.after(this.chain.limits.callTimeoutMs, () => {
      this.chain.cancel(exchange)
      reject(new Error(`the call of ${this.spec.type} got no reply in time`))
    })
    const settle = () => timer.cancel()
    promise.then(settle, settle)
    below.enterDown([exchange])
    return promise
  }

  push(push: Frame): void {
    if (this.above === null) this.chain.top.onPush(push)
    else this.above.enterPush(push)
  }

  forwardPart(exchange: Exchange, part: Frame): void {
    exchange.requestParts?.push(part)
  }

  replyPart(exchange: Exchange, part: Frame): boolean {
    return exchange.owner.onReplyPart(exchange, part)
  }

  silent(exchange: Exchange): void {
    exchange.at = AT_OWNER
    exchange.owner.onSilent(exchange)
  }

  pause(ms: number): void {
    this.chain.top.stop()
    this.chain.world.clock.after(ms, () => this.chain.top.go())
  }

  stop(): void {
    this.chain.top.stop()
  }

  go(): void {
    this.chain.top.go()
  }

  wantsWhole(kind: number): boolean {
    return this.chain.wantsWhole(kind)
  }

  fail(error: Error): void {
    const { type, name } = this.spec
    this.chain.top.fail(
      new Error(`Transform ${type} named ${name} failed in chain ${this.chain.spec.name}`, { cause: error }),
    )
  }

  end(reason: string): void {
    this.chain.top.end(reason)
  }

  close(reason: string): void {
    this.chain.top.abort(reason)
  }

  /** Shotover's text for an error of the chain, on which clients and tests match. */
  failureText(error: Error, closing: boolean): string {
    const { type, name } = this.spec
    const chain = this.chain.spec.name
    return failureText(chain, [`Transform ${type} named ${name} failed in chain ${chain}`, ...causesOf(error)], closing)
  }

  // --- the rest

  onPart(exchange: Exchange, part: Frame): void {
    this.transform.onPart!(exchange, part, this)
  }

  flush(): void {
    this.transform.onFlush?.(this)
  }

  dispose(): void {
    this.#down.close()
    this.#up.close()
    this.transform.close?.()
  }

  #runDown(batch: Batch): void {
    let promise: void | Promise<void>
    try {
      promise = this.transform.onRequests!(batch, this)
    } catch (error) {
      this.#failed(batch, error)
      return
    }
    if (promise !== undefined) this.#waitFor(promise, batch, this.#down)
    else if (this.below !== null) this.#settle(batch)
  }

  #runUp(batch: Batch): void {
    let promise: void | Promise<void>
    try {
      promise = this.transform.onResponses!(batch, this)
    } catch (error) {
      this.#failed(batch, error)
      return
    }
    if (promise !== undefined) this.#waitFor(promise, batch, this.#up)
    else this.#settle(batch)
  }

  #runPush(push: Frame): void {
    if (this.transform.onPush === undefined) {
      this.push(push)
      return
    }
    try {
      this.transform.onPush(push, this)
    } catch (error) {
      this.#count(error)
    }
  }

  /** What of `batch` this stage holds. All of it, nearly always: then it is `batch` itself. */
  #mine(batch: Batch): Batch {
    const index = this.index
    for (let i = 0; i < batch.length; i++) if (batch[i]!.at !== index) return this.#sift(batch)
    return batch
  }

  #sift(batch: Batch): Batch {
    const mine: Batch = []
    for (let i = 0; i < batch.length; i++) {
      if (batch[i]!.at === this.index) mine.push(batch[i]!)
      else this.chain.spec.stats.swallowed++
    }
    return mine
  }

  /** Towards the client: to the next stage that takes replies, or to the owner where it stands lower. */
  #climb(batch: Batch): void {
    const above = this.above
    const top = this.chain.top
    const at = above === null ? AT_OWNER : above.index
    let foreign = false
    for (let i = 0; i < batch.length; i++) {
      const exchange = batch[i]!
      exchange.at = at
      if (exchange.owner !== top) foreign = true
    }
    if (foreign) this.#climbMixed(batch, at)
    else if (above === null) top.onReplies(batch)
    else above.enterUp(batch)
  }

  #climbMixed(batch: Batch, at: number): void {
    const on: Batch = []
    for (let i = 0; i < batch.length; i++) {
      const exchange = batch[i]!
      if (exchange.owner.level >= at) exchange.owner.onReplies([exchange])
      else on.push(exchange)
    }
    if (on.length === 0) return
    if (this.above === null) this.chain.top.onReplies(on)
    else this.above.enterUp(on)
  }

  /** The hook is over: what it kept must be kept rightfully, and bytes that are kept must be its own. */
  #settle(batch: Batch): void {
    const index = this.index
    for (let i = 0; i < batch.length; i++) {
      if (batch[i]!.at === index) {
        this.#kept(batch, i)
        return
      }
    }
  }

  #kept(batch: Batch, from: number): void {
    const dropped: Batch = []
    for (let i = from; i < batch.length; i++) {
      const exchange = batch[i]!
      if (exchange.at !== this.index) continue
      exchange.request.own()
      exchange.response?.own()
      if (this.transform.holds !== true) dropped.push(exchange)
    }
    if (dropped.length !== 0) this.#failed(dropped, new Error('it neither forwarded nor answered the request'))
  }

  #waitFor(promise: Promise<void>, batch: Batch, gate: Gate<Batch> | Gate<Batch | Frame>): void {
    for (let i = 0; i < batch.length; i++) {
      batch[i]!.request.own()
      batch[i]!.response?.own()
    }
    gate.shutFor()
    let open = true
    const timer = this.chain.world.clock.after(this.chain.limits.callTimeoutMs, () =>
      settled(new Error('it took too long')),
    )
    const settled = (error: unknown) => {
      if (!open) return
      open = false
      timer.cancel()
      if (this.chain.closed) return
      if (error === null) this.#settle(batch)
      else this.#failed(batch, error)
      gate.open()
    }
    promise.then(
      () => settled(null),
      (error: unknown) => settled(error),
    )
  }

  /** A hook threw, or hung: what of the batch is still here is answered, nothing else is touched. */
  #failed(batch: Batch, thrown: unknown): void {
    this.#count(thrown)
    const error = thrown instanceof Error ? thrown : new Error(String(thrown))
    const message = this.failureText(error, false)
    const answered: Batch = []
    for (let i = 0; i < batch.length; i++) {
      const exchange = batch[i]!
      if (exchange.at !== this.index) continue
      const reply =
        exchange.state === ANSWERING
          ? null
          : this.chain.top.info.protocol.failure(exchange.request, 'internal', message)
      if (reply === null) {
        this.fail(error)
        return
      }
      exchange.response = reply
      exchange.state = DONE
      answered.push(exchange)
    }
    if (answered.length !== 0) this.#climb(answered)
  }

  #count(error: unknown): void {
    this.chain.spec.stats.failures++
    this.chain.log.error(
      `Transform ${this.spec.type} named ${this.spec.name} failed in chain ${this.chain.spec.name}`,
      {
        error: error instanceof Error ? (error.stack ?? error.message) : String(error),
      },
    )
  }
}
