import type { Frame } from '../../core/frame.ts'
import type { SessionInfo } from '../../core/transform.ts'
import { argumentsOf } from './body.ts'
import { COMMAND_COUNT, codeOf } from './commands.ts'
import { splice } from './splice.ts'

/** The first id that a client can be told. No server counts that far: the one's ids are never mistaken for the other's. */
export const CLIENT_ID_FIRST = 2 ** 40
/** Ids of one process; of these, ids of one source. */
const IDS_PER_PROCESS = 2 ** 40
const IDS_PER_SOURCE = 2 ** 32
const PROCESSES = 4095

/** By code: 1 where arguments may be ids of connections. */
export const namesConnections = new Uint8Array(COMMAND_COUNT)
for (const name of ['client|kill', 'client|unblock', 'client|tracking', 'client|list'])
  namesConnections[codeOf(name)] = 1

// The memory, in words of 32 bits: the number of the process, then entries of a session and the server's id. An entry stands in one
// of the places of its bucket; the session is written first and removed last, and a server's id of 0 is none.
const PROCESS = 0
const ENTRIES = 4
const ENTRY_WORDS = 4
const BUCKETS = 4096
const PLACES = 4
const SOURCE = 1
const LOW = 2
const HIGH = 3

/** Memory that a sink's threads share for it. */
export const CONNECTION_IDS_BYTES = (ENTRIES + BUCKETS * PLACES * ENTRY_WORDS) * 4

/**
 * Ids of connections as clients see them (CLIENT ID, HELLO), and as the server does. A client's connection is one to the proxy; the
 * server knows it only while it has an upstream of its own. All threads know those of all: whom a client kills or unblocks may be
 * served by another one.
 */
export class ConnectionIds {
  readonly #words: Int32Array
  readonly #process: number

  /** `memory`: CONNECTION_IDS_BYTES that the threads share. `since`: when it started, tells processes in front of one server apart. */
  constructor(memory = new SharedArrayBuffer(CONNECTION_IDS_BYTES), since = 0) {
    this.#words = new Int32Array(memory)
    Atomics.compareExchange(this.#words, PROCESS, 0, 1 + (Math.floor(since) % PROCESSES))
    this.#process = Atomics.load(this.#words, PROCESS)
  }

  /** What CLIENT ID tells the session's client. Sources are told apart, so that they can stand before one server. */
  idFor(session: SessionInfo): number {
    let hash = 0
    for (const letter of session.source) hash = (hash * 31 + letter.charCodeAt(0)) & 0xff
    return this.#process * IDS_PER_PROCESS + hash * IDS_PER_SOURCE + session.id
  }

  /** The session has an upstream of its own, which the server knows as `serverId`. */
  set(id: number, serverId: number): void {
    const at = this.#find(id) ?? this.#claim(id)
    Atomics.store(this.#words, at + SOURCE, sourceOf(id))
    Atomics.store(this.#words, at + HIGH, Math.floor(serverId / 2 ** 32) | 0)
    Atomics.store(this.#words, at + LOW, serverId | 0)
  }

  /** It has none any more. */
  clear(id: number): void {
    const at = this.#find(id)
    if (at === undefined) return
    this.#empty(at)
    Atomics.store(this.#words, at, 0)
  }

  /** Puts the server's ids in the place of those that clients know. Others stay as they are: the server has none like them. */
  translate(request: Frame): void {
    const args = argumentsOf(request)
    for (let i = 2; i < args.length; i++) {
      const id = Number(args[i]!.toString('latin1'))
      const serverId = this.#serverIdOf(id)
      if (serverId !== 0) splice(request, i, Buffer.from(String(serverId)))
    }
  }

  #serverIdOf(id: number): number {
    if (!(id >= CLIENT_ID_FIRST) || Math.floor(id / IDS_PER_PROCESS) !== this.#process) return 0
    const at = this.#find(id)
    if (at === undefined) return 0
    return (Atomics.load(this.#words, at + HIGH) >>> 0) * 2 ** 32 + (Atomics.load(this.#words, at + LOW) >>> 0)
  }

  #find(id: number): number | undefined {
    const session = id | 0
    const bucket = bucketOf(session)
    for (let place = 0; place < PLACES; place++) {
      const at = bucket + place * ENTRY_WORDS
      if (Atomics.load(this.#words, at) === session && Atomics.load(this.#words, at + SOURCE) === sourceOf(id))
        return at
    }
    return undefined
  }

  /** A place for the session. Where all are taken somebody's is: the server then does not know that one's id. */
  #claim(id: number): number {
    const session = id | 0
    const bucket = bucketOf(session)
    for (let place = 0; place < PLACES; place++) {
      const at = bucket + place * ENTRY_WORDS
      if (Atomics.compareExchange(this.#words, at, 0, session) === 0) return at
    }
    const taken = bucket + ((session / BUCKETS) & (PLACES - 1)) * ENTRY_WORDS
    this.#empty(taken)
    Atomics.store(this.#words, taken, session)
    return taken
  }

  #empty(at: number): void {
    Atomics.store(this.#words, at + LOW, 0)
    Atomics.store(this.#words, at + HIGH, 0)
  }
}

function sourceOf(id: number): number {
  return Math.floor(id / IDS_PER_SOURCE) & 0xff
}

/** Sessions are counted, so that they fill the buckets evenly. */
function bucketOf(session: number): number {
  return ENTRIES + (session & (BUCKETS - 1)) * PLACES * ENTRY_WORDS
}
