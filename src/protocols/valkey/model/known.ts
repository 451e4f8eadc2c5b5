import { aggregate, integerBetween, isNil, type Judge } from './asked.ts'
import { showReply } from './reply-parser.ts'

/** What a session knows of a key that only it writes. Replies come in order, so it is always about the request judged next. */
export class KnownValue {
  /** What the key may hold; null: nothing. One element as long as no write's outcome is unknown. */
  #possible = new Set<string | null>([null])
  /** A write whose outcome is unknown may still come late, after others. */
  #tainted = false

  wrote(value: string | null): void {
    if (this.#tainted) this.#possible.add(value)
    else this.#possible = new Set([value])
  }

  /** A write of `value` may have been executed, or may be yet. */
  unknown(value: string | null): void {
    this.#tainted = true
    this.#possible.add(value)
  }

  /** The reply to a read. */
  judge(version: 2 | 3): Judge {
    return (reply) => {
      const value = isNil(reply, version) ? null : reply.type === '$' ? reply.text : undefined
      if (value !== undefined && this.#possible.has(value)) return null
      const shown = [...this.#possible].map((one) => (one === null ? 'nil' : one.slice(0, 40)))
      return `expected one of ${shown.join(', ')}, got ${showReply(reply)}`
    }
  }
}

/** What a session knows of a counter that only it increments, by one each time. */
export class KnownCounter {
  #low = 0
  #high = 0

  /** The reply to an increment: executed twice, or not at all, shows. */
  judge(): Judge {
    return (reply) =>
      integerBetween(this.#low + 1, this.#high + 1, (value) => {
        // Those of unknown outcome may still come.
        this.#low = value
        this.#high++
      })(reply)
  }

  unknown(): void {
    this.#high++
  }
}

/** What a session knows of a list that only it pushes to on the right and pops from the left. */
export class KnownList {
  #items: string[] = []
  #tainted = false

  pushed(item: string): void {
    this.#items.push(item)
  }

  unknownPush(item: string): void {
    this.#tainted = true
    this.#items.push(item)
  }

  unknownPop(): void {
    this.#tainted = true
  }

  /** The reply to a pop; `wrap` for commands that name the key, too. */
  judge(version: 2 | 3, key: string | null): Judge {
    return (reply) => {
      if (isNil(reply, version))
        return this.#items.length === 0 || this.#tainted ? null : `nil, but ${this.#items[0]} is there`
      const item = key === null ? reply.text : (reply.items?.[1]?.text ?? null)
      const at = item === null ? -1 : this.#items.indexOf(item)
      if (at === -1 || (at > 0 && !this.#tainted)) return `expected ${this.#items[0]} first, got ${showReply(reply)}`
      this.#items.splice(at, 1)
      if (key === null) return null
      return aggregate('*', [(first) => (first.text === key ? null : `not from ${key}`), () => null])(reply)
    }
  }
}
