// Hot path
import type { Frame } from '../../core/frame.ts'
import { bodyOf, encodeBody } from './body/body.ts'
import { readColumns, type Column, type Result } from './body/results.ts'
import { CorruptError } from './corrupt-error.ts'
import { classify } from './cql/classify.ts'
import { parseStatement } from './cql/parse.ts'
import { SELECT } from './cql/statement-kinds.ts'
import type { Select } from './cql/tree.ts'
import { flagsOf, HEADER_BYTES, versionOf } from './envelope.ts'
import { IdCache } from './id-cache.ts'
import { EVENT, EXECUTE, FLAG_COMPRESSED, FLAG_PAYLOAD, PREPARE, QUERY, RESULT } from './opcodes.ts'
import { Reader } from './reader.ts'
import { requestReader, statementText } from './request.ts'
import { messageOf } from './result.ts'

const TABLE = 'peers_v2'
const COLUMN = 'native_port'
/** A compressed statement that is longer is about no peers. */
const TEXT_BYTES_MAX = 64 * 1024
const ID_BYTES_MAX = 64
/** Prepared statements about peers that are kept, and about something else; the first is forgotten first. */
const PREPARED_MAX = 1000
const FOREIGN_MAX = 20_000
/** So much of a compressed reply tells its columns, if there are few. */
const TELLING_BYTES = 16 * 1024

/** What is known of a request for peers. */
export interface PeersQuery {
  /** Null where the text could not be parsed, or is not known: columns are then told by the names that the reply gives them. */
  readonly select: Select | null
  /** Of what was prepared: which columns are ports, for replies that do not describe their columns. */
  readonly ports: readonly number[]
  /** Id of what is executed for the first time here: its reply tells whether it is about peers. Another thread may have seen it prepared. */
  readonly unsure: string | null
}

/** Finds the requests for peers, and writes the port into their replies. One for all sessions of a thread. */
export class PeersPort {
  readonly #port: Buffer
  readonly #onUnparsed: () => void
  readonly #prepared = new Map<string, PeersQuery>()
  /** What was executed and is about something else. */
  readonly #foreign = new Set<string>()
  /** What was asked for lately, but for what is not known. */
  readonly #lately = new IdCache<{ readonly query: PeersQuery | null }>()

  constructor(port: number, onUnparsed: () => void) {
    this.#port = Buffer.alloc(4)
    this.#port.writeInt32BE(port)
    this.#onUnparsed = onUnparsed
  }

  /** Null: it is about something else. */
  asked(request: Frame): PeersQuery | null {
    const { kind } = request
    if (kind === EXECUTE) return this.#executed(request)
    return kind === QUERY || kind === PREPARE ? this.#textQuery(request) : null
  }

  #textQuery(request: Frame): PeersQuery | null {
    try {
      const { bytes, start, end } = statementText(request, TEXT_BYTES_MAX)
      const { kind, keyspace, table } = classify(bytes, start, end)
      // Where no keyspace is named the reply tells which it was.
      if (kind !== SELECT || table !== TABLE || (keyspace !== null && keyspace !== 'system')) return null
      return this.#parsed(bytes, start, end)
    } catch (error) {
      if (error instanceof CorruptError) return null
      throw error
    }
  }

  // Cold: once a request for peers
  #parsed(bytes: Buffer, start: number, end: number): PeersQuery {
    const statement = parseStatement(bytes, start, end)
    if (statement.type === 'unparsed') this.#onUnparsed()
    return { select: statement.type === 'select' ? statement : null, ports: [], unsure: null }
  }

  #executed(request: Frame): PeersQuery | null {
    const { bytes, start, end } = request
    const at = start + HEADER_BYTES + 2
    if (at > end || flagsOf(request) & (FLAG_COMPRESSED | FLAG_PAYLOAD)) return this.#looked(request)
    const idEnd = at + ((bytes[at - 2]! << 8) | bytes[at - 1]!)
    if (idEnd > end || idEnd - at > ID_BYTES_MAX) return null
    const lately = this.#lately.find(bytes, at, idEnd)
    if (lately !== null) return lately.query
    const query = this.#looked(request)
    if (query === null || query.unsure === null) this.#lately.put(bytes, at, idEnd, { query })
    return query
  }

  #looked(request: Frame): PeersQuery | null {
    try {
      const id = requestReader(request, ID_BYTES_MAX + 2)
        .shortBytes()
        .toString('latin1')
      // What its PREPARE tells is more than what a reply told of it.
      const query = this.#prepared.get(id)
      if (query !== undefined) return query
      return this.#foreign.has(id) || id.length > ID_BYTES_MAX ? null : { select: null, ports: [], unsure: id }
    } catch (error) {
      if (error instanceof CorruptError) return null
      throw error
    }
  }

  /** The EXECUTE of what is not known, so that its reply tells its columns. */
  // Cold: once a prepared statement
  telling(request: Frame): Frame {
    if (!request.whole) return request
    try {
      const body = bodyOf(request)
      const { message } = body
      if (message.type !== 'execute' || !message.parameters.skipsMetadata) return request
      const parameters = { ...message.parameters, skipsMetadata: false }
      return encodeBody({ ...body, message: { ...message, parameters } }, request.stream)
    } catch (error) {
      if (error instanceof CorruptError) return request
      throw error
    }
  }

  /** The reply with the port in it; the same where there is nothing to write. */
  // Cold: once a request for peers
  rewritten(reply: Frame, asked: PeersQuery): Frame {
    if (reply.kind !== RESULT) return reply
    try {
      if (asked.unsure !== null && !this.#judge(asked.unsure, reply)) return reply
      if (!reply.whole) return reply
      const body = bodyOf(reply)
      const { message } = body
      if (message.type === 'prepared') this.#learn(message, asked.select)
      if (message.type !== 'rows') return reply
      const { columns, columnCount } = message.metadata
      const ports = columns === null ? asked.ports : portColumns(columns, asked.select)
      if (ports.length === 0 || ports.at(-1)! >= columnCount) return reply
      const rows = message.rows.map((row) => row.map((value, i) => (ports.includes(i) ? this.#port : value)))
      return encodeBody({ ...body, message: { ...message, rows } }, reply.stream)
    } catch (error) {
      if (error instanceof CorruptError) return reply
      throw error
    }
  }

  /** Is it about peers? From now on that is known; but for an alias, which only the PREPARE tells. */
  // Cold: once a prepared statement
  #judge(id: string, reply: Frame): boolean {
    const columns = readColumns(messageOf(reply, TELLING_BYTES), versionOf(reply))
    const ports = columns === null ? [] : portColumns(columns, null)
    if (ports.length > 0) this.#keep(id, { select: null, ports, unsure: null })
    else {
      this.#foreign.add(id)
      if (this.#foreign.size > FOREIGN_MAX) this.#foreign.delete(this.#foreign.keys().next().value!)
    }
    return ports.length > 0
  }

  // Cold: once a prepared statement about peers
  #learn({ id, result }: Extract<Result, { type: 'prepared' }>, select: Select | null): void {
    const ports = result.columns === null ? [] : portColumns(result.columns, select)
    if (ports.length > 0 && id.length <= ID_BYTES_MAX) this.#keep(id.toString('latin1'), { select, ports, unsure: null }) // prettier-ignore
  }

  // Cold: once a prepared statement about peers
  #keep(id: string, query: PeersQuery): void {
    this.#lately.clear()
    this.#prepared.set(id, query)
    if (this.#prepared.size > PREPARED_MAX) this.#prepared.delete(this.#prepared.keys().next().value!)
  }

  /** A push with the port in it, where it tells of a node: native_protocol_v5.spec 4.2.6. */
  // Cold: the state of a node changed
  rewrittenPush(push: Frame): Frame {
    if (push.kind !== EVENT || !push.whole) return push
    try {
      const body = bodyOf(push)
      const { message } = body
      if (message.type !== 'event' || (message.event !== 'STATUS_CHANGE' && message.event !== 'TOPOLOGY_CHANGE'))
        return push
      const reader = new Reader(message.rest)
      reader.string()
      reader.range(reader.byte())
      const rest = Buffer.concat([message.rest.subarray(0, reader.take(4)), this.#port])
      return encodeBody({ ...body, message: { ...message, rest } }, push.stream)
    } catch (error) {
      if (error instanceof CorruptError) return push
      throw error
    }
  }
}

/** Which of the columns are the port of a peer, in order. An alias may be any name, that of another column too. */
// Cold: once a request for peers
function portColumns(columns: readonly Column[], select: Select | null): number[] {
  const selectors = select?.selectors.length === columns.length ? select.selectors : null
  const ports: number[] = []
  for (const [i, { keyspace, table, name, type }] of columns.entries()) {
    if (keyspace !== 'system' || table !== TABLE || type.type !== 'int') continue
    const term = selectors?.[i]!.term
    const selected = term === undefined ? name : term.term === 'name' ? term.name.text : null
    if (selected === COLUMN) ports.push(i)
  }
  return ports
}
