import { setTimeout as wait } from 'node:timers/promises'
import { bodyOf } from '../../../src/protocols/cassandra/body/body.ts'
import {
  NO_PARAMETERS,
  type BoundValue,
  type Parameters,
  type Request,
} from '../../../src/protocols/cassandra/body/requests.ts'
import type { Response } from '../../../src/protocols/cassandra/body/responses.ts'
import { keyTypes, type KeyType, type KeyValue } from './random-keys.ts'
import type { RawClient } from './raw.ts'

// Tables with keys of every type, random keys of them, and requests about these.

export const PARAMETERS: Parameters = {
  ...NO_PARAMETERS,
  // All replicas: what was written is there, whoever is asked.
  consistency: 5,
}

const KEYSPACES: Readonly<Record<string, string>> = {
  simple1: `{'class': 'SimpleStrategy', 'replication_factor': 1}`,
  simple2: `{'class': 'SimpleStrategy', 'replication_factor': 2}`,
  network1: `{'class': 'NetworkTopologyStrategy', 'dc1': 1}`,
  network2: `{'class': 'NetworkTopologyStrategy', 'dc1': 2}`,
}

export interface KeyedTable {
  readonly keyspace: string
  readonly name: string
  /** Columns of the key are k0, k1 ... */
  readonly types: readonly KeyType[]
}

/** A table for each type of key, and some whose keys have several columns. */
export function tables(): KeyedTable[] {
  const names = Object.keys(KEYSPACES)
  const of = (keyspace: string) => new Map(keyTypes(keyspace).map((type) => [type.name, type]))
  const single = [...of('').keys()].map((name) => [name])
  const composite = [['text', 'int'], ['int', 'uuid', 'blob'], ['boolean', 'frozen<list<int>>'], ['bigint', 'ascii', 'timestamp', 'tinyint'], ['text', 'text']] // prettier-ignore
  return [...single, ...composite].map((types, index) => {
    const keyspace = names[index % names.length]!
    return { keyspace, name: `t${index}`, types: types.map((name) => of(keyspace).get(name)!) }
  })
}

export function query(text: string, values: Parameters['values'] = null): Request {
  return { type: 'query', text, parameters: { ...PARAMETERS, values } }
}

/** The answer, which is no error. */
export async function answerOf(client: RawClient, message: Request): Promise<Response> {
  const answer = bodyOf(await client.ask(message)).message as Response
  if (answer.type === 'error') throw new Error(`${answer.message}: ${JSON.stringify(message)}`)
  return answer
}

/** DDL, with a second try: a busy machine's nodes are late. */
export async function define(client: RawClient, text: string): Promise<void> {
  await answerOf(client, query(text)).catch(async () => {
    await wait(2000)
    return answerOf(client, query(text.replace(/^(CREATE \w+)( IF NOT EXISTS)?/, '$1 IF NOT EXISTS')))
  })
}

/** All nodes have the same schema. */
export async function agreed(client: RawClient): Promise<void> {
  for (let tries = 0; tries < 300; tries++, await wait(100)) {
    const versions = new Set<string>()
    for (const table of ['local', 'peers_v2']) {
      const answer = await answerOf(client, query(`SELECT schema_version FROM system.${table}`))
      if (answer.type === 'rows') for (const [version] of answer.rows) versions.add(String(version?.toString('hex')))
    }
    if (versions.size === 1) return
  }
  throw new Error('the nodes do not agree on a schema')
}

export async function createTables(client: RawClient): Promise<KeyedTable[]> {
  for (const [name, replication] of Object.entries(KEYSPACES)) {
    await define(client, `CREATE KEYSPACE ${name} WITH replication = ${replication}`)
    await define(client, `CREATE TYPE ${name}.point (x int, y text)`)
  }
  const all = tables()
  for (const { keyspace, name, types } of all) {
    const columns = types.map((type, index) => `k${index} ${type.name}`)
    const key = types.map((_, index) => `k${index}`)
    await define(client, `CREATE TABLE ${keyspace}.${name} (${columns.join(', ')}, v int, PRIMARY KEY ((${key.join(', ')})))`) // prettier-ignore
  }
  await agreed(client)
  return all
}

/** A key, all the ways in which a client can name it, and who has it. */
export class KeyCase {
  readonly table: KeyedTable
  readonly values: readonly KeyValue[]

  constructor(table: KeyedTable) {
    this.table = table
    this.values = table.types.map((type) => type.random())
  }

  get name(): string {
    return `${this.table.keyspace}.${this.table.name}`
  }

  get #where(): string[] {
    return this.values.map((_, index) => `k${index} = ?`)
  }

  get bound(): Buffer[] {
    return this.values.map(({ bytes }) => bytes)
  }

  get #named(): Map<string, BoundValue> {
    return new Map<string, BoundValue>([['v', Buffer.from([0, 0, 0, 7])], ...this.bound.map((bytes, index): [string, BoundValue] => [`k${index}`, bytes])]) // prettier-ignore
  }

  /** What stands in the table's statements that are prepared: a read, and a write whose markers are in another order. */
  get texts(): [read: string, write: string] {
    const columns = ['v', ...this.values.map((_, index) => `k${index}`).reverse()]
    return [
      `SELECT v FROM ${this.name} WHERE ${this.#where.join(' AND ')}`,
      `INSERT INTO ${this.name} (${columns.join(', ')}) VALUES (${columns.map(() => '?').join(', ')})`,
    ]
  }

  get #literals(): string {
    return this.values.map(({ literal }, index) => `k${index} = ${literal}`).join(' AND ')
  }

  insertion(): Request {
    const columns = this.values.map((_, index) => `k${index}`)
    return query(`INSERT INTO ${this.name} (${columns.join(', ')}, v) VALUES (${this.values.map(({ literal }) => literal).join(', ')}, 7)`) // prettier-ignore
  }

  tokenQuery(): Request {
    const columns = this.values.map((_, index) => `k${index}`).join(', ')
    return query(`SELECT token(${columns}) FROM ${this.name} WHERE ${this.#where.join(' AND ')}`, this.bound)
  }

  /** Requests about the key, by what they are; `ids`: of the prepared `texts`. */
  requests(ids: readonly { readonly id: Buffer; readonly metadataId: Buffer | null }[]): Map<string, Request> {
    const [read, write] = this.texts
    const seven = Buffer.from([0, 0, 0, 7])
    const reversed = [seven, ...this.bound.reverse()]
    const [readId, writeId] = ids as [(typeof ids)[number], (typeof ids)[number]]
    const execute = (of: typeof readId, values: Parameters['values']): Request => ({ type: 'execute', ...of, parameters: { ...PARAMETERS, values } }) // prettier-ignore
    const batch = (statement: string | Buffer, values: BoundValue[]): Request => ({ type: 'batch', kind: 1, statements: [{ statement, values }], parameters: PARAMETERS }) // prettier-ignore
    const requests = new Map<string, Request>([
      ['EXECUTE', execute(readId, this.bound)],
      ['EXECUTE in another order', execute(writeId, reversed)],
      ['EXECUTE by names', execute(writeId, this.#named)],
      ['QUERY', query(read, this.bound)],
      ['QUERY in another order', query(write, reversed)],
      ['QUERY by names', query(read.replaceAll(/k(\d+) = \?/g, 'k$1 = :k$1'), this.#withoutV)],
      ['BATCH of text', batch(write, reversed)],
      ['BATCH of what was prepared', batch(writeId.id, reversed)],
    ])
    if (this.table.types.some(({ isOpaque }) => isOpaque)) return requests
    requests.set('QUERY with all in its text', query(`SELECT v FROM ${this.name} WHERE ${this.#literals}`))
    requests.set('BATCH with all in its text', batch(`UPDATE ${this.name} SET v = 7 WHERE ${this.#literals}`, []))
    requests.set('BATCH as text', query(`BEGIN UNLOGGED BATCH UPDATE ${this.name} SET v = 7 WHERE ${this.#literals}; APPLY BATCH`)) // prettier-ignore
    return requests
  }

  get #withoutV(): Map<string, BoundValue> {
    const named = this.#named
    named.delete('v')
    return named
  }

  /** As nodetool takes a key; null: it does not take this one. */
  get text(): string | null {
    const texts = this.values.map(({ text }) => text)
    if (texts.length === 1) return texts[0]!
    return texts.some((text) => text === null || /[:\\]/.test(text)) ? null : texts.join(':')
  }
}
