import { tagIn, type Fact, type Journal } from '../protocols/valkey/model/journal.ts'

/** A promise that was broken, in words. */
export class Violation extends Error {}

interface Sent extends Fact {
  /** Order in which its session sent it. */
  readonly order: number
  settled: boolean
  /** Order in which the server executed it; -1: not yet. */
  executed: number
}

interface Receipt {
  readonly receiver: number
  readonly channel: string
  readonly record: Sent
}

/**
 * What must hold over a whole run, from both ends: what clients sent and saw, and what the server executed. A session's own
 * replies are judged by the model client; here stands what only shows when all are put together.
 */
export class Checks implements Journal {
  faulty: boolean
  pushesMayBeLate = false
  note: ((text: string) => void) | null = null
  /** Tagged requests that were sent, and those that were executed. */
  sentCount = 0
  executedCount = 0
  readonly #records = new Map<string, Sent>()
  readonly #taken = new Set<string>()
  readonly #raised = new Set<string>()
  readonly #counters = new Map<number, number>()
  readonly #receipts: Receipt[] = []
  readonly #received = new Set<string>()

  constructor(faulty: boolean) {
    this.faulty = faulty
  }

  violation(text: string): never {
    throw new Violation(text)
  }

  sent(tag: string, fact: Fact): void {
    this.#records.set(tag, { ...fact, order: this.sentCount++, settled: false, executed: -1 })
  }

  settled(tag: string): void {
    this.#records.get(tag)!.settled = true
  }

  #known(tag: string): Sent {
    return this.#records.get(tag) ?? this.violation(`${tag} appeared and was never sent`)
  }

  /** The server executes a command. */
  executed(database: number, args: readonly Buffer[], inTransaction: boolean): void {
    const value = args.at(-1)!.subarray(0, 40).toString('latin1')
    const name = args[0]!.toString('latin1').toUpperCase()
    if (name === 'SET' && args[1]!.toString('latin1') === 'raised') this.#raise(database, Number(value), inTransaction)
    const tag = tagIn(value)
    if (tag === null) return
    const record = this.#known(tag)
    if (record.executed !== -1) this.violation(`${tag} was executed twice: ${name}`)
    if (record.kind === 'never') this.violation(`${tag} was executed although its transaction was given up: ${name}`)
    if (record.kind === 'transaction' && !inTransaction) this.violation(`${tag} was executed outside its transaction`)
    if (!record.key.startsWith(`${database}/`))
      this.violation(`${tag} for ${record.key} was executed in database ${database}`)
    record.executed = this.executedCount++
  }

  #raise(database: number, value: number, inTransaction: boolean): void {
    const before = this.#counters.get(database) ?? 0
    if (!inTransaction) this.violation(`a watched counter was set to ${value} outside the transaction`)
    if (value !== before + 1) this.violation(`a watched counter went from ${before} to ${value}: an update was lost`)
    this.#counters.set(database, value)
  }

  raised(counter: string, value: number): void {
    const place = `${counter}=${value}`
    if (this.#raised.has(place)) this.violation(`two transactions both raised ${place}`)
    this.#raised.add(place)
  }

  taken(tag: string): void {
    const record = this.#known(tag)
    if (!record.key.endsWith('/queue')) this.violation(`${tag} came out of a queue that it was never put in`)
    if (this.#taken.has(tag)) this.violation(`${tag} was given to two consumers`)
    this.#taken.add(tag)
  }

  received(receiver: number, channel: string, tag: string): void {
    const record = this.#known(tag)
    if (!record.key.endsWith(`/${channel}`)) this.violation(`${tag} for ${record.key} came on ${channel}`)
    const place = `${receiver}/${tag}`
    if (this.#received.has(place)) this.violation(`session ${receiver} got ${tag} twice`)
    this.#received.add(place)
    this.#receipts.push({ receiver, channel, record })
  }

  /** What shows only at the end. Requests of unknown outcome may be executed late, so they have no order. */
  finish(): void {
    const settled = [...this.#records].filter(([, record]) => record.settled)
    for (const [tag, record] of settled)
      if (record.kind !== 'never' && record.executed === -1) this.violation(`${tag} was answered and never executed`)
    const last = new Map<string, number>()
    const inOrder = (place: string, order: number) => {
      if ((last.get(place) ?? -1) > order) this.violation(`out of order: ${place}`)
      last.set(place, order)
    }
    const executed = settled.map(([, record]) => record).filter((record) => record.executed !== -1)
    for (const record of executed.sort((a, b) => a.executed - b.executed))
      inOrder(`writes of session ${record.session} to ${record.key}`, record.order)
    for (const { receiver, channel, record } of this.#receipts)
      if (record.settled) inOrder(`messages of session ${record.session} to ${receiver} on ${channel}`, record.order)
  }
}
