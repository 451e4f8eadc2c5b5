import type { Batch, Exchange } from '../../core/exchange.ts'

/** What is done with each exchange of a batch. */
export interface Steps {
  /** Does it, or gives a promise: then it is done again once that has settled. */
  step(exchange: Exchange): Promise<void> | null
  /** What the step, or its promise, fails with. */
  fail(exchange: Exchange, error: unknown): void
  /** Hands on what is done. Called before anything is waited for, and at the end. */
  flush(): void
}

/** Takes the exchanges in turn; all at once where nothing waits. */
export function stepThrough(batch: Batch, steps: Steps, from = 0): void | Promise<void> {
  for (let i = from; i < batch.length; i++) {
    const exchange = batch[i]!
    try {
      const wait = steps.step(exchange)
      if (wait === null) continue
      steps.flush()
      const again = () => stepThrough(batch, steps, i)
      return wait.then(again, (error: unknown) => {
        steps.fail(exchange, error)
        return stepThrough(batch, steps, i + 1)
      })
    } catch (error) {
      steps.fail(exchange, error)
    }
  }
  steps.flush()
}
