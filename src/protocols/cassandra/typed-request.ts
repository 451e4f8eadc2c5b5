import type { Frame } from '../../core/frame.ts'
import { encodeBody, plain } from './body/body.ts'
import { NO_PARAMETERS } from './body/requests.ts'
import { parseStatement } from './cql/parse.ts'
import { VERSION_FALLBACK } from './envelope.ts'

/** A statement as one types it in cqlsh: a QUERY. Throws where it is none. */
export function typedRequest(line: string): Frame {
  const bytes = Buffer.from(line)
  const parsed = parseStatement(bytes)
  if (parsed.type === 'unparsed') throw new Error(`it is no CQL that is known here: ${parsed.reason}`)
  return encodeBody(plain(VERSION_FALLBACK, { type: 'query', text: line, parameters: NO_PARAMETERS }), 0)
}

/** What a client says before its first statement. */
export function typedStartup(): Frame {
  const options = new Map([['CQL_VERSION', '3.0.0']])
  return encodeBody(plain(VERSION_FALLBACK, { type: 'startup', options }), 0)
}
