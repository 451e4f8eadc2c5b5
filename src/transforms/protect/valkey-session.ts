import type { Batch, Exchange } from '../../core/exchange.ts'
import type { Frame } from '../../core/frame.ts'
import type { Link, Transform } from '../../core/transform.ts'
import { argumentsOf, replyOf } from '../../protocols/valkey/body.ts'
import { codeOf } from '../../protocols/valkey/commands.ts'
import { encodeRequest } from '../../protocols/valkey/encode.ts'
import { encodeReply } from '../../protocols/valkey/encode-reply.ts'
import { errorFrame } from '../../protocols/valkey/failure.ts'
import { globMatches } from '../../protocols/valkey/glob.ts'
import { keyIndices } from '../../protocols/valkey/keys.ts'
import { REQUEST } from '../../protocols/valkey/resp.ts'
import type { Reply } from '../../protocols/valkey/values.ts'
import { RANDOM } from './data-key.ts'
import { Refusal, UnavailableError, UnreadableError } from './refusal.ts'
import { placeOf } from './sealed-value.ts'
import type { Missing, Place, Sealer } from './sealer.ts'
import { stepThrough } from './steps.ts'
import { commandValues, type ReplyShape } from './valkey-commands.ts'
import { openReply } from './valkey-reply.ts'

/** What the Valkey sessions of a thread have in common. */
export interface ValkeyProtection {
  readonly sealer: Sealer
  /** Patterns of the keys that are protected, as strings of bytes (latin1). */
  readonly patterns: readonly string[]
  refused(): void
}

/** How the reply to a request is read. */
interface Reading {
  readonly shape: ReplyShape
  readonly keys: readonly Buffer[]
}

/** What a request is to the transaction that it may be in. */
type Part = 'multi' | 'exec' | 'abort' | 'end' | 'other'

interface Open {
  readonly reading: Reading | null
  readonly part: Part
}

const MULTI = codeOf('multi')
const EXEC = codeOf('exec')
const ENDS: ReadonlySet<number> = new Set([codeOf('discard'), codeOf('reset')])
const LABEL = 'a protected key'

/** Protects the values of keys of one client of Valkey. */
export class ValkeySession implements Transform {
  readonly #shared: ValkeyProtection
  readonly #open = new Map<Exchange, Open>()
  /** The client is between MULTI and EXEC, as far as it has said. */
  #inTransaction = false
  /** A request of the transaction was refused here: it must not be executed in part. */
  #aborted = false
  /** What was queued since MULTI, as far as the server has said; null: it is in no transaction. */
  #queued: (Reading | null)[] | null = null

  constructor(shared: ValkeyProtection) {
    this.#shared = shared
  }

  wants(kind: number): 'head' | 'whole' {
    return kind === REQUEST || this.#open.size !== 0 ? 'whole' : 'head'
  }

  onRequests(batch: Batch, link: Link): void | Promise<void> {
    return stepThrough(batch, link, {
      step: (exchange) => this.#request(exchange),
      refuse: (_, error) => {
        if (this.#inTransaction) this.#aborted = true
        return this.#refusal(error)
      },
    })
  }

  onResponses(batch: Batch, link: Link): void | Promise<void> {
    return stepThrough(batch, link, {
      step: (exchange) => this.#response(exchange),
      refuse: (exchange, error) => {
        this.#open.delete(exchange)
        return this.#refusal(error)
      },
    })
  }

  onCancel(exchange: Exchange): void {
    this.#open.delete(exchange)
  }

  onSilent(exchange: Exchange): void {
    this.#open.delete(exchange)
  }

  /** What a client is told. Throws what is no fault of anybody but the transform. */
  #refusal(error: unknown): Frame {
    if (!(error instanceof Refusal || error instanceof UnavailableError || error instanceof UnreadableError))
      throw error
    this.#shared.refused()
    return errorFrame(error.message)
  }

  #isProtected(key: Buffer): boolean {
    const text = key.toString('latin1')
    return this.#shared.patterns.some((pattern) => globMatches(pattern, text))
  }

  /** Null: the request can go on. Else it is to be done again once the promise has settled. */
  #request(exchange: Exchange): Promise<void> | null {
    const { code } = exchange.request
    const part: Part = code === MULTI ? 'multi' : code === EXEC ? 'exec' : ENDS.has(code) ? 'end' : 'other'
    if (part === 'exec' && this.#aborted) {
      exchange.request = encodeRequest(['DISCARD'])
      this.#open.set(exchange, { reading: null, part: 'abort' })
      this.#inTransaction = this.#aborted = false
      return null
    }
    const reading = part === 'other' ? this.#protect(exchange) : null
    if (reading instanceof Promise) return reading
    if (reading !== null || part !== 'other' || this.#inTransaction) this.#open.set(exchange, { reading, part })
    if (part !== 'other') {
      this.#inTransaction = part === 'multi'
      this.#aborted = false
    }
    return null
  }

  /** Encrypts the values of the request. How its reply is read, or null where it is about no protected key. */
  #protect(exchange: Exchange): Reading | Promise<void> | null {
    const { request } = exchange
    const args = argumentsOf(request)
    const indices = request.code === 0 ? args.map((_, i) => i).slice(1) : keyIndices(request.code, args)
    const isProtected = new Set(indices.filter((index) => this.#isProtected(args[index]!)))
    if (isProtected.size === 0) return null
    const command = commandValues(request.code)
    const values = command?.values(args) ?? null
    if (command === null || values === null)
      throw new Refusal(`${nameOf(args)} is not possible on this key: its values are encrypted before they reach the server`) // prettier-ignore
    const replaced = new Map<number, Buffer>()
    for (const [value, key] of values) {
      if (!isProtected.has(key) || value >= args.length) continue
      const sealed = this.#shared.sealer.seal(placeIn(args[key]!), args[value]!, false)
      if (sealed === null) return this.#shared.sealer.ring.ready(RANDOM)
      replaced.set(value, sealed)
    }
    if (replaced.size > 0) exchange.request = encodeRequest(args.map((arg, i) => replaced.get(i) ?? arg))
    // They lie in what is sent, which may be gone when the reply comes.
    return { shape: command.reply(args), keys: indices.map((index) => Buffer.from(args[index]!)) }
  }

  /** Null: the reply can go on. Else it is to be done again once the promise has settled. */
  #response(exchange: Exchange): Promise<void> | null {
    const open = this.#open.get(exchange)
    if (open === undefined) return null
    const reply = replyOf(exchange.response!)
    const wait = this.#opened(exchange, reply, open)
    if (wait !== null) return wait
    this.#open.delete(exchange)
    if (open.part === 'multi' && reply.type === 'simple') this.#queued = []
    else if (open.part === 'exec' || open.part === 'end' || open.part === 'abort') this.#queued = null
    return null
  }

  #opened(exchange: Exchange, reply: Reply, { part, reading }: Open): Promise<void> | null {
    if (part === 'abort') {
      exchange.response = encodeReply({ type: 'error', text: 'EXECABORT Transaction discarded because of previous errors.' }) // prettier-ignore
      return null
    }
    if (reply.type === 'simple' && reply.text === 'QUEUED' && part === 'other') {
      this.#queued?.push(reading)
      return null
    }
    const missing: Missing = new Map()
    const open = (key: Buffer, value: Buffer) =>
      this.#isProtected(key) ? (this.#shared.sealer.open(placeIn(key), value, missing) ?? value) : value
    const opened = this.#read(reply, part, reading, open)
    if (missing.size > 0) return this.#shared.sealer.fetch(missing)
    if (opened !== reply) exchange.response = encodeReply(opened)
    return null
  }

  #read(reply: Reply, part: Part, reading: Reading | null, open: (key: Buffer, value: Buffer) => Buffer): Reply {
    if (reading !== null) return openReply(reply, reading.shape, reading.keys, open)
    const queued = this.#queued
    if (part !== 'exec' || queued === null || reply.type !== 'array' || queued.every((each) => each === null))
      return reply
    const items = reply.items.map((item, i) => {
      const each = queued[i] ?? null
      return each === null ? item : openReply(item, each.shape, each.keys, open)
    })
    return { ...reply, items }
  }
}

function placeIn(key: Buffer): Place {
  return { mode: RANDOM, place: placeOf('valkey', key), label: LABEL }
}

/** The command, as the client wrote it; what is no word is not repeated. */
function nameOf([name]: readonly Buffer[]): string {
  const text = name!.toString('latin1').toUpperCase()
  return /^[A-Z0-9._-]{1,32}$/.test(text) ? text : 'This command'
}
