import type { Stage } from './stage.ts'

/** The same place in a chain is named at most so often. */
const WARN_EVERY_MS = 10_000

/** How long the hooks of one place in a chain take: what is over its budget is logged, with the transform's name. */
export class HookTimes {
  #warnedAt = -Infinity
  /** Calls over budget that were not logged. */
  #unsaid = 0

  /** `what` it did in one call for `ms` milliseconds: more than it should. */
  over(what: string, ms: number, { spec, chain }: Stage): void {
    const now = chain.world.clock.now()
    if (now - this.#warnedAt < WARN_EVERY_MS) {
      this.#unsaid++
      return
    }
    const more = this.#unsaid === 0 ? '' : `; ${this.#unsaid} more calls since this was said last`
    this.#warnedAt = now
    this.#unsaid = 0
    const { type, name } = spec
    chain.log.warn(
      `Transform ${type} named ${name} in chain ${chain.spec.name} ${what} for ${Math.round(ms)} ms in one call${more}`,
    )
  }
}

/** Runs a hook of `stage` and looks how long it takes by itself, without those of other stages that it hands on to. */
export function timed(stage: Stage, run: () => void): void {
  const { chain } = stage
  const { clock, turn } = chain.world
  const outer = chain.innerMs
  chain.innerMs = 0
  const since = clock.exact()
  run()
  const took = clock.exact() - since
  const own = took - chain.innerMs
  chain.innerMs = outer + took
  const max = chain.limits.hookBlockMs
  // A thread that others keep from the processor is nobody's fault.
  if (own > max && turn.computedMs() > max) stage.stats.times.over('blocked its thread', own, stage)
}
