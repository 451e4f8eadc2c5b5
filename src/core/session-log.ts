import type { Log } from './kind.ts'

/** The log of one connection. It is made with its first line, which few connections ever have. */
export class SessionLog implements Log {
  readonly #open: (id: number) => Log
  readonly #id: number
  #log: Log | null = null

  constructor(open: (id: number) => Log, id: number) {
    this.#open = open
    this.#id = id
  }

  debug(message: string, fields?: Record<string, unknown>): void {
    this.#opened.debug(message, fields)
  }
  info(message: string, fields?: Record<string, unknown>): void {
    this.#opened.info(message, fields)
  }
  warn(message: string, fields?: Record<string, unknown>): void {
    this.#opened.warn(message, fields)
  }
  error(message: string, fields?: Record<string, unknown>): void {
    this.#opened.error(message, fields)
  }

  get #opened(): Log {
    return (this.#log ??= this.#open(this.#id))
  }
}
