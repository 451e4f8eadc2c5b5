import { write, writeSync } from 'node:fs'

/** Where finished lines go. */
export interface LineWriter {
  write(line: string): void
  /** Resolves when everything written has left, or after `timeoutMs`. */
  flush(timeoutMs: number): Promise<void>
  /** How many lines were dropped since it was last asked; 0 while there is still no room. */
  takeDropped(): number
}

/** What may wait for a reader that does not read, in characters; further lines are dropped and counted. */
const QUEUED_MAX = 4 * 1024 * 1024
const RETRY_MS = 10

/**
 * Lines to standard output without ever waiting for its reader. `process.stdout` would: it writes to pipes synchronously, so that
 * a reader which stalls stalls the proxy.
 */
export class StdoutWriter implements LineWriter {
  readonly #fd: number
  #queued: string[] = []
  #queuedSize = 0
  #writing: Buffer | null = null
  #scheduled = false
  #gone = false
  /** The last write failed, and the next one may not. */
  #failing = false
  #dropped = 0
  #waiting: (() => void)[] = []

  constructor(fd = 1) {
    this.#fd = fd
    process.once('exit', () => this.#writeRest())
  }

  write(line: string): void {
    if (this.#gone) return
    if (this.#queuedSize + line.length > QUEUED_MAX) {
      this.#dropped++
      return
    }
    this.#queued.push(line)
    this.#queuedSize += line.length
    if (this.#scheduled || this.#writing !== null) return
    this.#scheduled = true
    queueMicrotask(() => {
      this.#scheduled = false
      this.#next()
    })
  }

  async flush(timeoutMs: number): Promise<void> {
    if (this.#idle()) return
    let timer: NodeJS.Timeout | undefined
    await new Promise<void>((resolve) => {
      this.#waiting.push(resolve)
      timer = setTimeout(resolve, timeoutMs)
      this.#next()
    })
    clearTimeout(timer)
  }

  takeDropped(): number {
    if (this.#dropped === 0 || this.#failing || this.#queuedSize > QUEUED_MAX / 2) return 0
    const dropped = this.#dropped
    this.#dropped = 0
    return dropped
  }

  #idle(): boolean {
    return this.#gone || (this.#queued.length === 0 && this.#writing === null)
  }

  #next(): void {
    if (this.#writing !== null || this.#gone) return
    if (this.#queued.length === 0) {
      for (const resolve of this.#waiting.splice(0)) resolve()
      return
    }
    this.#writing = this.#take()
    this.#writeOn(this.#writing)
  }

  #take(): Buffer {
    const bytes = Buffer.from(this.#queued.join(''))
    this.#queued = []
    this.#queuedSize = 0
    return bytes
  }

  #writeOn(bytes: Buffer): void {
    write(this.#fd, bytes, 0, bytes.length, null, (error, written) => {
      if (error?.code === 'EAGAIN') {
        setTimeout(() => this.#writeOn(bytes), RETRY_MS)
        return
      }
      if (error?.code === 'EPIPE' || error?.code === 'EBADF') {
        this.#end()
        return
      }
      this.#failing = error !== null && error !== undefined
      if (this.#failing) {
        // The disk is full, say: these lines are lost, and later ones are tried again.
        this.#dropped += countLines(bytes)
        this.#writing = null
        this.#next()
        return
      }
      this.#writing = written < bytes.length ? bytes.subarray(written) : null
      if (this.#writing !== null) this.#writeOn(this.#writing)
      else this.#next()
    })
  }

  /** Nobody reads any more, or there never was anything to write to: the proxy goes on without its log. */
  #end(): void {
    this.#gone = true
    this.#writing = null
    this.#queued = []
    for (const resolve of this.#waiting.splice(0)) resolve()
  }

  /** The process ends without a flush: what has not been handed to the system yet is written now. */
  #writeRest(): void {
    if (this.#gone || this.#queued.length === 0) return
    try {
      writeSync(this.#fd, this.#take())
    } catch {
      this.#gone = true
    }
  }
}

function countLines(bytes: Buffer): number {
  let count = 0
  for (let at = bytes.indexOf(10); at >= 0; at = bytes.indexOf(10, at + 1)) count++
  return count
}
