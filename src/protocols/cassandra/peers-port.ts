// Hot path
import type { Frame } from '../../core/frame.ts'
import { bodyOf, encodeBody } from './body/body.ts'
import { readColumns, type Column, type Result } from './body/results.ts'
import { systemTable } from './cluster/system-select.ts'
import { CorruptError } from './corrupt-error.ts'
import { parseStatement } from './cql/parse.ts'
import type { Select } from './cql/tree.ts'
import { versionOf } from './envelope.ts'
import { ID_BYTES_MAX, IdCache, PLAIN_ID_AT, plainIdEnd } from './id-cache.ts'
import { EVENT, EXECUTE, PREPARE, QUERY, RESULT } from './opcodes.ts'
import { Reader } from './reader.ts'
import { statementId, statementText } from './request.ts'
import { messageOf } from './result.ts'
import { withMetadata } from './rewrite.ts'

const TABLE = 'peers_v2'
const COLUMN = 'native_port'
/** A compressed statement that is longer is about no peers. */
const TEXT_BYTES_MAX = 64 * 1024
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
      // Where no keyspace is named the reply tells which it was.
      return systemTable(bytes, start, end)?.table === TABLE ? this.#parsed(bytes, start, end) : null
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
    const idEnd = plainIdEnd(request)
    if (idEnd < 0) return this.#looked(request)
    const { bytes, start } = request
    const at = start + PLAIN_ID_AT
    const lately = this.#lately.find(bytes, at, idEnd)
    if (lately !== null) return lately.query
    const query = this.#looked(request)
    if (query === null || query.unsure === null) this.#lately.put(bytes, at, idEnd, { query })
    return query
  }

  #looked(request: Frame): PeersQuery | null {
    const id = statementId(request)?.toString('latin1') ?? null
    if (id === null) return null
    // What its PREPARE tells is more than what a reply told of it.
    const query = this.#prepared.get(id)
    if (query !== undefined) return query
    return this.#foreign.has(id) || id.length > ID_BYTES_MAX ? null : { select: null, ports: [], unsure: id }
  }

  /** The EXECUTE of what is not known, so that its reply tells its columns. */
  // Cold: once a prepared statement
  telling(request: Frame): Frame {
    if (!request.whole) return request
    try {
      return withMetadata(request)
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
