import { createHash } from 'node:crypto'
import { readFile, stat } from 'node:fs/promises'

/** So often the files are looked at. */
const LOOK_MS = 250

interface Watched {
  /** When, how large and which it was when it was looked at last. */
  seen: string
  /** What was in it when it was last said to have changed, or was first watched; null: it was not there. */
  digest: string | null
  /** It looks different since the last look: once it does so no more it has been written. */
  unsettled: boolean
}

/**
 * Tells when files have other contents. They are looked at a few times a second rather than watched by the system: that sees links that are
 * turned (mounted configuration), files that editors put in the place of others, and shared folders, and needs nothing of the system's.
 */
export class FileWatch {
  readonly #files = new Map<string, Watched>()
  readonly #onChange: (files: readonly string[]) => void
  #timer: NodeJS.Timeout
  #closed = false

  /** `onChange` gets the files that changed, when they have been written. One that is gone is not said to have changed. */
  constructor(onChange: (files: readonly string[]) => void) {
    this.#onChange = onChange
    this.#timer = this.#later()
  }

  /** Watches these files too, from what is in them now. */
  async add(files: Iterable<string>): Promise<void> {
    for (const file of files) {
      if (this.#files.has(file)) continue
      const watched: Watched = { seen: '', digest: null, unsettled: false }
      this.#files.set(file, watched)
      watched.seen = await lookAt(file)
      watched.digest = await digestOf(file)
    }
  }

  close(): void {
    this.#closed = true
    clearTimeout(this.#timer)
  }

  #later(): NodeJS.Timeout {
    return setTimeout(() => void this.#lookAgain(), LOOK_MS).unref()
  }

  async #lookAgain(): Promise<void> {
    await this.#look()
    if (!this.#closed) this.#timer = this.#later()
  }

  async #look(): Promise<void> {
    const changed: string[] = []
    for (const [file, watched] of this.#files) {
      const seen = await lookAt(file)
      const isSame = seen === watched.seen
      watched.seen = seen
      if (!isSame) watched.unsettled = true
      else if (watched.unsettled) {
        watched.unsettled = false
        const digest = await digestOf(file)
        if (digest === null || digest === watched.digest) continue
        watched.digest = digest
        changed.push(file)
      }
    }
    if (changed.length > 0 && !this.#closed) this.#onChange(changed)
  }
}

async function lookAt(file: string): Promise<string> {
  try {
    const { mtimeMs, size, ino } = await stat(file)
    return `${mtimeMs} ${size} ${ino}`
  } catch {
    // It is not there, or not to be read: should that change, it looks different.
    return ''
  }
}

async function digestOf(file: string): Promise<string | null> {
  try {
    return createHash('sha256')
      .update(await readFile(file))
      .digest('hex')
  } catch {
    return null
  }
}
