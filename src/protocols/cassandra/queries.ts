import type { Frame } from '../../core/frame.ts'
import type { QueryFacet, QueryType } from '../../core/protocol.ts'
import { statementKind, statementKinds } from './cql/classify.ts'
import { SELECT, STATEMENT_NAMES, STATEMENT_TYPES, UNRECOGNIZED } from './cql/statement-kinds.ts'
import { CorruptError } from './corrupt-error.ts'
import { login } from './login.ts'
import { BATCH, EXECUTE, opcodeName, OPTIONS, PREPARE, QUERY } from './opcodes.ts'
import { UNKNOWN, type PreparedStatements } from './prepared.ts'
import { requestReader, statementText, textAt } from './request.ts'

/** So much of a compressed statement tells what it is. */
const TELLING_BYTES = 4096

/** What generic transforms may ask about CQL. An EXECUTE counts as what was prepared. */
export function queriesOf(prepared: PreparedStatements): QueryFacet {
  return {
    metricType: 'cassandra',
    name(frame: Frame): string {
      const kind = kindOf(frame, prepared)
      return kind === NONE ? opcodeName(frame.kind).toUpperCase() : STATEMENT_NAMES[Math.max(kind, UNRECOGNIZED)]!
    },
    names(frame: Frame, into: string[]): number {
      if (frame.kind === EXECUTE) {
        into.push(STATEMENT_NAMES[Math.max(prepared.executed(frame), UNRECOGNIZED)]!)
        return 1
      }
      const kinds: number[] = []
      kindsOf(frame, prepared, kinds)
      for (const kind of kinds) into.push(STATEMENT_NAMES[Math.max(kind, UNRECOGNIZED)]!)
      return kinds.length
    },
    type(frame: Frame): QueryType {
      if (frame.kind === BATCH) return 'Write'
      const kind = kindOf(frame, prepared)
      if (kind === NONE) return 'Read'
      // What nobody saw prepared may be anything: the worst is assumed. See failure.ts for what becomes of it.
      return kind === UNKNOWN ? 'Write' : STATEMENT_TYPES[kind]!
    },
    /** Which columns are the key is the schema's to say. */
    keys: () => [],
    cost: (frame) => (frame.kind === BATCH ? Math.max(1, batchSize(frame)) : 1),
    idempotent(frame: Frame): boolean {
      if (frame.kind === OPTIONS || frame.kind === PREPARE) return true
      return frame.kind !== BATCH && kindOf(frame, prepared) === SELECT
    },
    login,
  }
}

/** It is no statement. */
const NONE = -2

function kindOf(frame: Frame, prepared: PreparedStatements): number {
  if (frame.kind === EXECUTE) return prepared.executed(frame)
  if (frame.kind !== QUERY) return NONE
  try {
    const { bytes, start, end } = statementText(frame, TELLING_BYTES)
    return statementKind(bytes, start, end)
  } catch (error) {
    if (error instanceof CorruptError) return UNRECOGNIZED
    throw error
  }
}

function kindsOf(frame: Frame, prepared: PreparedStatements, into: number[]): void {
  if (frame.kind !== QUERY && frame.kind !== BATCH) return
  try {
    if (frame.kind === BATCH) batchKinds(frame, prepared, into)
    else {
      const { bytes, start, end } = statementText(frame)
      statementKinds(bytes, start, end, into)
    }
  } catch (error) {
    // Of a head, what has come.
    if (!(error instanceof CorruptError)) throw error
    if (frame.whole) into.push(UNRECOGNIZED)
  }
}

/** The statements of a BATCH, 4.1.7. */
function batchKinds(frame: Frame, prepared: PreparedStatements, into: number[]): void {
  const reader = requestReader(frame)
  reader.byte()
  for (let count = reader.short(); count > 0; count--) {
    if (reader.byte() === 0) {
      const { bytes, start, end } = textAt(reader)
      statementKinds(bytes, start, end, into)
    } else into.push(prepared.kind(reader.shortBytes()))
    for (let values = reader.short(); values > 0; values--) reader.value()
  }
}

function batchSize(frame: Frame): number {
  try {
    const reader = requestReader(frame, TELLING_BYTES)
    reader.byte()
    return reader.short()
  } catch (error) {
    if (error instanceof CorruptError) return 1
    throw error
  }
}
