import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { transform, type Log } from '../core/kind.ts'
import type { Frame } from '../core/frame.ts'
import type { Transform } from '../core/transform.ts'

/** In the directory that is the working one when the topology is built. */
const FOLDER = 'message-log'

/** Places in the memory that threads share. */
const CLEARED = 0
const CONNECTIONS = 1
const SHARED_BYTES = 8

/** Files of one direction of a connection, numbered from 1. */
class Files {
  readonly #root: string
  readonly #folder: string
  readonly #log: Log
  #count = 0

  constructor(root: string, folder: string, log: Log) {
    this.#root = root
    this.#folder = folder
    this.#log = log
  }

  write(frame: Frame): void {
    const path = join(this.#folder, `message${++this.#count}.bin`)
    try {
      if (this.#count === 1) mkdirSync(join(this.#root, this.#folder), { recursive: true })
      writeFileSync(join(this.#root, path), frame.toBuffer())
      this.#log.info(`Logged message to ${JSON.stringify(path)}`)
    } catch (error) {
      this.#log.error(`Failed to log message to ${JSON.stringify(path)}`, { error: (error as Error).message })
    }
  }
}

/** Writes every message to a file of its own; what another run left goes first. */
export const debugLogToFile = transform({
  type: 'DebugLogToFile',
  doc:
    'Writes the bytes of every request and every reply to a file of its own, for debugging: in the working directory, ' +
    'message-log/1/requests/message1.bin and responses/message1.bin and so on by connection and message. A start empties message-log.',
  options: (z) => z.strictObject({}),
  outside: 'writes it to a file',
  sharedBytes: () => SHARED_BYTES,
  create(_options, { log, shared }) {
    const counts = new Int32Array(shared)
    const root = process.cwd()
    if (Atomics.exchange(counts, CLEARED, 1) === 0) rmSync(join(root, FOLDER), { recursive: true, force: true })
    return (): Transform => {
      const connection = String(Atomics.add(counts, CONNECTIONS, 1) + 1)
      const requests = new Files(root, join(FOLDER, connection, 'requests'), log)
      const responses = new Files(root, join(FOLDER, connection, 'responses'), log)
      return {
        wants: () => 'whole',
        onRequests(batch, link) {
          for (const { request } of batch) requests.write(request)
          link.forward(batch)
        },
        onResponses(batch, link) {
          for (const { response } of batch) responses.write(response!)
          link.reply(batch)
        },
        onPush(push, link) {
          responses.write(push)
          link.push(push)
        },
      }
    }
  },
})
