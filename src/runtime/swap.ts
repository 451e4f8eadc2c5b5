import type { BuiltSource, BuiltTopology, Edition } from '../config/build.ts'
import type { CheckedTopology } from '../config/checked.ts'
import type { StageSpec } from '../core/chain.ts'
import type { Clock, Timer } from '../world/world.ts'
import { onProbation, Probation, PROBATION_MS } from './probation.ts'

/** Other stages for one source, and those that they come in the place of. */
interface Change {
  readonly built: BuiltSource
  readonly before: Edition
  readonly after: Edition
}

interface Prepared {
  readonly probation: Probation
  readonly changes: Change[]
}

/**
 * Other stages for the sources of one thread, in two phases, so that all threads have them or none: `prepare` makes them, `commit` gives
 * them to the sessions. For a while the stages before are kept: `revert` gives them back.
 */
export class Swap {
  readonly #built: BuiltTopology
  readonly #clock: Clock
  readonly #onGivenUp: (swap: number, error: unknown) => void
  #prepared: Prepared | null = null
  /** What was committed last, as long as it may be reverted. */
  #committed: Prepared | null = null
  #watch: Timer | null = null
  /** Sources some of whose sessions may have stages of before. */
  readonly #renewing = new Set<BuiltSource>()
  /** Stages that are wanted no more, to be retired when no session has them. */
  readonly #leaving = new Map<BuiltSource, StageSpec[]>()

  /** `onGivenUp`: what was committed throws too often; with the number that it was prepared under. */
  constructor(built: BuiltTopology, clock: Clock, onGivenUp: (swap: number, error: unknown) => void) {
    this.#built = built
    this.#clock = clock
    this.#onGivenUp = onGivenUp
  }

  /** Makes the stages that `topology`, with the same sources, has otherwise. Throws what a kind throws that can't be made. */
  async prepare(topology: CheckedTopology, swap: number): Promise<void> {
    this.abandon()
    const probation = new Probation(this.#clock, (error) => this.#onGivenUp(swap, error))
    const prepared: Prepared = { probation, changes: [] }
    this.#prepared = prepared
    for (const [i, built] of this.#built.sources.entries()) {
      const before = built.now
      const after = await built.rebuild(topology.sources[i], (next, running) => onProbation(next, running, probation))
      if (this.#prepared !== prepared) {
        built.retire(newIn(after, before))
        throw new Error('it came too late')
      }
      if (newIn(after, before).length !== 0) prepared.changes.push({ built, before, after })
    }
  }

  /** What was prepared is not wanted. */
  abandon(): void {
    for (const { built, before, after } of this.#prepared?.changes ?? []) built.retire(newIn(after, before))
    this.#prepared = null
  }

  /** Gives the sessions what was prepared. */
  commit(): void {
    this.#accept()
    this.#committed = this.#prepared
    this.#prepared = null
    this.#watch = this.#clock.after(PROBATION_MS, () => this.#accept())
    for (const { built, after } of this.#committed?.changes ?? []) this.#renew(built, after)
  }

  /** Gives the sessions back what they had before the last commit. Where that can't be reverted `topology` is made and given. */
  async revert(topology: CheckedTopology): Promise<void> {
    const committed = this.#committed
    this.#committed = null
    this.#watch?.cancel()
    if (committed === null) {
      await this.prepare(topology, 0)
      this.commit()
      return
    }
    for (const { built, before, after } of committed.changes) {
      this.#leave(built, newIn(after, before))
      this.#renew(built, before)
    }
  }

  /** The last commit stands. */
  #accept(): void {
    this.#watch?.cancel()
    const committed = this.#committed
    if (committed === null) return
    this.#committed = null
    committed.probation.end()
    for (const { built, before, after } of committed.changes) {
      this.#leave(built, newIn(before, after))
      if (!this.#renewing.has(built)) this.#retire(built)
    }
  }

  #leave(built: BuiltSource, stages: readonly StageSpec[]): void {
    this.#leaving.set(built, [...(this.#leaving.get(built) ?? []), ...stages])
  }

  #renew(built: BuiltSource, edition: Edition): void {
    built.now = edition
    this.#renewing.add(built)
    built.source.renew(edition.chain, () => {
      this.#renewing.delete(built)
      this.#retire(built)
    })
  }

  #retire(built: BuiltSource): void {
    built.retire(this.#leaving.get(built) ?? [])
    this.#leaving.delete(built)
  }
}

/** Stages that the one has and the other has not. */
function newIn(one: Edition, other: Edition): StageSpec[] {
  return one.stages.filter((stage) => !other.stages.includes(stage))
}
