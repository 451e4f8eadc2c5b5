// Hot path

/** First in, first out, in an array of a power of two that grows; no allocation while it does not grow. */
export class Ring<T> {
  #items: (T | undefined)[] = new Array(16).fill(undefined)
  #head = 0
  #length = 0

  get length(): number {
    return this.#length
  }

  push(item: T): void {
    if (this.#length === this.#items.length) this.#grow()
    this.#items[(this.#head + this.#length) & (this.#items.length - 1)] = item
    this.#length++
  }

  /** The oldest, or undefined where there is none. */
  peek(): T | undefined {
    return this.#items[this.#head]
  }

  /** The one `index` places behind the oldest. */
  at(index: number): T | undefined {
    return index < this.#length ? this.#items[(this.#head + index) & (this.#items.length - 1)] : undefined
  }

  /** The newest, or undefined where there is none. */
  last(): T | undefined {
    return this.at(this.#length - 1)
  }

  shift(): T | undefined {
    if (this.#length === 0) return undefined
    const item = this.#items[this.#head]
    this.#items[this.#head] = undefined
    this.#head = (this.#head + 1) & (this.#items.length - 1)
    this.#length--
    return item
  }

  /** Takes everything out, oldest first. */
  takeAll(): T[] {
    const all: T[] = []
    for (let item = this.shift(); item !== undefined; item = this.shift()) all.push(item)
    return all
  }

  #grow(): void {
    const size = this.#items.length
    const items: (T | undefined)[] = new Array(size * 2).fill(undefined)
    for (let i = 0; i < size; i++) items[i] = this.#items[(this.#head + i) & (size - 1)]
    this.#items = items
    this.#head = 0
  }
}
