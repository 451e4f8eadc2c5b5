import type { Frame } from '../../../core/frame.ts'
import { bodyOf, encodeBody, plain, type Body } from '../body/body.ts'
import { NO_PARAMETERS } from '../body/requests.ts'
import { CorruptError } from '../corrupt-error.ts'
import { errorFrame, versionOf } from '../envelope.ts'
import { ERROR, ERROR_SERVER, EXECUTE, QUERY } from '../opcodes.ts'
import { statementText } from '../request.ts'
import type { Statements } from './statements.ts'
import { resultOf } from './system-result.ts'
import { fleetTable, tableOf, type Surroundings } from './system-rows.ts'
import { systemSelect, systemTable, type SystemQuery, type SystemSelect } from './system-select.ts'

/** A compressed statement that is longer is about no nodes. */
const TEXT_BYTES_MAX = 64 * 1024

/**
 * What a QUERY or EXECUTE asks of the nodes; null where it asks for something else.
 * @param keyspace That its session has chosen.
 */
export function systemQuery(request: Frame, keyspace: string | null, statements: Statements): SystemQuery | null {
  if (!request.whole) return null
  try {
    if (request.kind === QUERY) return textQuery(request, keyspace)
    const system = request.kind === EXECUTE ? (statements.executed(request)?.system ?? null) : null
    if (system === null) return null
    const { message } = bodyOf(request)
    return message.type === 'execute' ? { ...system, parameters: message.parameters } : null
  } catch (error) {
    if (error instanceof CorruptError) return null
    throw error
  }
}

function textQuery(request: Frame, keyspace: string | null): SystemQuery | null {
  const { bytes, start, end } = statementText(request, TEXT_BYTES_MAX)
  if (systemTable(bytes, start, end) === null) return null
  const { message } = bodyOf(request)
  if (message.type !== 'query') return null
  const { text, parameters } = message
  // From version 5 on a request may name a keyspace of its own.
  const select = systemSelect(Buffer.from(text), parameters.keyspace ?? keyspace)
  return select === null ? null : { ...select, parameters }
}

/** What the proxy must ask the same node besides: all of system.local, and of the peers. */
export function internalQueries(asked: SystemSelect, version: number): Frame[] {
  return tablesOf(asked).map((table) => allOf(table, version))
}

/** A question for all rows of a table. */
export function allOf(table: string, version: number): Frame {
  return encodeBody(plain(version, { type: 'query', text: `SELECT * FROM ${table}`, parameters: NO_PARAMETERS }), 0)
}

function tablesOf({ table }: SystemSelect): readonly [string, string] {
  return ['system.local', table === 'peers_v2' ? 'system.peers_v2' : 'system.peers']
}

/**
 * The reply with the proxies in the place of nodes. What the server refuses is refused.
 * @param reply What the node answered to the client's request, whole.
 * @param internals Its answers to `internalQueries`, whole, in that order.
 */
export function rewritten(
  asked: SystemQuery,
  reply: Frame,
  internals: readonly Frame[],
  surroundings: Surroundings,
): Frame {
  if (reply.kind === ERROR) return reply
  try {
    const body = bodyOf(reply)
    // What is no SELECT after all.
    if (body.message.type !== 'rows') return reply
    for (const [index, internal] of internals.entries())
      if (internal.kind === ERROR) return failed(asked, reply, tablesOf(asked)[index]!, bodyOf(internal))
    const [local, peers] = internals.map(tableOf)
    if (!local || !peers) throw new CorruptError('a table without columns')
    const table = fleetTable(asked.table, local, peers, surroundings)
    const { rows, warnings } = resultOf(asked, table, body.message, surroundings)
    const told = [body, ...internals.map(bodyOf)].flatMap((each) => each.warnings ?? []).concat(warnings)
    const metadata = { ...body.message.metadata, pagingState: null }
    const message = { ...body.message, metadata, rows }
    // Version 3 has no warnings.
    return encodeBody({ ...body, message, warnings: told.length > 0 && body.version > 3 ? told : null }, reply.stream)
  } catch (error) {
    if (!(error instanceof CorruptError)) throw error
    return errorFrame(versionOf(reply), reply.stream, ERROR_SERVER, `Shotover failed to generate system.${asked.table}: the node's answer has ${error.message}.`) // prettier-ignore
  }
}

function failed(asked: SystemQuery, reply: Frame, internalTable: string, { message }: Body): Frame {
  const cause = message.type === 'error' ? message.message : message.type
  const text = `Shotover failed to generate system.${asked.table}, an error occurred when an internal ${internalTable} query was run. ${cause}`
  return errorFrame(versionOf(reply), reply.stream, ERROR_SERVER, text)
}
