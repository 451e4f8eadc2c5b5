import { causesOf, LateError } from '../base/errors.ts'
import type { Batch } from './exchange.ts'
import { answerWithFailure, failureText } from './failure.ts'
import type { Stage } from './stage.ts'

// What becomes of the errors of hooks: they are counted and logged with the name of the transform, and end there.

export function whatFailed({ spec, chain }: Stage): string {
  return `Transform ${spec.type} named ${spec.name} failed in chain ${chain.spec.name}`
}

export function tally({ stats, chain }: Stage): void {
  stats.failures++
  chain.spec.stats.failures++
}

export function countFault(stage: Stage, error: unknown): void {
  tally(stage)
  stage.chain.log.error(whatFailed(stage), {
    error: error instanceof Error ? (error.stack ?? error.message) : String(error),
  })
}

/** Runs a hook; what it throws goes no further. */
export function caught(stage: Stage, hook: () => void): void {
  try {
    hook()
  } catch (error) {
    countFault(stage, error)
  }
}

/** Ends the session with the error, unless a stage further up would have it go on. */
export function giveUp(stage: Stage, error: unknown): void {
  const { chain, index } = stage
  const failure = new Error(whatFailed(stage), { cause: error })
  if (!chain.spares(index, 'failed', failure)) chain.top.fail(failure)
}

/** A hook threw, or hung: what of the batch is still here, in the lane of this `Exchange.at`, is answered; nothing else is touched. */
export function failed(stage: Stage, batch: Batch, at: number, thrown: unknown): void {
  countFault(stage, thrown)
  answerFailure(stage, batch, at, thrown instanceof Error ? thrown : new Error(String(thrown)))
}

export function answerFailure(stage: Stage, batch: Batch, at: number, error: Error): void {
  const { spec, top } = stage.chain
  const kind = error instanceof LateError ? 'timeout' : 'internal'
  const message = failureText(spec.name, [whatFailed(stage), ...causesOf(error)], false)
  const mine = batch.filter((exchange) => exchange.at === at)
  if (!answerWithFailure(mine, top.info.protocol, kind, message)) giveUp(stage, error)
  else if (mine.length !== 0) stage.reply(mine)
}
