import assert from 'node:assert/strict'
import type { Frame } from '../src/core/frame.ts'
import type { TransformKind } from '../src/core/kind.ts'
import type { Protocol } from '../src/core/protocol.ts'
import { bodyOf, encodeBody, plain } from '../src/protocols/cassandra/body/body.ts'
import {
  NO_PARAMETERS,
  type BoundValue,
  type Parameters,
  type Request,
  type UNSET,
} from '../src/protocols/cassandra/body/requests.ts'
import type { Response } from '../src/protocols/cassandra/body/responses.ts'
import type { Metadata, Result } from '../src/protocols/cassandra/body/results.ts'
import { cassandra } from '../src/protocols/cassandra/index.ts'
import { protect } from '../src/transforms/protect/protect.ts'
import { metadata } from './cassandra.ts'
import { play, type Play } from './kit.ts'

// A client of Cassandra behind a Protect, and a server that knows its schema, for tests.

const KEK = 'Ht8M1nDO/7fay+cft71M2Xy7j30EnLAsA84hSUMCm1k='
export const OPTIONS = {
  key_manager: { Local: { kek: KEK, kek_id: 'kek' } },
  keyspace_table_columns: { ks: { t: ['s', 'b', 'i', 'c'] } },
  searchable_columns: { ks: { t: ['d'] } },
  search_key: 'kek',
}
/** What the schema says of ks.t. */
export const SCHEMA = ['k partition_key int', 'c clustering text', 's regular text', 'b regular blob', 'i regular int', 'd regular ascii', 'v regular text'] // prettier-ignore

export type Values = Parameters['values']

const WHOLE = { cutThroughBytes: Infinity }

export function frameOf(bytes: Buffer, side: 'client' | 'server'): Frame {
  const wire = side === 'client' ? cassandra.serverWire(WHOLE) : cassandra.clientWire(WHOLE)
  wire.push(bytes, 0, bytes.length)
  return wire.next()!.own()
}

export function bytesOf(message: Request | Response, stream = 0, version = 4): Buffer {
  return encodeBody(plain(version, message), stream).toBuffer()
}

/** A client, and a server that knows its schema. */
export class Talk {
  readonly play: Play
  readonly version: number
  schema: readonly string[] = SCHEMA
  schemaAsked = 0

  constructor(one: Play, version = 4) {
    this.play = one
    this.version = version
  }

  static open(options: Record<string, unknown> = {}, limits = {}): Talk {
    return new Talk(play(protect as TransformKind, { ...OPTIONS, ...options }, { protocol: cassandra as Protocol, limits })) // prettier-ignore
  }

  /** What the server gets of a request, or what the client is told instead. */
  async send(message: Request): Promise<Request | Response> {
    await this.play.send(bytesOf(message, 7, this.version))
    for (;;) {
      const [forwarded] = this.play.takeForwarded()
      if (forwarded === undefined) return this.reply()
      const request = bodyOf(frameOf(forwarded.bytes, 'server')).message as Request
      if (request.type !== 'query' || !request.text.includes('system_schema.columns')) return request
      this.schemaAsked++
      const rows = this.schema.map((line) => line.split(' ')).map(([name, kind, type]) => [name, kind, type].map((word) => Buffer.from(word!))) // prettier-ignore
      const described = metadata('system_schema.columns', 'column_name text', 'kind text', 'type text')
      await this.play.answer(bytesOf({ type: 'rows', metadata: described, rows }))
    }
  }

  reply(): Response {
    return bodyOf(frameOf(this.play.takeReplied(), 'client')).message as Response
  }

  async answer(message: Response): Promise<Response> {
    await this.play.answer(bytesOf(message, 0, this.version))
    return this.reply()
  }

  async query(text: string, values: Values = null, parameters: Partial<Parameters> = {}) {
    const sent = await this.send({ type: 'query', text, parameters: { ...NO_PARAMETERS, values, ...parameters } })
    return sent.type === 'query' ? sent : assert.fail(JSON.stringify(sent))
  }

  /** The rows of a SELECT, with what the server holds in its columns, `name type`. */
  async select(text: string, columns: readonly string[], row: readonly (Buffer | null)[]) {
    await this.query(text)
    const reply = await this.answer({ type: 'rows', metadata: metadata('ks.t', ...columns), rows: [row, row] })
    if (reply.type !== 'rows') return reply
    assert.deepEqual(reply.rows[1], reply.rows[0])
    return reply.rows[0]!.map((value) => (value === null ? null : value.toString()))
  }

  async prepare(text: string, id: string, result: Metadata = metadata('ks.t')): Promise<Request | Response> {
    const sent = await this.send({ type: 'prepare', text, keyspace: null })
    if (sent.type !== 'prepare') return sent
    const prepared: Result = { type: 'prepared', id: Buffer.from(id), metadataId: null, bound: metadata('ks.t'), keyIndices: [], result } // prettier-ignore
    await this.answer(prepared)
    return sent
  }

  async execute(id: string, values: Values) {
    return await this.send({ type: 'execute', id: Buffer.from(id), metadataId: null, parameters: { ...NO_PARAMETERS, values } }) // prettier-ignore
  }
}

export function refused(message: Request | Response, code: number, text: RegExp): void {
  assert.ok(message.type === 'error', `${message.type} is no error`)
  assert.equal(message.code, code)
  assert.match(message.message, text)
}

export const values = (...texts: (string | null | typeof UNSET)[]): BoundValue[] =>
  texts.map((text) => (typeof text === 'string' ? Buffer.from(text) : text))

/** What stands in a text between these two. */
export function between(text: string, before: string, behind: string): string {
  const start = text.indexOf(before) + before.length
  return text.slice(start, text.indexOf(behind, start))
}

export const SEALED_TEXT = /^SHOTPV01[A-Za-z0-9+/]+=*$/
