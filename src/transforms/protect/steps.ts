import type { Batch, Exchange } from '../../core/exchange.ts'
import type { Frame } from '../../core/frame.ts'
import type { Link } from '../../core/transform.ts'

/** What is done with each exchange of a batch. */
export interface Steps {
  /** Does it, or gives a promise: then it is done again once that has settled. */
  step(exchange: Exchange): Promise<void> | null
  /** What the client is told where the step, or its promise, failed with this. */
  refuse(exchange: Exchange, error: unknown): Frame
}

/** Takes requests, or replies, in turn; all at once where nothing waits. What is done goes on, what failed to the client. */
export function stepThrough(batch: Batch, link: Link, steps: Steps): void | Promise<void> {
  let toServer: Batch = []
  let toClient: Batch = []
  const handOn = () => {
    const [requests, replies] = [toServer, toClient]
    toServer = []
    toClient = []
    if (replies.length !== 0) link.reply(replies)
    if (requests.length !== 0) link.forward(requests)
  }
  const fail = (exchange: Exchange, error: unknown) => {
    exchange.response = steps.refuse(exchange, error)
    toClient.push(exchange)
  }
  const takeFrom = (first: number): void | Promise<void> => {
    for (let i = first; i < batch.length; i++) {
      const exchange = batch[i]!
      try {
        const wait = steps.step(exchange)
        if (wait === null) {
          if (exchange.response === null) toServer.push(exchange)
          else toClient.push(exchange)
          continue
        }
        handOn()
        return wait.then(
          () => takeFrom(i),
          (error: unknown) => {
            fail(exchange, error)
            return takeFrom(i + 1)
          },
        )
      } catch (error) {
        fail(exchange, error)
      }
    }
    handOn()
  }
  return takeFrom(0)
}
