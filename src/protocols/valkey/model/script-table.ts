import type { Asked } from './asked.ts'
import * as plain from './script-plain.ts'
import * as stateful from './script-stateful.ts'
import type { Script } from './script.ts'

/** What a session may do next, and how often. */
export const OPERATIONS: readonly (readonly [weight: number, operation: (script: Script) => readonly Asked[]])[] = [
  [10, plain.ping],
  [10, plain.echo],
  [16, plain.set],
  [16, plain.get],
  [8, plain.increment],
  [4, plain.hash],
  [6, plain.pushAndPop],
  [3, plain.many],
  [3, plain.produce],
  [3, plain.publish],
  [3, plain.unknownCommand],
  [2, plain.wrongType],
  [3, plain.inline],
  [4, stateful.transaction],
  [2, stateful.discard],
  [2, stateful.refusedTransaction],
  [2, stateful.raise],
  [2, stateful.hello],
  [2, stateful.select],
  [2, stateful.replyOff],
  [2, stateful.replySkip],
  [2, stateful.subscribe],
  [2, stateful.selfPublish],
  [2, stateful.name],
  [1, stateful.connectionId],
  [1, stateful.reset],
  [2, stateful.consume],
  [1, stateful.waitForNothing],
]
