/** Lines that say the same, in one window, before the rest of them is only counted. */
const LINES_MAX = 10
const WINDOW_MS = 10_000
/** Different lines that are told apart at a time; those beyond count as one. */
const KINDS_MAX = 256
const OTHERS = 'others'
/** What a client sent, in a text that says so. */
const QUOTED = /'[^']*'/g

interface Window {
  written: number
  heldBack: number
  /** Says how many were held back. */
  readonly tell: (count: number, seconds: number) => void
}

/**
 * Keeps a log readable when the same thing happens to thousands of clients: of lines that say the same, ten in ten seconds are
 * written, and at the end of these one that says how many more there were.
 */
export class Repeats {
  readonly #windows = new Map<string, Window>()

  /** May this line be written? If not, it is counted; `tell` is called with the count once the window ends. */
  take(line: string, tell: (count: number, seconds: number) => void): boolean {
    let kind = line.replaceAll(QUOTED, "''")
    if (this.#windows.size >= KINDS_MAX && !this.#windows.has(kind)) kind = OTHERS
    let window = this.#windows.get(kind)
    if (window === undefined) {
      window = { written: 0, heldBack: 0, tell }
      this.#windows.set(kind, window)
      setTimeout(() => this.#end(kind), WINDOW_MS).unref()
    }
    if (window.written === LINES_MAX) {
      window.heldBack++
      return false
    }
    window.written++
    return true
  }

  /** The process ends: tells what was held back so far. */
  endAll(): void {
    for (const kind of [...this.#windows.keys()]) this.#end(kind)
  }

  #end(kind: string): void {
    const window = this.#windows.get(kind)
    this.#windows.delete(kind)
    if (window !== undefined && window.heldBack > 0) window.tell(window.heldBack, WINDOW_MS / 1000)
  }
}
