import type { Frame } from '../../core/frame.ts'
import { bodyOf } from './body/body.ts'
import type { BatchStatement, Parameters, Request } from './body/requests.ts'
import type { Response } from './body/responses.ts'
import { CorruptError } from './corrupt-error.ts'
import { versionOf } from './envelope.ts'
import { opcodeName } from './opcodes.ts'

const CONSISTENCIES = 'ANY ONE TWO THREE QUORUM ALL LOCAL_QUORUM EACH_QUORUM SERIAL LOCAL_SERIAL LOCAL_ONE'.split(' ')
const BATCH_KINDS = ['LOGGED', 'UNLOGGED', 'COUNTER']
/** Statements of a batch, and columns, that are told. */
const ITEMS_MAX = 20

/** One line for logs: what is asked or answered, without any value that was bound or found. */
export function describe(frame: Frame): string {
  const start = `Cassandra V${versionOf(frame)} stream:${frame.stream} ${opcodeName(frame.kind)}`
  if (!frame.whole) return `${start}, the beginning of ${frame.announced} bytes`
  try {
    const { message, warnings } = bodyOf(frame)
    const told = messageText(message)
    const warned = warnings === null ? '' : ` warnings:${JSON.stringify(warnings)}`
    return `${start}${told === '' ? '' : ` ${told}`}${warned}`
  } catch (error) {
    if (error instanceof CorruptError) return `${start}, unparseable: ${error.message}`
    throw error
  }
}

function messageText(message: Request | Response): string {
  switch (message.type) {
    case 'startup':
      return JSON.stringify(Object.fromEntries(message.options))
    case 'register':
      return message.events.join(' ')
    case 'query':
      return `${parametersText(message.parameters)} ${message.text}`
    case 'prepare':
      return message.text
    case 'execute':
      return `${parametersText(message.parameters)} id:${message.id.toString('hex')}`
    case 'batch': {
      const shown = message.statements.slice(0, ITEMS_MAX).map(statementOf).join('; ')
      const more = message.statements.length > ITEMS_MAX ? `; and ${message.statements.length - ITEMS_MAX} more` : ''
      return `${BATCH_KINDS[message.kind] ?? message.kind} ${parametersText(message.parameters)} ${shown}${more}`
    }
    case 'error':
      return `0x${message.code.toString(16).padStart(4, '0')} ${message.message}`
    case 'authenticate':
      return message.authenticator
    case 'supported':
      return JSON.stringify(Object.fromEntries(message.options))
    case 'rows': {
      const columns = message.metadata.columns?.slice(0, ITEMS_MAX).map(({ name }) => name)
      return `Rows ${message.rows.length} of ${columns?.join(', ') ?? `${message.metadata.columnCount} columns`}`
    }
    case 'set-keyspace':
      return `SetKeyspace ${message.keyspace}`
    case 'prepared':
      return `Prepared id:${message.id.toString('hex')}`
    case 'schema-change':
      return `SchemaChange ${[message.change, message.target, message.keyspace, message.name ?? ''].join(' ').trim()}`
    case 'void':
      return 'Void'
    case 'event':
      return message.event
    case 'options':
    case 'ready':
    // Tokens are secrets.
    case 'auth-challenge':
    case 'auth-response':
    case 'auth-success':
      return ''
  }
}

function parametersText({ consistency, values }: Parameters): string {
  return `consistency:${CONSISTENCIES[consistency] ?? consistency} with_names:${values instanceof Map}`
}

function statementOf({ statement }: BatchStatement): string {
  return typeof statement === 'string' ? statement : `id:${statement.toString('hex')}`
}
