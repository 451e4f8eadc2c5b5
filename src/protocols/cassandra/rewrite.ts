import type { Frame } from '../../core/frame.ts'
import { bodyOf, encodeBody, type Body } from './body/body.ts'
import type { BatchStatement, Request } from './body/requests.ts'
import type { Column } from './body/results.ts'
import { decodeValue, encodeValue, type Value } from './body/values.ts'
import { splice as editText, type Edit } from './cql/edits.ts'
import { parseStatement, type Unparsed } from './cql/parse.ts'
import type { Statement } from './cql/tree.ts'
import { BATCH, EXECUTE, PREPARE, QUERY, RESULT } from './opcodes.ts'
import { statementText } from './request.ts'
import { splice } from './splice.ts'

/** What becomes of one statement: nothing where there are no edits. Of a text that is no CQL as it is known here `type` is `unparsed`. */
export type EditStatement = (statement: Statement | Unparsed) => readonly Edit[]

/**
 * The request with its statements edited: that of a QUERY or PREPARE, and those that stand as text in a BATCH. The request itself where nothing
 * is to change, or it has no text. It must be whole. Throws CorruptError where it can't be read.
 */
export function editStatements(request: Frame, edit: EditStatement): Frame {
  if (request.kind === BATCH) return editBatch(request, edit)
  if (request.kind !== QUERY && request.kind !== PREPARE) return request
  const { bytes, start, end } = statementText(request)
  const edits = edit(parseStatement(bytes, start, end))
  if (edits.length !== 0) splice(request, 0, editText(bytes, edits, start, end))
  return request
}

function editBatch(request: Frame, edit: EditStatement): Frame {
  const body = bodyOf(request)
  const message = body.message as Extract<Request, { type: 'batch' }>
  let isChanged = false
  const statements = message.statements.map((one): BatchStatement => {
    if (typeof one.statement !== 'string') return one
    const bytes = Buffer.from(one.statement)
    const edits = edit(parseStatement(bytes))
    if (edits.length === 0) return one
    isChanged = true
    return { ...one, statement: editText(bytes, edits).toString() }
  })
  return isChanged ? encoded(request, { ...body, message: { ...message, statements } }) : request
}

/** The request asking for rows that say which columns they have: an EXECUTE may ask for them bare. The request itself where it does not. */
export function withMetadata(request: Frame): Frame {
  if (request.kind !== EXECUTE && request.kind !== QUERY) return request
  const body = bodyOf(request)
  const message = body.message as Extract<Request, { type: 'execute' | 'query' }>
  if (!message.parameters.skipsMetadata) return request
  return encoded(request, {
    ...body,
    message: { ...message, parameters: { ...message.parameters, skipsMetadata: false } },
  })
}

/**
 * The reply with other values in its rows. `choose` is asked once for each column and says what becomes of its values; null: they stay, and
 * are not decoded. The reply itself where it has no such columns. It must be whole. Throws CorruptError where it can't be read, TypeError where a value
 * is none of its column's type, and Error where rows do not say which columns they have: see `withMetadata`.
 */
export function mapRows(reply: Frame, choose: (column: Column) => ((value: Value) => Value) | null): Frame {
  if (reply.kind !== RESULT) return reply
  const body = bodyOf(reply)
  const { message } = body
  if (message.type !== 'rows' || message.rows.length === 0) return reply
  const { columns } = message.metadata
  if (columns === null) throw new Error('the rows do not say which columns they have')
  const maps = columns.map(choose)
  if (maps.every((map) => map === null)) return reply
  const rows = message.rows.map((row) =>
    row.map((bytes, i) => {
      const map = maps[i]
      if (map === null || map === undefined) return bytes
      const { type } = columns[i]!
      return encodeValue(type, map(decodeValue(type, bytes)))
    }),
  )
  return encoded(reply, { ...body, message: { ...message, rows } })
}

function encoded(instead: Frame, body: Body): Frame {
  return encodeBody(body, instead.stream)
}
