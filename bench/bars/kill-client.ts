import { setTimeout as sleep } from 'node:timers/promises'
import { RespClient } from '../load/resp-client.ts'
import type { Reply } from '../load/resp-reader.ts'

/** A reply must come within this; without one the request hangs. */
const HANG_MS = 5000
const PAUSE_MS = 5

/** What one client saw. */
export interface Seen {
  rounds: number
  errors: number
  /** Replies that can't be those of their requests. */
  crossed: string[]
  hangs: number
  connectionsLost: number
}

export type Outcome = 'good' | 'error' | 'forgotten' | 'crossed'

/** Could these be the replies to SET key value, GET key and STRLEN key? A server that was killed in between has forgotten the key. */
export function judge(value: string, set: Reply, get: Reply, length: Reply): Outcome {
  const isError = (reply: Reply): boolean => reply.type === '-'
  const stored = set.type === '+' && set.text === 'OK'
  const known = get.type === '$' && get.bytes?.toString() === value
  const unknown = get.type === '$' && get.length < 0
  const measured = length.type === ':' && length.text === `${value.length}`
  const nothing = length.type === ':' && length.text === '0'
  if (!(stored || isError(set)) || !(known || unknown || isError(get)) || !(measured || nothing || isError(length)))
    return 'crossed'
  if (stored && known && measured) return 'good'
  return isError(set) || isError(get) || isError(length) ? 'error' : 'forgotten'
}

/** Writes a value that nobody else ever writes and reads it back, three requests in one write, until it is stopped. */
export class KillClient {
  readonly seen: Seen = { rounds: 0, errors: 0, crossed: [], hangs: 0, connectionsLost: 0 }
  /** performance.now() of the last round in which everything was as it should be. */
  lastGood = 0
  readonly done: Promise<void>
  readonly #port: number
  readonly #id: number
  readonly #kills: () => number
  #stopped = false

  /** `kills` tells how often the server was killed so far. */
  constructor(port: number, id: number, kills: () => number) {
    this.#port = port
    this.#id = id
    this.#kills = kills
    this.done = this.#run()
  }

  stop(): void {
    this.#stopped = true
  }

  async #run(): Promise<void> {
    let client: RespClient | null = null
    while (!this.#stopped) {
      try {
        client ??= await RespClient.connect(this.#port)
        if (!(await this.#round(client))) await sleep(PAUSE_MS)
      } catch {
        this.seen.connectionsLost++
        client?.close()
        client = null
        await sleep(PAUSE_MS)
      }
    }
    client?.close()
  }

  async #round(client: RespClient): Promise<boolean> {
    const { seen } = this
    const n = seen.rounds++
    const key = `bench:kill:${this.#id}:${n % 16}`
    // Lengths differ between neighbours in time and between clients, so that STRLEN tells them apart as well.
    const value = `${this.#id}:${n}:`.padEnd(20 + ((n * 7 + this.#id) % 97), 'v')
    const killsBefore = this.#kills()
    const timer = setTimeout(() => {
      seen.hangs++
      client.close()
    }, HANG_MS)
    client.socket.cork()
    const asked = [client.request('SET', key, value), client.request('GET', key), client.request('STRLEN', key)]
    client.socket.uncork()
    const [set, get, length] = await Promise.all(asked).finally(() => clearTimeout(timer))
    const outcome = judge(value, set, get, length)
    if (outcome === 'good') this.lastGood = performance.now()
    else if (outcome === 'error') seen.errors++
    else if (outcome === 'crossed' || killsBefore === this.#kills()) {
      const text = (reply: Reply): string => `${reply.type}${reply.text}${reply.bytes?.toString() ?? ''}`
      seen.crossed.push(`for ${value}: ${text(set)} ${text(get)} ${text(length)}`)
    }
    return outcome === 'good'
  }
}
