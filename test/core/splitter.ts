import { Branch } from '../../src/core/branch.ts'
import { chainFactory } from '../../src/core/chain-factory.ts'
import type { ChainSpec } from '../../src/core/chain.ts'
import type { Batch, Exchange } from '../../src/core/exchange.ts'
import type { Frame } from '../../src/core/frame.ts'
import type { SubChainSettings } from '../../src/core/sub-chain.ts'
import type { Link, SessionInfo, Transform } from '../../src/core/transform.ts'

/** Ends a chain: deals its requests to chains of its own, as `choose` says. */
export class Splitter implements Transform {
  readonly holds = true
  readonly #branches: Branch[]
  readonly #choose: (exchange: Exchange) => number

  /** `choose`: index of the branch that an exchange takes. */
  constructor(
    info: SessionInfo,
    settings: SubChainSettings,
    specs: ChainSpec[],
    choose: (exchange: Exchange) => number,
  ) {
    this.#branches = specs.map(
      (spec) =>
        new Branch(
          chainFactory(() => spec, null, settings),
          info,
        ),
    )
    this.#choose = choose
  }

  onRequests(batch: Batch, link: Link): void {
    const dealt: Batch[] = this.#branches.map(() => [])
    for (const exchange of batch) dealt[this.#choose(exchange)]!.push(exchange)
    for (const [index, some] of dealt.entries()) if (some.length > 0) this.#branches[index]!.send(some, link)
  }

  onPart(exchange: Exchange, part: Frame): void {
    for (const branch of this.#branches) branch.onPart(exchange, part)
  }

  onCancel(): void {
    for (const branch of this.#branches) branch.cancel()
  }

  onFlush(): void {
    for (const branch of this.#branches) branch.flush()
  }

  wants(kind: number): 'head' | 'whole' {
    return this.#branches.some((branch) => branch.wantsWhole(kind)) ? 'whole' : 'head'
  }

  close(): void {
    for (const branch of this.#branches) branch.close()
  }
}
