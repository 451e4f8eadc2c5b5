/** What a row held, one after the other, as the server saw it; null: there was none. */
interface History {
  readonly states: (string | null)[]
  /** Index of the latest state that some client was told of, or that everybody knows: nobody may read an older one. */
  floor: number
}

/** A read or a write that is under way. */
export interface Begun {
  readonly place: string
  /** A read: the floor when it began. A write: the number of states when it began. */
  readonly from: number
}

/** No read may bring what was there before a write whose reply came before the read began. */
export class CacheChecks {
  /** Reads are judged; where not, something may break of which clients can't be spared. */
  isStrict: boolean
  /** Requests may fail. */
  mayFail: boolean
  readCount = 0
  staleCount = 0
  readonly #histories = new Map<string, History>()

  constructor(isStrict: boolean, mayFail: boolean) {
    this.isStrict = isStrict
    this.mayFail = mayFail
  }

  #history(place: string): History {
    let history = this.#histories.get(place)
    if (history === undefined) this.#histories.set(place, (history = { states: [null], floor: 0 }))
    return history
  }

  /** The server changed a row. */
  changed(place: string, value: string | null): void {
    this.#history(place).states.push(value)
  }

  /** A row's time was over: everybody may know. */
  expired(place: string): void {
    const history = this.#history(place)
    history.states.push(null)
    history.floor = history.states.length - 1
  }

  writes(place: string): Begun {
    return { place, from: this.#history(place).states.length }
  }

  /** The write of `value` was answered. */
  wrote({ place, from }: Begun, value: string | null): void {
    const history = this.#history(place)
    // Of several that took the row away the first is as good as any. One that found none to take changed nothing.
    const index = history.states.indexOf(value, from)
    if (index < 0 && value !== null) throw new Error(`${value} was answered and never written`)
    if (index > history.floor) history.floor = index
  }

  reads(place: string): Begun {
    return { place, from: this.#history(place).floor }
  }

  read({ place, from }: Begun, value: string | null): void {
    const { states } = this.#history(place)
    this.readCount++
    if (states.includes(value, from)) return
    this.staleCount++
    const shown = String(value)
    if (!states.includes(value)) throw new Error(`${place}: ${shown} was read and never written`)
    if (this.isStrict) throw new Error(`${place}: ${shown} was read after ${String(states[from])} had been answered`)
  }
}
