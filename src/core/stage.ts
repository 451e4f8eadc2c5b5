// Hot path
import type { Timer } from '../world/world.ts'
import { Call } from './call.ts'
import type { Chain, StageSpec } from './chain.ts'
import { AT_OWNER, Exchange, PART_TAKEN, UPWARDS, type Batch } from './exchange.ts'
import { FRAME_LAST, type Frame } from './frame.ts'
import { Gate } from './gate.ts'
import { answerFailure, caught, countFault, failed, giveUp, tally } from './stage-fault.ts'
import { timed } from './hook-times.ts'
import { StageStats } from './stats.ts'
import type { Link, Transform } from './transform.ts'
import { WholeReplies } from './whole-replies.ts'

/** One place in one session's chain: the gates of both lanes around an instance, and what it sees of its neighbours. */
export class Stage implements Link {
  readonly chain: Chain
  index: number
  /** `Exchange.at` of what this stage holds on the way up. */
  indexUp: number
  readonly spec: StageSpec
  transform: Transform
  /** The next stage towards the server that takes requests; null for the sink. */
  below: Stage | null = null
  /** The next stage towards the client that takes replies; null: the owner. */
  above: Stage | null = null
  readonly stats: StageStats
  /** Whose replies they are, too, that go up from here. */
  readonly leaving: StageStats[] = []
  readonly #wholes: WholeReplies
  readonly #calls = new Set<Call>()
  readonly #down: Gate<Batch>
  readonly #up: Gate<Batch | Frame>
  #disposed = false

  constructor(chain: Chain, index: number, spec: StageSpec, previous: Transform | null) {
    this.chain = chain
    this.index = index
    this.indexUp = index + UPWARDS
    this.spec = spec
    this.stats = spec.stats ?? new StageStats()
    this.transform = spec.factory(chain.top.info, previous)
    this.#wholes = new WholeReplies(chain.limits.frameBytesMax)
    this.#down = new Gate<Batch>((batch) => this.#runDown(batch))
    this.#up = new Gate<Batch | Frame>((item) => (Array.isArray(item) ? this.#runUp(item) : this.#runPush(item)))
  }

  /** Where it stands from here on. */
  place(index: number, below: Stage | null, above: Stage | null): void {
    this.index = index
    this.indexUp = index + UPWARDS
    this.below = below
    this.above = above
    this.leaving.length = 0
  }

  /** Neither of its hooks has a promise open, nothing waits here, and it has asked nothing. */
  get isQuiet(): boolean {
    return !this.#down.shut && !this.#up.shut && this.#calls.size === 0 && this.#wholes.size === 0
  }

  enterDown(batch: Batch): void {
    if (this.#down.shut) {
      ownHeld(batch, this.index)
      this.#down.hold(batch)
    } else this.#runDown(batch)
  }

  enterUp(batch: Batch): void {
    if (this.transform.onResponses === undefined && !this.#up.shut) this.#climb(batch)
    else if (this.#up.shut) {
      ownHeld(batch, this.indexUp)
      this.#up.hold(batch)
    } else this.#runUp(batch)
  }

  enterPush(push: Frame): void {
    if (this.#up.shut) this.#up.hold(push.own())
    else this.#runPush(push)
  }

  // --- Link

  get keepsRequests(): boolean {
    return this.chain.keepsRequests
  }

  forward(batch: Batch): void {
    const below = this.below
    if (below === null) throw new Error(`${this.spec.type} is a sink: there is nothing to forward to`)
    const { index, chain } = this
    let mine = batch
    for (let i = 0; i < batch.length; i++) {
      const exchange = batch[i]!
      if (exchange.at !== index || chain.closed) {
        mine = this.#without(batch, i, mine)
        continue
      }
      exchange.at = below.index
      if (mine !== batch) mine.push(exchange)
    }
    if (mine.length !== 0) below.enterDown(mine)
  }

  reply(batch: Batch): void {
    for (let i = 0; i < batch.length; i++)
      if (batch[i]!.response === null && this.#holds(batch[i]!)) throw new Error('it replied without a response')
    this.#climb(this.chain.assembles && this.below === null ? this.#withhold(batch) : batch)
  }

  // Cold: a stage's own request costs a promise
  call(request: Frame): Promise<Frame> {
    const below = this.below
    const { world, limits } = this.chain
    const call = new Call(this.index, limits.frameBytesMax)
    if (below === null || this.#disposed) {
      call.refuse(
        new Error(`${this.spec.type} can't call: ${below === null ? 'it is a sink' : 'the session is closed'}`),
      )
      return call.reply
    }
    const exchange = new Exchange(request.own(), call, below.index, world.clock.now())
    const timer = world.clock.after(limits.callTimeoutMs, () => {
      this.chain.cancel(exchange)
      call.refuse(new Error(`the call of ${this.spec.type} got no reply in time`))
    })
    this.#calls.add(call)
    call.onSettled(() => {
      timer.cancel()
      this.#calls.delete(call)
    })
    below.enterDown([exchange])
    return call.reply
  }

  push(push: Frame): void {
    if (this.above === null) this.chain.top.onPush(push)
    else this.above.enterPush(push)
  }

  forwardPart(exchange: Exchange, part: Frame): void {
    exchange.requestParts?.push(part)
  }

  replyPart(exchange: Exchange, part: Frame): number {
    if (!this.chain.assembles || !this.#wholes.takes(exchange, part)) return exchange.owner.onReplyPart(exchange, part)
    let isWhole = false
    try {
      isWhole = this.#wholes.add(exchange, part)
    } catch (error) {
      this.fail(error as Error)
    }
    if (isWhole) this.#climb([exchange])
    return PART_TAKEN
  }

  silent(exchange: Exchange): void {
    const { stages } = this.chain
    for (let i = this.index - 1; i > exchange.owner.level; i--) stages[i]!.onSilent(exchange)
    exchange.at = AT_OWNER
    exchange.owner.onSilent(exchange)
  }

  replyFailure(batch: Batch, error: Error): void {
    if (this.chain.closed) return
    countFault(this, error)
    answerFailure(this, batch, this.index, error)
    answerFailure(this, batch, this.indexUp, error)
  }

  after(fire: () => void, ms = this.chain.limits.callTimeoutMs): Timer {
    return this.chain.world.clock.after(ms, () => {
      if (!this.#disposed) caught(this, fire)
    })
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

  fail(error: Error): void {
    tally(this)
    giveUp(this, error)
  }

  end(reason: string): void {
    if (!this.chain.spares(this.index, reason, null)) this.chain.top.end(reason)
  }

  close(reason: string): void {
    if (!this.chain.spares(this.index, reason, null)) this.chain.top.abort(reason)
  }

  onPart(exchange: Exchange, part: Frame): void {
    caught(this, () => this.transform.onPart!(exchange, part, this))
  }

  onSilent(exchange: Exchange): void {
    caught(this, () => this.transform.onSilent?.(exchange))
  }

  // Cold: once a large message
  wantsWhole(kind: number): boolean {
    try {
      return this.transform.wants?.(kind) === 'whole'
    } catch (error) {
      countFault(this, error)
      return false
    }
  }

  cancel(exchange: Exchange): void {
    this.#wholes.drop(exchange)
    caught(this, () => this.transform.onCancel?.(exchange))
  }

  spares(reason: string, error: Error | null): boolean {
    let spares = false
    caught(this, () => (spares = this.transform.onEnding?.(reason, error) === true))
    return spares
  }

  flush(): void {
    caught(this, () => this.transform.onFlush?.(this))
  }

  dispose(): void {
    this.#disposed = true
    this.#down.close()
    this.#up.close()
    for (const call of this.#calls) call.refuse(new Error('the session ended'))
    caught(this, () => this.transform.close?.())
  }

  /** Heads of replies that a stage wants whole stay here until their parts have come. */
  #withhold(batch: Batch): Batch {
    const on: Batch = []
    for (let i = 0; i < batch.length; i++) {
      const exchange = batch[i]!
      const reply = exchange.response
      if (reply === null || reply.flags & FRAME_LAST || !this.#holds(exchange) || !this.chain.wantsWhole(reply.kind))
        on.push(exchange)
      else this.#wholes.begin(exchange)
    }
    return on
  }

  #runDown(batch: Batch): void {
    this.stats.entered(batch, this.chain.world.clock.now())
    this.#run(batch, this.index)
  }

  #runUp(batch: Batch): void {
    if (this.transform.onRequests === undefined) this.stats.batches++
    this.#run(batch, this.indexUp)
  }

  #run(batch: Batch, at: number): void {
    if (this.chain.world.turn.isSlow) timed(this, () => this.#hook(batch, at))
    else this.#hook(batch, at)
  }

  #hook(batch: Batch, at: number): void {
    const { transform } = this
    const isDown = at === this.index
    const isSink = isDown && this.below === null
    // The hook may do with its array what it likes: what it takes out is in this one.
    const all = isSink ? batch : batch.slice()
    let promise: void | Promise<void>
    try {
      promise = isDown ? transform.onRequests!(batch, this) : transform.onResponses!(batch, this)
    } catch (error) {
      failed(this, all, at, error)
      return
    }
    if (promise !== undefined) this.#waitFor(promise, all, at, isDown ? this.#down : this.#up)
    else if (!isSink) this.#settle(all, at)
  }

  #runPush(push: Frame): void {
    if (this.transform.onPush === undefined) this.push(push)
    else caught(this, () => this.transform.onPush!(push, this))
  }

  #holds(exchange: Exchange): boolean {
    return (exchange.at === this.index || exchange.at === this.indexUp) && !this.chain.closed
  }

  /** What goes on of a batch, in which `batch[i]` is not the stage's, or stands for the second time. Nearly always it is the batch itself. */
  // Cold: a transform made a mistake, or the session is closed
  #without(batch: Batch, i: number, mine: Batch): Batch {
    this.chain.spec.stats.swallowed++
    return mine === batch ? batch.slice(0, i) : mine
  }

  /** Towards the client: to the next stage that takes replies, or to the owner where it stands lower. */
  #climb(batch: Batch): void {
    const above = this.above
    const top = this.chain.top
    const at = above === null ? AT_OWNER : above.indexUp
    const now = this.chain.world.clock.now()
    let foreign = false
    let mine = batch
    for (let i = 0; i < batch.length; i++) {
      const exchange = batch[i]!
      if (!this.#holds(exchange)) {
        mine = this.#without(batch, i, mine)
        continue
      }
      exchange.at = at
      if (mine !== batch) mine.push(exchange)
      if (exchange.owner !== top) foreign = true
    }
    if (mine.length === 0) return
    if (foreign) this.#climbMixed(mine, above === null ? AT_OWNER : above.index, now)
    else this.#leave(mine, now)
  }

  #climbMixed(batch: Batch, level: number, now: number): void {
    const on: Batch = []
    for (let i = 0; i < batch.length; i++) {
      const exchange = batch[i]!
      if (exchange.owner.level >= level) exchange.owner.onReplies([exchange])
      else on.push(exchange)
    }
    if (on.length !== 0) this.#leave(on, now)
  }

  #leave(batch: Batch, now: number): void {
    batch[0]!.answeredAt ??= now
    for (let i = 0; i < this.leaving.length; i++) this.leaving[i]!.left(batch, now)
    if (this.above === null) this.chain.up(batch, now)
    else this.above.enterUp(batch)
  }

  /** The hook is over: what it kept must be kept rightfully, and bytes that are kept must be its own. */
  #settle(batch: Batch, at: number): void {
    if (ownHeld(batch, at) && this.transform.holds !== true)
      failed(this, batch, at, new Error('it neither forwarded nor answered the request'))
  }

  #waitFor(promise: Promise<void>, batch: Batch, at: number, gate: Gate<Batch> | Gate<Batch | Frame>): void {
    ownHeld(batch, at)
    const { world, limits } = this.chain
    const since = world.clock.now()
    gate.shutUntil(promise, world.clock, limits.callTimeoutMs, (error) => {
      const ms = world.clock.now() - since
      if (ms > limits.hookWaitMs) this.stats.times.over('kept requests waiting', ms, this)
      if (error === null) this.#settle(batch, at)
      else failed(this, batch, at, error)
    })
  }
}

/** What a stage has of the batch, in the lane of this `Exchange.at`, stays: its bytes must be its own. True: there is any. */
function ownHeld(batch: Batch, at: number): boolean {
  let isAny = false
  for (let i = 0; i < batch.length; i++) {
    const exchange = batch[i]!
    if (exchange.at !== at) continue
    exchange.request.own()
    exchange.response?.own()
    isAny = true
  }
  return isAny
}
