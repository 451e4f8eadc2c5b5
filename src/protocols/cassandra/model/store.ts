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
      /** The value stands before the key. */
      readonly valueFirst: boolean
      /** 0: it stays. */
      readonly ttlSeconds: number
    }
  | { readonly type: 'select' | 'delete'; readonly keyspace: string | null; readonly key: string | null }
  | { readonly type: 'truncate'; readonly keyspace: string | null }
  | { readonly type: 'use'; readonly keyspace: string }
  | { readonly type: 'create'; readonly table: string }
  /** About the schema: which columns of which of its tables, and of what. */
  | { readonly type: 'schema'; readonly from: string; readonly keyspace: string; readonly table: string }

/**
 * Reads `INSERT INTO t (k, v) VALUES (x, y) [USING TTL n]`, `UPDATE t SET v = y WHERE k = x`, `DELETE FROM t WHERE k = x`, `TRUNCATE t`,
 * `SELECT v FROM t WHERE k = x`, `USE ks`, `CREATE TABLE x ...`, and what asks system_schema about a table; null: a syntax error.
 */
export function readModelStatement(text: string): ModelStatement | null {
  const bytes = Buffer.from(text)
  const lexer = new Lexer(bytes, 0, bytes.length)
  const words: { kind: number; text: string }[] = []
  while (lexer.next() !== 0) words.push({ kind: lexer.kind, text: lexer.text })
  const texts = words.map((word) => word.text)
  const at = texts.indexOf('t')
  const keyspace = texts[at - 1] === '.' ? texts[at - 2]! : null
  const valueOf = (index: number) => (words[index]?.kind === STRING ? words[index].text : null)
  const behind = (word: string) => texts.lastIndexOf(word) + 1
  switch (texts[0]) {
    case 'use':
      return texts[1] === undefined ? null : { type: 'use', keyspace: texts[1] }
    case 'create':
      return texts[1] === 'table' && texts[2] !== undefined ? { type: 'create', table: texts[2] } : null
    case 'truncate':
      return { type: 'truncate', keyspace }
    case 'select':
    case 'delete': {
      const equals = behind('=')
      if (equals === 0) return null
      const schema = texts.indexOf('system_schema')
      if (schema > 0) return { type: 'schema', from: texts[schema + 2]!, keyspace: texts[behind('keyspace_name') + 1]!, table: texts[equals]! } // prettier-ignore
      return { type: texts[0], keyspace, key: valueOf(equals) }
    }
    case 'update': {
      const key = valueOf(behind('='))
      const value = valueOf(texts.indexOf('=') + 1)
      return { type: 'insert', keyspace, key, value, valueFirst: true, ttlSeconds: 0 }
    }
    case 'insert': {
      const open = behind('(')
      if (open === 0) return null
      const ttl = behind('ttl')
      const ttlSeconds = ttl === 0 ? 0 : Number(texts[ttl])
      return { type: 'insert', keyspace, key: valueOf(open), value: valueOf(open + 2), valueFirst: false, ttlSeconds }
    }
    default:
      return null
  }
}

/** What the model holds: rows by keyspace and key, and what was prepared. It outlives its connections. */
export class ModelStore {
  readonly rows: Map<string, string>
  readonly prepared = new Map<string, { readonly statement: ModelStatement; readonly keyspace: string | null }>()

  constructor(rows = new Map<string, string>()) {
    this.rows = rows
  }

  static place(keyspace: string, key: string): string {
    return `${keyspace}/${key}`
  }

  /** Keys of the rows of a keyspace's table. */
  keysOf(keyspace: string): string[] {
    const before = ModelStore.place(keyspace, '')
    return [...this.rows.keys()].filter((place) => place.startsWith(before)).map((place) => place.slice(before.length))
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
