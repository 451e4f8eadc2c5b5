import { createWriteStream, openSync, type WriteStream } from 'node:fs'
import { systemErrorText } from '../base/errors.ts'
import type { Counter, Log, Metrics } from '../core/kind.ts'

/** What may wait for a slow disk; what is more is dropped. */
const WAITING_BYTES_MAX = 8 * 1024 * 1024

/** The file of the access log. */
export class AccessLogFile {
  readonly #stream: WriteStream
  readonly #dropped: Counter
  #failed = false

  /** Appends to the file at `path`, which is made where there is none. Throws where it can't be opened. */
  constructor(path: string, log: Log, metrics: Metrics) {
    this.#dropped = metrics.counter('shotover_access_log_dropped_count', {})
    this.#stream = createWriteStream(path, { fd: open(path) })
    this.#stream.on('error', (error) => {
      // Whether the disk is full or gone, clients are served.
      if (!this.#failed) log.error(`the access log ${path} can't be written any more: ${systemErrorText(error)}`)
      this.#failed = true
    })
  }

  write(lines: string): void {
    if (this.#failed || this.#stream.writableLength > WAITING_BYTES_MAX) this.#dropped.add(countLines(lines))
    else this.#stream.write(lines)
  }

  /** Resolves when everything is written, or can't be. */
  close(): Promise<void> {
    if (this.#failed) return Promise.resolve()
    return new Promise((resolve) => {
      this.#stream.once('error', () => resolve())
      this.#stream.end(() => resolve())
    })
  }
}

function open(path: string): number {
  try {
    return openSync(path, 'a')
  } catch (error) {
    throw new Error(`Couldn't open the access log ${path}`, { cause: new Error(systemErrorText(error as Error)) })
  }
}

function countLines(lines: string): number {
  let count = 0
  for (let at = lines.indexOf('\n'); at !== -1; at = lines.indexOf('\n', at + 1)) count++
  return count
}
