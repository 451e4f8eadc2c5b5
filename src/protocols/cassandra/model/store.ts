import { createHash } from 'node:crypto'
import { Lexer, STRING } from '../cql/lexer.ts'

/** Keyspaces that are there from the beginning; each has the table `t (k text PRIMARY KEY, v text)`. */
export const MODEL_KEYSPACES = ['ks0', 'ks1', 'Ks2']

/** A statement that the model understands; null stands for a marker. */
export type ModelStatement =
  | {
      readonly type: 'insert'
      readonly keyspace: string | null
      readonly key: string | null
      readonly value: string | null
    }
  | { readonly type: 'select'; readonly keyspace: string | null; readonly key: string | null }
  | { readonly type: 'use'; readonly keyspace: string }
  | { readonly type: 'create'; readonly table: string }

/** Reads `INSERT INTO t (k, v) VALUES (x, y)`, `SELECT v FROM t WHERE k = x`, `USE ks` and `CREATE TABLE x ...`; null: a syntax error. */
export function readModelStatement(text: string): ModelStatement | null {
  const bytes = Buffer.from(text)
  const lexer = new Lexer(bytes, 0, bytes.length)
  const words: { kind: number; text: string }[] = []
  while (lexer.next() !== 0) words.push({ kind: lexer.kind, text: lexer.text })
  const texts = words.map((word) => word.text)
  const at = texts.indexOf('t')
  const keyspace = texts[at - 1] === '.' ? texts[at - 2]! : null
  const valueOf = (index: number) => (words[index]?.kind === STRING ? words[index].text : null)
  switch (texts[0]) {
    case 'use':
      return texts[1] === undefined ? null : { type: 'use', keyspace: texts[1] }
    case 'create':
      return texts[1] === 'table' && texts[2] !== undefined ? { type: 'create', table: texts[2] } : null
    case 'select': {
      const equals = texts.indexOf('=')
      return equals < 0 ? null : { type: 'select', keyspace, key: valueOf(equals + 1) }
    }
    case 'insert': {
      const open = texts.lastIndexOf('(')
      return open < 0 ? null : { type: 'insert', keyspace, key: valueOf(open + 1), value: valueOf(open + 3) }
    }
    default:
      return null
  }
}

/** What the model holds: rows by keyspace and key, and what was prepared. It outlives its connections. */
export class ModelStore {
  readonly rows = new Map<string, string>()
  readonly prepared = new Map<string, { readonly statement: ModelStatement; readonly keyspace: string | null }>()

  static place(keyspace: string, key: string): string {
    return `${keyspace}/${key}`
  }

  /** The id of a statement, prepared with this keyspace: as Cassandra has it, a hash of both. */
  prepare(text: string, keyspace: string | null): Buffer | null {
    const statement = readModelStatement(text)
    if (statement === null) return null
    const id = createHash('md5')
      .update(`${keyspace ?? ''}${text}`)
      .digest()
    this.prepared.set(id.toString('hex'), { statement, keyspace })
    return id
  }
}
