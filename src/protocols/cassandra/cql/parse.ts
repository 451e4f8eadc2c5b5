import { account, addIdentity, grant, list } from './access.ts'
import { Cursor, SyntaxFault } from './cursor.ts'
import { describe } from './describe.ts'
import { END } from './lexer.ts'
import { deletion, insert, update, using } from './modify.ts'
import { ALTER, CREATE, drop } from './schema.ts'
import { select } from './select.ts'
import * as kinds from './statement-kinds.ts'
import type { BatchText, Delete, Insert, Statement, Update } from './tree.ts'

/** A text that is no statement of CQL as it is known here: it goes on as it is. */
export interface Unparsed {
  readonly type: 'unparsed'
  readonly kind: typeof kinds.UNRECOGNIZED
  /** Where in the bytes, and what is wrong there. */
  readonly at: number
  readonly reason: string
}

/** What a statement is made of, besides what every one has. */
type Part<T = Statement> = T extends Statement
  ? Omit<T, 'kind' | 'references' | 'markers' | 'start' | 'end'> & { kind: number }
  : never

/**
 * Parses the statement `bytes[at, end)` as Cassandra 3.11 to 5.1 does (src/antlr/Parser.g). Every place in the tree is one of `bytes`.
 * It takes what the server takes, and here and there more; it never throws.
 */
export function parseStatement(bytes: Buffer, at = 0, end = bytes.length): Statement | Unparsed {
  try {
    const cursor = new Cursor(bytes, at, end)
    const parsed = statement(cursor)
    while (cursor.takesSymbol(';'));
    if (cursor.kind !== END) cursor.fail('the end')
    return parsed
  } catch (error) {
    if (!(error instanceof SyntaxFault)) throw error
    return { type: 'unparsed', kind: kinds.UNRECOGNIZED, at: error.at, reason: error.message }
  }
}

function statement(cursor: Cursor): Statement {
  const { start } = cursor
  const references = cursor.references.length
  const markers = cursor.markers.length
  const part = partOf(cursor)
  return {
    ...part,
    references: cursor.references.slice(references),
    markers: cursor.markers.slice(markers),
    start,
    end: cursor.before,
  } as Statement
}

function partOf(cursor: Cursor): Part {
  if (cursor.takes('select')) return { kind: kinds.SELECT, ...select(cursor) }
  if (cursor.takes('insert')) return { kind: kinds.INSERT, ...insert(cursor) }
  if (cursor.takes('update')) return { kind: kinds.UPDATE, ...update(cursor) }
  if (cursor.takes('delete')) return { kind: kinds.DELETE, ...deletion(cursor) }
  if (cursor.takes('begin')) return batch(cursor)
  if (cursor.takes('use')) {
    cursor.keyspace()
    return other(kinds.USE)
  }
  if (cursor.takes('truncate')) {
    if (!cursor.takes('table')) cursor.takes('columnfamily')
    cursor.reference('table')
    return other(kinds.TRUNCATE)
  }
  return rarePart(cursor)
}

function rarePart(cursor: Cursor): Part {
  for (const verb of ['create', 'alter', 'drop']) if (cursor.takes(verb)) return definition(cursor, verb)
  if (cursor.takes('grant')) {
    grant(cursor, 'to')
    return other(kinds.statementCode('GRANT'))
  }
  if (cursor.takes('revoke')) {
    grant(cursor, 'from')
    return other(kinds.statementCode('REVOKE'))
  }
  if (cursor.takes('list')) {
    const of = cursor.text.toUpperCase()
    list(cursor)
    return other(kinds.statementCode(`LIST ${of}`) || kinds.statementCode('LIST PERMISSIONS'))
  }
  if (cursor.takes('describe') || cursor.takes('desc')) {
    describe(cursor)
    return other(kinds.statementCode('DESCRIBE'))
  }
  if (cursor.takes('add')) {
    addIdentity(cursor)
    return other(kinds.statementCode('ADD IDENTITY'))
  }
  return cursor.fail('a statement')
}

function other(kind: number): Part {
  return { kind, type: 'other' }
}

function batch(cursor: Cursor): Part {
  const logging = cursor.takes('unlogged') ? 'unlogged' : cursor.takes('counter') ? 'counter' : 'logged'
  cursor.expect('batch')
  const attributes = using(cursor)
  const statements: BatchText['statements'][number][] = []
  while (!cursor.takes('apply')) {
    if (!['insert', 'update', 'delete'].some((word) => cursor.isWord(word)))
      cursor.fail('INSERT, UPDATE, DELETE or APPLY')
    statements.push(statement(cursor) as Insert | Update | Delete)
    cursor.takesSymbol(';')
  }
  cursor.expect('batch')
  return { kind: kinds.BATCH_TEXT, type: 'batch', logging, using: attributes, statements }
}

/** Behind CREATE, ALTER or DROP. */
function definition(cursor: Cursor, verb: string): Part {
  if (verb === 'create') {
    const replaces = cursor.takes('or', 'replace')
    if (replaces && !cursor.isWord('function') && !cursor.isWord('aggregate')) cursor.fail('FUNCTION or AGGREGATE')
    if (cursor.takes('custom') && !cursor.isWord('index')) cursor.fail('INDEX')
  }
  const isView = cursor.takes('materialized')
  const word = cursor.text
  const what = word === 'schema' ? 'keyspace' : word === 'columnfamily' ? 'table' : word
  if (isView !== (what === 'view')) cursor.fail('what to change')
  const name = isView ? 'MATERIALIZED VIEW' : what.toUpperCase()
  const kind = kinds.statementCode(`${verb.toUpperCase()} ${name}`)
  if (kind === kinds.UNRECOGNIZED) cursor.fail('what to change')
  cursor.next()
  if (account(cursor, verb, what)) return other(kind)
  const parse = verb === 'create' ? CREATE[what] : verb === 'alter' ? ALTER[what] : undefined
  const parsed = parse?.(cursor) ?? null
  if (parse === undefined && !drop(cursor, what)) cursor.fail('what to change')
  return parsed === null ? other(kind) : { kind, ...parsed }
}
