import assert from 'node:assert/strict'
import { int, metadata, query, ready, startup } from './cassandra.ts'
import { play, type Play } from './kit.ts'
import type { Protocol } from '../src/core/protocol.ts'
import { bodyOf, encodeBody, plain } from '../src/protocols/cassandra/body/body.ts'
import { NO_PARAMETERS, type Request } from '../src/protocols/cassandra/body/requests.ts'
import type { Response } from '../src/protocols/cassandra/body/responses.ts'
import { frameAt } from '../src/protocols/cassandra/envelope.ts'
import { cassandra } from '../src/protocols/cassandra/index.ts'
import { argumentsOf } from '../src/protocols/valkey/body.ts'
import { valkeyCache } from '../src/transforms/valkey-cache/valkey-cache.ts'

export const VOID: Response = { type: 'void' }
export const TIMEOUT_MS = 250

const OPTIONS = { caching_schema: { 'ks.t': { partition_key: ['k'], range_key: [] } }, chain: [] }

export function rows(value: number): Response {
  return { type: 'rows', metadata: metadata('ks.t', 'v int'), rows: [[int(value)]] }
}

export function errorOf(code: number): Response {
  return { type: 'error', code, message: 'no', rest: Buffer.alloc(0) }
}

/** What a Valkey holds and does, as far as a cache asks it, without time. */
class Hashes {
  readonly keys = new Map<string, Map<string, Buffer>>()

  reply(args: readonly Buffer[]): string {
    const [name, key, ...rest] = args.map((arg) => arg.toString('latin1'))
    const hash = this.keys.get(key!)
    switch (name) {
      case 'HMGET':
        return `*${rest.length}\r\n${rest.map((field) => bulk(hash?.get(field))).join('')}`
      case 'HSETNX':
        if (hash?.has(rest[0]!) === true) return ':0\r\n'
        return this.#set(key!, rest[0]!, args[3]!)
      case 'HSET':
        return this.#set(key!, rest[0]!, args[3]!)
      case 'DEL':
        return `:${Number(this.keys.delete(key!))}\r\n`
      case 'EXISTS':
        return `:${Number(hash !== undefined)}\r\n`
      case 'SET':
        this.#set(key!, '', Buffer.alloc(0))
        return '+OK\r\n'
      default:
        return ':1\r\n'
    }
  }

  #set(key: string, field: string, value: Buffer): string {
    const hash = this.keys.get(key) ?? new Map<string, Buffer>()
    hash.set(field, value)
    this.keys.set(key, hash)
    return ':1\r\n'
  }
}

function bulk(value: Buffer | undefined): string {
  return value === undefined ? '$-1\r\n' : `$${value.length}\r\n${value.toString('latin1')}\r\n`
}

/** A client, Cassandra and Valkey around the cache, all played by the test. */
export class CachePlay {
  readonly play: Play
  readonly hashes = new Hashes()
  /** Commands that came to Valkey since this was last asked, `DEL ks.t`. */
  #commands: string[] = []

  constructor(one: Play) {
    this.play = one
  }

  static over(options: Record<string, unknown> = {}): CachePlay {
    return new CachePlay(play(valkeyCache, { ...OPTIONS, ...options }, { protocol: cassandra as Protocol }))
  }

  /** It has started, the cache is empty and trusted, and knows the table. */
  static async ready(options: Record<string, unknown> = {}): Promise<CachePlay> {
    const one = CachePlay.over(options)
    await one.start()
    await one.play.advance(20)
    assert.deepEqual(await one.valkey(), ['DEL ks.t'])
    await one.learn()
    return one
  }

  async start(): Promise<void> {
    await this.play.send(startup(4).toBuffer())
    await this.play.answer(ready(4).toBuffer())
    this.replies()
    this.asked()
  }

  /** Something is asked; Cassandra says what the table is like. */
  async learn(ttl = 0, key = 'k', isTable = true): Promise<void> {
    await this.play.send(query(4, 'SELECT * FROM elsewhere', 99).toBuffer())
    const about = this.asked()
    assert.equal(about.length, 3, about.join('\n'))
    const text = (value: string) => Buffer.from(value)
    const column = (name: string, kind: string) => [text(name), text(kind), int(0), text('int')]
    await this.cassandra({ type: 'rows', metadata: metadata('system_schema.tables', 'default_time_to_live int'), rows: isTable ? [[int(ttl)]] : [] }) // prettier-ignore
    const columns = metadata('system_schema.columns', 'column_name text', 'kind text', 'position int', 'type text')
    await this.cassandra({ type: 'rows', metadata: columns, rows: [column('v', 'regular'), column(key, 'partition_key')] }) // prettier-ignore
    await this.cassandra(rows(0))
    this.replies()
  }

  async send(message: string | Request, stream = 1): Promise<void> {
    const request: Request =
      typeof message === 'string' ? { type: 'query', text: message, parameters: NO_PARAMETERS } : message
    await this.play.send(encodeBody(plain(4, request), stream).toBuffer())
  }

  /** The texts, or types, of what came to Cassandra since this was last asked. */
  asked(): string[] {
    return this.play.takeForwarded().map(({ bytes }) => {
      const message = bodyOf(frameAt(bytes, 0, bytes.length, false)).message as Request
      return message.type === 'query' ? message.text : message.type
    })
  }

  /** Cassandra replies to the oldest request. */
  async cassandra(reply: Response): Promise<void> {
    await this.play.answer(encodeBody(plain(4, reply), 0).toBuffer())
  }

  /** Valkey answers everything that has come, and what comes of that. Returns it all; fields and values that are no text are left out. */
  async valkey(): Promise<string[]> {
    const server = this.play.within('chain')
    for (let rounds = 0; rounds < 10 && server.open.length > 0; rounds++) {
      const replies = server.open.map((forwarded) => {
        const args = argumentsOf(forwarded.exchange.request)
        const words = args.map((arg) => arg.toString('latin1')).filter((word) => /^[!-~]{0,20}$/.test(word))
        this.#commands.push(words.join(' ').trim())
        return [forwarded, this.hashes.reply(args)] as [typeof forwarded, string]
      })
      await server.answerTo(...replies)
    }
    return this.#commands.splice(0)
  }

  /** What the client got since this was last asked: stream and reply. */
  replies(): (readonly [stream: number, reply: string])[] {
    const bytes = this.play.takeReplied()
    const found: (readonly [number, string])[] = []
    for (let at = 0; at < bytes.length;) {
      const end = at + 9 + bytes.readInt32BE(at + 5)
      const frame = frameAt(bytes, at, end, false)
      const message = bodyOf(frame).message as Response
      found.push([frame.stream, shown(message)])
      at = end
    }
    return found
  }

  count(metric: string): number {
    return this.play.metrics[metric] ?? 0
  }
}

function shown(reply: Response): string {
  if (reply.type === 'rows') return reply.rows.map((row) => row[0]!.readInt32BE()).join()
  return reply.type === 'error' ? `error ${reply.code.toString(16)}` : reply.type
}
