import { Violation } from './client.ts'

import type { Request } from './requests.ts'

/** A session's writes take effect in the order in which it sent them: all of them, those to one key, or none. */
export type WriteOrder = 'session' | 'key' | 'none'

interface Write {
  readonly session: number
  readonly order: number
  readonly inTransaction: boolean
  /** The server said so. */
  acknowledged: boolean
  executed: boolean
  isLost: boolean
}

/** What clients wrote and what the server executed, put together. */
export class Journal {
  readonly order: WriteOrder
  readonly #writes = new Map<string, Write>()
  readonly #lastExecuted = new Map<string, number>()

  constructor(order: WriteOrder) {
    this.order = order
  }

  get count(): number {
    return this.#writes.size
  }

  sent(tag: string, session: number, inTransaction = false): void {
    this.#writes.set(tag, {
      session,
      order: this.#writes.size,
      inTransaction,
      acknowledged: false,
      executed: false,
      isLost: false,
    })
  }

  acknowledged(tag: string): void {
    this.#writes.get(tag)!.acknowledged = true
  }

  /** Its client was told that nobody knows: what is on its way may still take effect, at any time. */
  lost(tag: string): void {
    this.#writes.get(tag)!.isLost = true
  }

  /** The server executed a write, whose text is `key=tag:...` or `tag`. */
  executed(request: Request, inTransaction: boolean): void {
    const tag = /(s\d+\.\d+)(:|$)/.exec(request.text.slice(0, 60))?.[1]
    if (tag === undefined) throw new Violation(`a write that nobody sent: ${request.text.slice(0, 60)}`)
    const write = this.#writes.get(tag)
    if (write === undefined) throw new Violation(`${tag} was executed and never sent`)
    if (write.executed) throw new Violation(`${tag} was executed twice`)
    if (write.inTransaction !== inTransaction)
      throw new Violation(`${tag} was executed ${inTransaction ? 'inside' : 'outside'} a transaction or group`)
    write.executed = true
    if (write.isLost) return
    if (this.order === 'none') return
    const line = this.order === 'session' ? `${write.session}` : `${write.session} ${request.text.split('=')[0]}`
    if (write.order < (this.#lastExecuted.get(line) ?? -1))
      throw new Violation(`${tag} was executed behind a later one`)
    this.#lastExecuted.set(line, write.order)
  }

  /** Everything that was acknowledged was executed; in a calm world everything was. */
  finish(): void {
    for (const [tag, { acknowledged, executed }] of this.#writes)
      if (acknowledged && !executed) throw new Violation(`${tag} was acknowledged and never executed`)
  }
}
