// Hot path
import type { Batch, Exchange } from '../../core/exchange.ts'
import type { Frame } from '../../core/frame.ts'
import { transform } from '../../core/kind.ts'
import type { Link } from '../../core/transform.ts'
import { bodyOf, encodeBody } from './body/body.ts'
import type { Column, Result } from './body/results.ts'
import { CorruptError } from './corrupt-error.ts'
import { classify } from './cql/classify.ts'
import { parseStatement } from './cql/parse.ts'
import { SELECT } from './cql/statement-kinds.ts'
import type { Select } from './cql/tree.ts'
import { EVENT, EXECUTE, PREPARE, QUERY, RESULT } from './opcodes.ts'
import { Reader } from './reader.ts'
import { requestReader, statementText } from './request.ts'

const TABLE = 'peers_v2'
const COLUMN = 'native_port'
/** A compressed statement that is longer is about no peers. */
const TEXT_BYTES_MAX = 64 * 1024
const ID_BYTES_MAX = 64
/** Prepared statements about peers that are kept; the first is forgotten first. */
const PREPARED_MAX = 1000

/** What is known of a request for peers. */
interface Asked {
  /** Null where the text could not be parsed: columns are then told by the names that the reply gives them. */
  readonly select: Select | null
  /** Of what was prepared: which columns are ports, for replies that do not describe their columns. */
  readonly ports: readonly number[]
}

/** Finds the requests for peers, and writes the port into their replies. One for all sessions of a thread. */
class PeersRewrite {
  readonly #port: Buffer
  readonly #prepared = new Map<string, Asked>()

  constructor(port: number) {
    this.#port = Buffer.alloc(4)
    this.#port.writeInt32BE(port)
  }

  /** Null: it is about something else. */
  asked(request: Frame): Asked | null {
    const { kind } = request
    if (kind === QUERY || kind === PREPARE) return peersQuery(request)
    return kind === EXECUTE && this.#prepared.size !== 0 ? this.#executed(request) : null
  }

  // Cold: where peers have been asked for with a prepared statement
  #executed(request: Frame): Asked | null {
    try {
      return (
        this.#prepared.get(
          requestReader(request, ID_BYTES_MAX + 2)
            .shortBytes()
            .toString('latin1'),
        ) ?? null
      )
    } catch (error) {
      if (error instanceof CorruptError) return null
      throw error
    }
  }

  /** The reply with the port in it; the same where there is nothing to write. */
  // Cold: once a request for peers
  rewritten(reply: Frame, asked: Asked): Frame {
    if (reply.kind !== RESULT || !reply.whole) return reply
    try {
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

  // Cold: once a prepared statement about peers
  #learn({ id, result }: Extract<Result, { type: 'prepared' }>, select: Select | null): void {
    const ports = result.columns === null ? [] : portColumns(result.columns, select)
    if (ports.length === 0 || id.length > ID_BYTES_MAX) return
    this.#prepared.set(id.toString('latin1'), { select, ports })
    if (this.#prepared.size > PREPARED_MAX) this.#prepared.delete(this.#prepared.keys().next().value!)
  }

  /** A push with the port in it, where it tells that a node came up or went down: native_protocol_v5.spec 4.2.6. */
  // Cold: the state of a node changed
  rewrittenPush(push: Frame): Frame {
    if (push.kind !== EVENT || !push.whole) return push
    try {
      const body = bodyOf(push)
      const { message } = body
      if (message.type !== 'event' || message.event !== 'STATUS_CHANGE') return push
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

function peersQuery(request: Frame): Asked | null {
  try {
    const { bytes, start, end } = statementText(request, TEXT_BYTES_MAX)
    const { kind, keyspace, table } = classify(bytes, start, end)
    // Where no keyspace is named the reply tells which it was.
    if (kind !== SELECT || table !== TABLE || (keyspace !== null && keyspace !== 'system')) return null
    const statement = parseStatement(bytes, start, end)
    return { select: statement.type === 'select' ? statement : null, ports: [] }
  } catch (error) {
    if (error instanceof CorruptError) return null
    throw error
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

/** Tells clients that all nodes listen on one port, that of the proxy. */
export const cassandraPeersRewrite = transform({
  type: 'CassandraPeersRewrite',
  doc: 'Tells clients that all other nodes listen on one port: in the rows of `system.peers_v2`, and in events of nodes that come up or go down.',
  protocols: ['cassandra'],
  options: (z) =>
    z.strictObject({
      port: z
        .int()
        .min(1)
        .max(65535)
        .describe('The port that clients are told, of this proxy or of those beside the nodes.'),
    }),
  example: { port: 9042 },
  create({ port }) {
    const peers = new PeersRewrite(port)
    return () => {
      /** What was asked of peers, and is not answered. */
      const open = new Map<Exchange, Asked>()
      const forget = (exchange: Exchange) => void open.delete(exchange)
      return {
        onRequests(batch: Batch, link: Link) {
          for (let i = 0; i < batch.length; i++) {
            const asked = peers.asked(batch[i]!.request)
            if (asked !== null) open.set(batch[i]!, asked)
          }
          link.forward(batch)
        },
        onResponses(batch: Batch, link: Link) {
          for (let i = 0; i < batch.length && open.size !== 0; i++) {
            const exchange = batch[i]!
            const asked = open.get(exchange)
            if (asked === undefined) continue
            open.delete(exchange)
            exchange.response = peers.rewritten(exchange.response!, asked)
          }
          link.reply(batch)
        },
        onPush(push: Frame, link: Link) {
          link.push(peers.rewrittenPush(push))
        },
        // The peers of a large cluster, with their tokens, come in parts.
        wants: (kind: number) => (kind === RESULT && open.size !== 0 ? 'whole' : 'head'),
        onCancel: forget,
        onSilent: forget,
      }
    }
  },
})
