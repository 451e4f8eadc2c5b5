/** What happened, as a hash that two equal runs share, and as lines where they are asked for. */
export class Trace {
  /** One line an event; null: only the hash is kept. */
  readonly lines: string[] | null
  /** Events noted. */
  count = 0
  #low = 0x811c9dc5 | 0
  #high = 0x2c1b3c6d | 0

  constructor(keepLines: boolean) {
    this.lines = keepLines ? [] : null
  }

  /** Notes an event of object `id`; `amount` and `content` are whatever tells it from another one. */
  note(atMs: number, what: string, id: number, amount: number, content = 0): void {
    this.count++
    // Simulated times have fractions: thousandths of a millisecond tell them apart.
    this.#mix(Math.round(atMs * 1000))
    for (let i = 0; i < what.length; i++) this.#mix(what.charCodeAt(i))
    this.#mix(id)
    this.#mix(amount)
    this.#mix(content)
    this.lines?.push(`${atMs.toFixed(3)} ${what} #${id} ${amount}`)
  }

  /** A line for a reader; it has no part in the hash. */
  remark(atMs: number, text: string): void {
    this.lines?.push(`${atMs.toFixed(3)} ${text}`)
  }

  #mix(value: number): void {
    this.#low = Math.imul(this.#low ^ (value | 0), 0x01000193)
    this.#high = Math.imul(this.#high ^ (value | 0), 0x5bd1e995) ^ (this.#high >>> 15)
  }

  get hash(): string {
    return (this.#high >>> 0).toString(16).padStart(8, '0') + (this.#low >>> 0).toString(16).padStart(8, '0')
  }
}
