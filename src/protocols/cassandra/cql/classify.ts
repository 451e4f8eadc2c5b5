// Hot path
import { END, Lexer, WORD } from './lexer.ts'
import {
  BATCH_TEXT,
  DELETE,
  INSERT,
  SELECT,
  statementCode,
  TRUNCATE,
  UNRECOGNIZED,
  UPDATE,
  USE,
} from './statement-kinds.ts'

/** What a statement is and which table it is about, as far as that can be told without parsing it. */
export interface Statement {
  /** Code of its name. */
  readonly kind: number
  /** Null: none is named. */
  readonly keyspace: string | null
  readonly table: string | null
}

/** Longest keyword that decides: `materialized`. */
const WORD_BYTES_MAX = 16

const FIRST_CODES: ReadonlyMap<string, number> = new Map([
  ['select', SELECT],
  ['insert', INSERT],
  ['update', UPDATE],
  ['delete', DELETE],
  ['truncate', TRUNCATE],
  ['use', USE],
  ['grant', statementCode('GRANT')],
  ['revoke', statementCode('REVOKE')],
  ['describe', statementCode('DESCRIBE')],
  ['desc', statementCode('DESCRIBE')],
])

/** The code of the statement `bytes[at, end)`, by its first words; 0 where it is none. */
export function statementKind(bytes: Buffer, at: number, end: number): number {
  const lexer = new Lexer(bytes, at, end)
  return lexer.next() === WORD ? kindOf(lexer) : UNRECOGNIZED
}

/** The first word is the present token; afterwards the last word that told. */
function kindOf(lexer: Lexer): number {
  const first = wordOf(lexer)
  const code = FIRST_CODES.get(first)
  if (code !== undefined) return code
  switch (first) {
    case 'begin':
      return beginsBatch(lexer) ? BATCH_TEXT : UNRECOGNIZED
    case 'create':
    case 'alter':
    case 'drop':
    case 'add':
      return schemaKind(lexer, first.toUpperCase())
    case 'list':
      return listKind(lexer)
    default:
      return UNRECOGNIZED
  }
}

function beginsBatch(lexer: Lexer): boolean {
  lexer.next()
  if (lexer.isWord('unlogged') || lexer.isWord('counter')) lexer.next()
  return lexer.isWord('batch')
}

// Cold: statements that are rare
function schemaKind(lexer: Lexer, verb: string): number {
  lexer.next()
  if (lexer.isWord('or')) {
    lexer.next()
    lexer.next()
  }
  if (lexer.isWord('custom')) lexer.next()
  const object = wordOf(lexer)
  if (object === 'materialized') {
    lexer.next()
    return statementCode(`${verb} MATERIALIZED VIEW`)
  }
  const name = SYNONYMS.get(object) ?? object.toUpperCase()
  return statementCode(`${verb} ${name}`)
}

const SYNONYMS: ReadonlyMap<string, string> = new Map([
  ['schema', 'KEYSPACE'],
  ['columnfamily', 'TABLE'],
])

// Cold: statements that are rare
function listKind(lexer: Lexer): number {
  lexer.next()
  const what = wordOf(lexer)
  if (what === 'roles' || what === 'users' || what === 'superusers') return statementCode(`LIST ${what.toUpperCase()}`)
  return statementCode('LIST PERMISSIONS')
}

function wordOf(lexer: Lexer): string {
  if (lexer.kind !== WORD || lexer.end - lexer.start > WORD_BYTES_MAX) return ''
  return lexer.bytes.toString('latin1', lexer.start, lexer.end).toLowerCase()
}

/** Words between a statement's kind and the name of its table. */
const BEFORE_TABLE = new Set(['into', 'from', 'if', 'not', 'exists', 'table', 'columnfamily', 'view', 'only'])

/** Classifies the statement `bytes[at, end)`. A text of several statements, `BEGIN BATCH`, has no table of its own. */
export function classify(bytes: Buffer, at: number, end: number): Statement {
  const lexer = new Lexer(bytes, at, end)
  if (lexer.next() !== WORD) return { kind: UNRECOGNIZED, keyspace: null, table: null }
  const kind = kindOf(lexer)
  const path = PATHS.get(kind) ?? NO_TABLE
  if (path === NO_TABLE) return { kind, keyspace: null, table: null }
  if (path === AFTER_FROM) skipTo(lexer, 'from')
  else if (path === AFTER_ON) skipTo(lexer, 'on')
  lexer.next()
  while (lexer.kind === WORD && BEFORE_TABLE.has(wordOf(lexer))) lexer.next()
  return named(lexer, kind)
}

const NO_TABLE = 0
const AFTER_KIND = 1
const AFTER_FROM = 2
const AFTER_ON = 3

/** Where the name of the table stands, by the code of the statement. */
const PATHS: ReadonlyMap<number, number> = new Map([
  [SELECT, AFTER_FROM],
  [DELETE, AFTER_FROM],
  [INSERT, AFTER_KIND],
  [UPDATE, AFTER_KIND],
  [TRUNCATE, AFTER_KIND],
  [statementCode('CREATE TABLE'), AFTER_KIND],
  [statementCode('ALTER TABLE'), AFTER_KIND],
  [statementCode('DROP TABLE'), AFTER_KIND],
  [statementCode('CREATE INDEX'), AFTER_ON],
])

/** Up to the word, outside of brackets. */
function skipTo(lexer: Lexer, word: string): void {
  let depth = 0
  while (lexer.next() !== END) {
    if (lexer.isSymbol('(') || lexer.isSymbol('[') || lexer.isSymbol('{')) depth++
    else if (lexer.isSymbol(')') || lexer.isSymbol(']') || lexer.isSymbol('}')) depth--
    else if (depth === 0 && lexer.isWord(word)) return
  }
}

/** `name` or `keyspace.name`, of which the first token is the present one. */
function named(lexer: Lexer, kind: number): Statement {
  if (!lexer.isName) return { kind, keyspace: null, table: null }
  const first = lexer.text
  lexer.next()
  if (!lexer.isSymbol('.')) return { kind, keyspace: null, table: first }
  lexer.next()
  return { kind, keyspace: first, table: lexer.isName ? lexer.text : null }
}

/** Appends the code of each statement of the text, those of a `BEGIN BATCH` instead of its own. */
export function statementKinds(bytes: Buffer, at: number, end: number, into: number[]): void {
  const lexer = new Lexer(bytes, at, end)
  if (lexer.next() !== WORD) {
    into.push(UNRECOGNIZED)
    return
  }
  const kind = kindOf(lexer)
  if (kind === BATCH_TEXT) batchKinds(lexer, into)
  else into.push(kind)
}

/** Statements may follow each other without anything between; the words that they begin with are reserved, and name nothing else. */
// Cold: a batch as text
function batchKinds(lexer: Lexer, into: number[]): void {
  while (lexer.next() !== END && !lexer.isWord('apply')) {
    const code = lexer.kind === WORD ? (FIRST_CODES.get(wordOf(lexer)) ?? 0) : 0
    if (STATEMENTS_OF_BATCHES.has(code)) into.push(code)
  }
}

const STATEMENTS_OF_BATCHES: ReadonlySet<number> = new Set([INSERT, UPDATE, DELETE])
