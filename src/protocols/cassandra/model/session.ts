import type { Frame } from '../../../core/frame.ts'
import { ProtocolError } from '../../../core/protocol.ts'
import type { Connection, ConnectionHandler } from '../../../world/world.ts'
import { bodyOf, encodeBody, plain } from '../body/body.ts'
import { metadataOf, type Metadata } from '../body/results.ts'
import type { BoundValue, Request } from '../body/requests.ts'
import type { Response } from '../body/responses.ts'
import { Writer } from '../body/writer.ts'
import { CorruptError } from '../corrupt-error.ts'
import { requestFormat, versionOf } from '../envelope.ts'
import { Envelopes } from '../envelopes.ts'
import { COMPRESSION_LZ4, compressionNamed } from '../compression.ts'
import { SegmentFormat } from '../segment.ts'
import { wrapped } from '../wrapping.ts'
import type { CassandraModel } from './server.ts'
import { MODEL_KEYSPACES, ModelStore, type ModelStatement } from './store.ts'

const UNPREPARED = 0x2500
const INVALID = 0x2200
const SYNTAX = 0x2000
const PROTOCOL = 0x000a
const BAD_CREDENTIALS = 0x0100

const EMPTY = Buffer.alloc(0)
const TEXT = { type: 'text' } as const

const SUPPORTED: ReadonlyMap<string, readonly string[]> = new Map([
  ['CQL_VERSION', ['3.4.6']],
  ['COMPRESSION', ['lz4']],
  ['PROTOCOL_VERSIONS', ['3/v3', '4/v4', '5/v5']],
])

function metadataOfText(keyspace: string, ...names: string[]): Metadata {
  return metadataOf(names.map((name) => ({ keyspace, table: 't', name, type: TEXT })))
}

function error(code: number, message: string, rest: Buffer = EMPTY): Response {
  return { type: 'error', code, message, rest }
}

/** One connection of the model. */
export class ModelSession implements ConnectionHandler {
  readonly #model: CassandraModel
  readonly #connection: Connection
  readonly #envelopes = new Envelopes(requestFormat, Infinity)
  #segments: SegmentFormat | null = null
  #version = 0
  /** Null: not known yet. */
  #user: string | null = null
  #started = false
  #keyspace: string | null = null
  #registered = false
  #over = false

  constructor(model: CassandraModel, connection: Connection) {
    this.#model = model
    this.#connection = connection
    connection.handler = this
    connection.resume()
  }

  onData(bytes: Buffer, start: number, end: number): void {
    if (this.#over) return
    this.#envelopes.push(bytes, start, end)
    try {
      for (let frame = this.#envelopes.next(); frame !== null; frame = this.#envelopes.next()) this.#take(frame)
    } catch (thrown) {
      if (!(thrown instanceof ProtocolError || thrown instanceof CorruptError)) throw thrown
      const reply = thrown instanceof ProtocolError ? thrown.reply : null
      if (this.#version === 0 && reply !== null) this.#connection.write(reply.toBuffer())
      else this.#send(error(PROTOCOL, thrown.message), 0)
      this.#connection.end()
      return
    }
    this.#envelopes.keep()
  }

  onDrain(): void {}
  onEnd(): void {
    this.#connection.end()
  }
  onClose(): void {
    this.#over = true
    this.#model.sessions.delete(this)
  }

  lose(): void {
    this.#over = true
    this.#connection.destroy()
  }

  announce(event: string, rest: Buffer): void {
    if (this.#registered) this.#send({ type: 'event', event, rest }, -1)
  }

  #take(frame: Frame): void {
    if (this.#version === 0) this.#version = versionOf(frame)
    const { message } = bodyOf(frame)
    const { stream } = frame
    if (message.type === 'startup') this.#start(message.options, stream)
    else if (message.type === 'options') this.#send({ type: 'supported', options: SUPPORTED }, stream)
    else if (message.type === 'auth-response') this.#authenticate(message.token, stream)
    else if (!this.#started) this.#send(error(PROTOCOL, 'expecting STARTUP or OPTIONS'), stream)
    else this.#later(message as Request, stream)
  }

  /** Requests take their time, each its own; but what changes the connection does so at once. */
  #later(message: Request, stream: number): void {
    const { world, options } = this.#model
    const use = message.type === 'query' && /^use/i.test(message.text)
    if (use || message.type === 'register') {
      this.#send(this.#answer(message), stream)
      return
    }
    // What it means is settled when it comes: a USE behind it changes nothing.
    const keyspace = this.#keyspace
    world.clock.after(world.random.next() * (options.delayMs ?? 0), () => {
      if (!this.#over) this.#send(this.#answer(message, keyspace), stream)
    })
  }

  #start(options: ReadonlyMap<string, string>, stream: number): void {
    if (this.#started) {
      this.#send(error(PROTOCOL, 'Unexpected message STARTUP'), stream)
      return
    }
    this.#started = this.#model.options.users === undefined
    if (this.#started) this.#user = ''
    const compression = compressionNamed(options.get('COMPRESSION'))
    this.#send(this.#started ? { type: 'ready' } : { type: 'authenticate', authenticator: 'model' }, stream)
    this.#envelopes.compression = compression
    if (this.#version < 5) return
    this.#segments = new SegmentFormat(compression === COMPRESSION_LZ4)
    this.#envelopes.switch(this.#segments)
  }

  #authenticate(token: Buffer | null, stream: number): void {
    const [, user = '', password = ''] = (token ?? EMPTY).toString().split('\0')
    const known = this.#model.options.users?.[user]
    if (known === undefined || known !== password) {
      this.#send(error(BAD_CREDENTIALS, 'Provided username or password is incorrect'), stream)
      return
    }
    this.#started = true
    this.#user = user
    this.#send({ type: 'auth-success', token: null }, stream)
  }

  #answer(message: Request, keyspace = this.#keyspace): Response {
    const { engine } = this.#model.options
    const isForEngine = engine !== undefined && message.type !== 'register'
    return this.#heed(isForEngine ? engine.answer(message, keyspace) : this.#understood(message, keyspace))
  }

  /** The answer of the model itself, with its few statements. */
  #understood(message: Request, keyspace: string | null): Response {
    switch (message.type) {
      case 'register':
        this.#registered = true
        return { type: 'ready' }
      case 'query': {
        const told = this.#model.options.answer?.(message.text) ?? null
        if (told !== null) return told
        const id = this.#model.store.prepare(message.text, keyspace)
        if (id === null) return error(SYNTAX, `no viable alternative at input '${message.text.slice(0, 20)}'`)
        return this.#run(this.#model.store.prepared.get(id.toString('hex'))!.statement, boundOf(message), keyspace)
      }
      case 'prepare':
        return this.#prepare(message.text, keyspace)
      case 'execute': {
        const found = this.#model.store.prepared.get(message.id.toString('hex'))
        if (found === undefined) return error(UNPREPARED, 'not found', new Writer().shortBytes(message.id).bytes)
        return this.#run(found.statement, boundOf(message), found.keyspace)
      }
      case 'batch': {
        for (const { statement, values } of message.statements) {
          const id = typeof statement === 'string' ? this.#model.store.prepare(statement, keyspace) : statement
          const found = this.#model.store.prepared.get(id?.toString('hex') ?? '')
          if (found === undefined) return error(UNPREPARED, 'not found', new Writer().shortBytes(id ?? EMPTY).bytes)
          const told = this.#run(found.statement, values, found.keyspace)
          if (told.type === 'error') return told
        }
        return { type: 'void' }
      }
      case 'startup':
      case 'auth-response':
      case 'options':
        return error(PROTOCOL, `unexpected ${message.type}`)
    }
  }

  /** What an answer means for the connection, and for who wants events. */
  #heed(answer: Response): Response {
    if (answer.type === 'set-keyspace') this.#keyspace = answer.keyspace
    if (answer.type === 'schema-change') {
      const rest = new Writer().string(answer.change).string(answer.target).string(answer.keyspace)
      if (answer.name !== null) rest.string(answer.name)
      this.#model.happened('SCHEMA_CHANGE', rest.bytes)
    }
    return answer
  }

  #prepare(text: string, keyspace: string | null): Response {
    const id = this.#model.store.prepare(text, keyspace)
    if (id === null) return error(SYNTAX, 'no viable alternative')
    const metadata = metadataOfText(keyspace ?? '', 'k')
    return { type: 'prepared', id, metadataId: id, bound: metadata, keyIndices: [0], result: metadata }
  }

  #run(statement: ModelStatement, values: readonly BoundValue[], current: string | null): Response {
    const { store } = this.#model
    if (statement.type === 'use') {
      if (!MODEL_KEYSPACES.includes(statement.keyspace)) return error(INVALID, `'${statement.keyspace}' does not exist`)
      return { type: 'set-keyspace', keyspace: statement.keyspace }
    }
    if (statement.type === 'create') {
      const { table } = statement
      return { type: 'schema-change', change: 'CREATED', target: 'TABLE', keyspace: current ?? '', name: table, argumentTypes: null } // prettier-ignore
    }
    if (statement.type === 'schema') return schemaOf(statement)
    const keyspace = statement.keyspace ?? current
    if (keyspace === null) return error(INVALID, 'No keyspace has been specified')
    if (statement.type === 'truncate') {
      for (const key of store.keysOf(keyspace)) this.#write(keyspace, key, null)
      return { type: 'void' }
    }
    const bound = values.map((value) => (Buffer.isBuffer(value) ? value.toString() : ''))
    const written = statement.type === 'insert' && statement.valueFirst ? (statement.value ?? bound.shift()) : undefined
    const key = statement.key ?? bound.shift() ?? ''
    if (statement.type === 'delete') {
      this.#write(keyspace, key, null)
      return { type: 'void' }
    }
    if (statement.type === 'insert') {
      const value = written ?? statement.value ?? bound.shift() ?? ''
      this.#write(keyspace, key, value)
      if (statement.ttlSeconds > 0) this.#expire(keyspace, key, value, statement.ttlSeconds)
      return { type: 'void' }
    }
    this.#model.readCount++
    const row = store.rows.get(ModelStore.place(keyspace, key))
    const rows = row === undefined ? [] : [[Buffer.from(row)]]
    return { type: 'rows', metadata: metadataOfText(keyspace, 'v'), rows }
  }

  #write(keyspace: string, key: string, value: string | null): void {
    const { store, options } = this.#model
    options.onWrite?.(this.#user ?? '', this.#version, keyspace, key, value)
    if (value === null) store.rows.delete(ModelStore.place(keyspace, key))
    else store.rows.set(ModelStore.place(keyspace, key), value)
  }

  #expire(keyspace: string, key: string, value: string, ttlSeconds: number): void {
    const { world, store, options } = this.#model
    world.clock.after(ttlSeconds * 1000, () => {
      if (store.rows.get(ModelStore.place(keyspace, key)) !== value) return
      store.rows.delete(ModelStore.place(keyspace, key))
      options.onExpiry?.(keyspace, key)
    })
  }

  #send(message: Response, stream: number): void {
    const frame = encodeBody(plain(this.#version, message), stream)
    const leaving = this.#segments === null ? frame : wrapped(frame, this.#segments)
    this.#connection.write(leaving.toBuffer())
  }
}

/** What system_schema says of the table of each keyspace. */
function schemaOf({ from, keyspace, table }: Extract<ModelStatement, { type: 'schema' }>): Response {
  const isThere = MODEL_KEYSPACES.includes(keyspace) && table === 't'
  const int = (value: number) => new Writer().int(value).bytes
  const columns = [
    ['k', 'partition_key', 0, 'text'],
    ['v', 'regular', -1, 'text'],
  ] as const
  const rows = columns.map(([name, kind, position, type]) => [Buffer.from(name), Buffer.from(kind), int(position), Buffer.from(type)]) // prettier-ignore
  const ofSchema = (types: Readonly<Record<string, 'int' | 'text'>>) =>
    metadataOf(Object.entries(types).map(([name, type]) => ({ keyspace: 'system_schema', table: from, name, type: { type } }))) // prettier-ignore
  return from === 'tables'
    ? { type: 'rows', metadata: ofSchema({ default_time_to_live: 'int' }), rows: isThere ? [[int(0)]] : [] }
    : { type: 'rows', metadata: ofSchema({ column_name: 'text', kind: 'text', position: 'int', type: 'text' }), rows: isThere ? rows : [] } // prettier-ignore
}

function boundOf(message: Request & { type: 'query' | 'execute' }): readonly BoundValue[] {
  const { values } = message.parameters
  return Array.isArray(values) ? (values as readonly BoundValue[]) : []
}
