import { Chain, type ChainSpec, type ChainTop } from '../../src/core/chain.ts'
import { AT_OWNER, Exchange, type Batch } from '../../src/core/exchange.ts'
import type { Frame } from '../../src/core/frame.ts'
import type { Limits, Log } from '../../src/core/kind.ts'
import type { Link, SessionInfo, Transform } from '../../src/core/transform.ts'
import type { World } from '../../src/world/world.ts'

/** What a splitter needs to open chains of its own. */
export interface Around {
  readonly world: World
  readonly limits: Limits
  readonly log: Log
}

/** Ends a chain: deals its requests to chains of its own. Only tests have it; Tee and its kin are made in the same way. */
export class Splitter implements Transform {
  readonly holds = true
  readonly #branches: Branch[]
  readonly #choose: (exchange: Exchange) => number
  #link: Link | null = null

  /** `choose`: index of the branch that an exchange takes. */
  constructor(info: SessionInfo, around: Around, specs: ChainSpec[], choose: (exchange: Exchange) => number) {
    this.#branches = specs.map((spec) => new Branch(info, around, spec, () => this.#link!))
    this.#choose = choose
  }

  onRequests(batch: Batch, link: Link): void {
    this.#link = link
    const dealt: Batch[] = this.#branches.map(() => [])
    for (const exchange of batch) {
      const index = this.#choose(exchange)
      dealt[index]!.push(this.#branches[index]!.stand(exchange))
    }
    this.#branches.forEach((branch, index) => branch.down(dealt[index]!))
  }

  onPart(exchange: Exchange, part: Frame): void {
    for (const branch of this.#branches) branch.showPart(exchange, part)
  }

  onCancel(exchange: Exchange): void {
    for (const branch of this.#branches) branch.cancel(exchange)
  }

  onFlush(): void {
    for (const branch of this.#branches) branch.chain.flush()
  }

  wants(kind: number): 'head' | 'whole' {
    return this.#branches.some((branch) => branch.chain.wantsWhole(kind)) ? 'whole' : 'head'
  }

  close(): void {
    for (const branch of this.#branches) branch.chain.close()
  }
}

/** One of the chains within: what stands above it is the splitter. */
class Branch implements ChainTop {
  readonly level = AT_OWNER
  readonly keepsRequests = true
  readonly info: SessionInfo
  readonly chain: Chain
  readonly #link: () => Link
  readonly #open = new Set<Exchange>()

  constructor(info: SessionInfo, { world, limits, log }: Around, spec: ChainSpec, link: () => Link) {
    this.info = info
    this.#link = link
    this.chain = new Chain(spec, this, world, limits, log)
  }

  /** The exchange that stands for `outer` in this chain: the same request, and the same pipe for the rest of it. */
  stand(outer: Exchange): Exchange {
    const exchange = new Exchange(outer.request, this, AT_OWNER, outer.since)
    exchange.outer = outer
    exchange.requestParts = outer.requestParts
    outer.onReplyDrain = () => exchange.onReplyDrain?.()
    this.#open.add(exchange)
    return exchange
  }

  down(batch: Batch): void {
    if (batch.length > 0) this.chain.down(batch)
  }

  showPart(outer: Exchange, part: Frame): void {
    for (const exchange of this.#open) if (exchange.outer === outer) this.chain.showPart(exchange, part)
  }

  cancel(outer: Exchange): void {
    for (const exchange of this.#open) {
      if (exchange.outer !== outer) continue
      this.#open.delete(exchange)
      this.chain.cancel(exchange)
    }
  }

  onReplies(batch: Batch): void {
    const replies: Batch = []
    for (const exchange of batch) {
      const outer = exchange.outer!
      outer.response = exchange.response
      outer.state = exchange.state
      if (exchange.response!.whole) this.#open.delete(exchange)
      replies.push(outer)
    }
    this.#link().reply(replies)
  }

  onReplyPart(exchange: Exchange, part: Frame): number {
    exchange.outer!.state = exchange.state
    return this.#link().replyPart(exchange.outer!, part)
  }

  onSilent(exchange: Exchange): void {
    this.#open.delete(exchange)
    this.#link().silent(exchange.outer!)
  }

  onPush(push: Frame): void {
    this.#link().push(push)
  }

  stop(): void {
    this.#link().stop()
  }
  go(): void {
    this.#link().go()
  }
  fail(error: Error): void {
    this.#link().fail(error)
  }
  end(reason: string): void {
    this.#link().end(reason)
  }
  abort(reason: string): void {
    this.#link().close(reason)
  }
}
