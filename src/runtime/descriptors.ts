import { closeSync, openSync, readFileSync } from 'node:fs'

/** What clients leave for connections to servers, files and the like. */
const RESERVE = 32
/** One client takes its own, and at times another one for a connection to a server. */
const CLIENTS_PER_LOOK = RESERVE / 4

/** How many file descriptors this process may have open; null where the system does not tell. */
export function descriptorLimit(): number | null {
  try {
    const line = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))
    return line === null ? null : Number(line[1])
  } catch {
    return null
  }
}

/**
 * Are there file descriptors left for clients? When there are none the runtime accepts those who wait, closes them, and tells
 * nobody; so accepting must stop before that. What is left is found out by taking it: counting what is in use takes as long as there
 * are clients.
 */
export class Descriptors {
  readonly #open: () => number
  #clients = 0

  /** `open`: opens something, and returns the number of the descriptor. */
  constructor(open: () => number = () => openSync('/dev/null', 'r')) {
    this.#open = open
  }

  /** A client was accepted. Is it time to stop? Looks only now and then. */
  shortAfterClient(): boolean {
    if (this.#clients++ % CLIENTS_PER_LOOK !== 0) return false
    return this.short()
  }

  /** Fewer than the reserve are left. */
  short(): boolean {
    const opened: number[] = []
    try {
      while (opened.length < RESERVE) opened.push(this.#open())
      return false
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      return code === 'EMFILE' || code === 'ENFILE'
    } finally {
      for (const one of opened) closeSync(one)
    }
  }
}
