import { createHash } from 'node:crypto'
import type { Address, Listener, World } from '../../../../world/world.ts'
import type { BatchStatement, Request } from '../../body/requests.ts'
import type { Response } from '../../body/responses.ts'
import { metadataOf } from '../../body/results.ts'
import { Writer } from '../../body/writer.ts'
import { parseStatement } from '../../cql/parse.ts'
import { statementCode, STATEMENT_NAMES } from '../../cql/statement-kinds.ts'
import type { CreateTable, OtherStatement, Reference, Statement } from '../../cql/tree.ts'
import { resolveType } from '../../cql/type-name.ts'
import { usedKeyspace } from '../../cql/use.ts'
import { ERROR_PROTOCOL, ERROR_UNPREPARED } from '../../opcodes.ts'
import { CassandraModel } from '../server.ts'
import { describeSchema, fillLocal, SYSTEM_TABLES } from './catalog.ts'
import { keyIndices, markersOf } from './markers.ts'
import { MockError } from './mock-error.ts'
import { insert, remove, select, selectedColumns, update } from './rows.ts'
import { MockTable, typeText, type ColumnKind } from './table.ts'
import type { Bound } from './terms.ts'

const ERROR_SYNTAX = 0x2000
const ERROR_ALREADY_EXISTS = 0x2400
const VOID: Response = { type: 'void' }

interface Prepared {
  readonly text: Buffer
  readonly statement: Statement
  readonly keyspace: string | null
}

const CREATE_KEYSPACE = statementCode('CREATE KEYSPACE')
const DROP_KEYSPACE = statementCode('DROP KEYSPACE')
const DROP_TABLE = statementCode('DROP TABLE')
const TRUNCATE = statementCode('TRUNCATE')
const USE = statementCode('USE')

/** Keyspaces, tables and rows in memory, for who tests programs that use Cassandra: what drivers need, and statements about single rows. */
export class MockEngine {
  readonly #keyspaces = new Map<string, Map<string, MockTable>>()
  readonly #prepared = new Map<string, Prepared>()
  readonly #system = new Map<string, MockTable>()

  /** `host` and `port`: where clients find it. */
  constructor(host: string, port: number) {
    for (const [name, columns] of Object.entries(SYSTEM_TABLES)) {
      const text = Buffer.from(`CREATE TABLE ${name} (${columns})`)
      this.#system.set(name, tableFrom(parseStatement(text) as CreateTable, name.split('.')[0]!))
    }
    fillLocal(this.#system.get('system.local')!, host, port)
    this.#describe()
  }

  /** The answer to a QUERY, PREPARE, EXECUTE or BATCH, for who has chosen this keyspace. */
  answer(request: Request, keyspace: string | null): Response {
    try {
      return this.#answer(request, keyspace)
    } catch (error) {
      if (!(error instanceof MockError)) throw error
      return { type: 'error', code: error.code, message: error.message, rest: Buffer.alloc(0) }
    }
  }

  #answer(request: Request, keyspace: string | null): Response {
    switch (request.type) {
      case 'query': {
        const spoken = request.parameters.keyspace ?? keyspace
        return this.#run(parse(request.text, spoken), request.parameters.values)
      }
      case 'prepare':
        return this.#prepare(request.text, request.keyspace ?? keyspace)
      case 'execute': {
        const found = this.#prepared.get(request.id.toString('hex'))
        return found === undefined ? unprepared(request.id) : this.#run(found, request.parameters.values)
      }
      case 'batch':
        return this.#batch(request.statements, keyspace)
      case 'startup':
      case 'auth-response':
      case 'options':
      case 'register':
        throw new MockError(`unexpected ${request.type}`, ERROR_PROTOCOL)
    }
  }

  #batch(statements: readonly BatchStatement[], keyspace: string | null): Response {
    let told = VOID
    for (const { statement, values } of statements) {
      const found =
        typeof statement === 'string' ? parse(statement, keyspace) : this.#prepared.get(statement.toString('hex'))
      if (found === undefined) return unprepared(statement as Buffer)
      told = this.#run(found, values)
    }
    return told
  }

  #prepare(text: string, keyspace: string | null): Response {
    const prepared = parse(text, keyspace)
    const { statement } = prepared
    const tableOf = (of: Statement) =>
      'table' in of && of.type !== 'create table' ? this.#table(of.table, keyspace) : null
    const bound = markersOf(statement, tableOf)
    const result = statement.type === 'select' ? selectedColumns(tableOf(statement)!, prepared.text, statement) : []
    const id = hash(`${keyspace ?? ''}${text}`)
    this.#prepared.set(id.toString('hex'), prepared)
    const metadataId = hash(JSON.stringify(result.map(({ name, type }) => [name, type])))
    return { type: 'prepared', id, metadataId, bound: metadataOf(bound), keyIndices: keyIndices(statement, tableOf(statement)), result: metadataOf(result) } // prettier-ignore
  }

  #run({ text, statement, keyspace }: Prepared, bound: Bound): Response {
    switch (statement.type) {
      case 'select':
        return select(this.#table(statement.table, keyspace), text, statement, bound)
      case 'insert':
        return insert(this.#table(statement.table, keyspace), text, statement, bound)
      case 'update':
        return update(this.#table(statement.table, keyspace), text, statement, bound)
      case 'delete':
        return remove(this.#table(statement.table, keyspace), text, statement, bound)
      case 'batch':
        for (const each of statement.statements) this.#run({ text, statement: each, keyspace }, bound)
        return VOID
      case 'create table':
        return this.#create(statement, keyspace)
      case 'other':
        return this.#other(text, statement, keyspace)
    }
  }

  #create(statement: CreateTable, keyspace: string | null): Response {
    const within = statement.table.keyspace?.text ?? keyspace
    if (within === null) throw new MockError('No keyspace has been specified')
    const tables = this.#keyspaces.get(within)
    if (tables === undefined) throw new MockError(`Keyspace '${within}' doesn't exist`)
    const name = statement.table.name!.text
    if (tables.has(name)) return exists(statement.ifNotExists, within, name)
    tables.set(name, tableFrom(statement, within))
    return this.#changed('CREATED', within, name)
  }

  /** What the tree of a statement does not tell more of than what it names. */
  #other(text: Buffer, statement: OtherStatement, keyspace: string | null): Response {
    const [reference] = statement.references
    const named = reference?.keyspace?.text ?? keyspace ?? ''
    switch (statement.kind) {
      case USE: {
        const used = usedKeyspace(text, 0, text.length)!
        if (!this.#keyspaces.has(used) && !used.startsWith('system'))
          throw new MockError(`Keyspace '${used}' does not exist`)
        return { type: 'set-keyspace', keyspace: used }
      }
      case CREATE_KEYSPACE:
        if (this.#keyspaces.has(named)) return exists(/^create\s+keyspace\s+if\s/i.test(text.toString()), named, '')
        this.#keyspaces.set(named, new Map())
        return this.#changed('CREATED', named, null)
      case DROP_KEYSPACE:
        if (!this.#keyspaces.delete(named)) return absent(text, `Keyspace '${named}' doesn't exist`)
        return this.#changed('DROPPED', named, null)
      case DROP_TABLE: {
        const name = reference!.name!.text
        if (this.#keyspaces.get(named)?.delete(name) !== true)
          return absent(text, `Table '${named}.${name}' doesn't exist`)
        return this.#changed('DROPPED', named, name)
      }
      case TRUNCATE:
        this.#table(reference!, keyspace).clear()
        return VOID
      default:
        throw new MockError(`the mock does not know ${STATEMENT_NAMES[statement.kind]}`)
    }
  }

  #table(reference: Reference, current: string | null): MockTable {
    const keyspace = reference.keyspace?.text ?? current
    if (keyspace === null) throw new MockError('No keyspace has been specified. USE a keyspace, or explicitly specify keyspace.tablename') // prettier-ignore
    const name = reference.name!.text
    const table = this.#keyspaces.get(keyspace)?.get(name) ?? this.#system.get(`${keyspace}.${name}`)
    if (table === undefined) throw new MockError(`table ${name} does not exist`)
    return table
  }

  #changed(change: string, keyspace: string, name: string | null): Response {
    this.#describe()
    return {
      type: 'schema-change',
      change,
      target: name === null ? 'KEYSPACE' : 'TABLE',
      keyspace,
      name,
      argumentTypes: null,
    }
  }

  #describe(): void {
    describeSchema(this.#keyspaces, (name) => this.#system.get(name)!)
  }
}

/** A server that clients can connect to. Rejects with the system's error. */
export async function mockCassandra(world: World, address: Address): Promise<Listener> {
  let engine: MockEngine | null = null
  const answer = (request: Request, keyspace: string | null) => engine!.answer(request, keyspace)
  const listener = await new CassandraModel(world, { engine: { answer } }).listen(address)
  // Only now the port is known.
  engine = new MockEngine(listener.address.host, listener.address.port)
  return listener
}

function parse(text: string, keyspace: string | null): Prepared {
  const bytes = Buffer.from(text)
  const statement = parseStatement(bytes)
  if (statement.type === 'unparsed') throw new MockError(`at ${statement.at}: ${statement.reason}`, ERROR_SYNTAX)
  return { text: bytes, statement, keyspace }
}

function tableFrom(statement: CreateTable, keyspace: string): MockTable {
  const { partitionKey, clusteringKey } = statement
  const places = new Map<string, [ColumnKind, number]>([
    ...partitionKey.map(({ text }, index): [string, [ColumnKind, number]] => [text, ['partition_key', index]]),
    ...clusteringKey.map(({ text }, index): [string, [ColumnKind, number]] => [text, ['clustering', index]]),
  ])
  const name = statement.table.name!.text
  const columns = statement.columns.map(({ name: { text }, type, isStatic }) => {
    const resolved = resolveType(type, () => null)
    if (resolved === null) throw new MockError('the mock does not know types of users')
    const [kind, position] = places.get(text) ?? [isStatic ? 'static' : 'regular', -1]
    return { keyspace, table: name, name: text, type: resolved, kind, position, typeText: typeText(type) } as const
  })
  return new MockTable(keyspace, name, columns)
}

function unprepared(id: Buffer): Response {
  const message = `Prepared query with ID ${id.toString('hex')} not found`
  return { type: 'error', code: ERROR_UNPREPARED, message, rest: new Writer().shortBytes(id).bytes }
}

function exists(isFine: boolean, keyspace: string, table: string): Response {
  if (isFine) return VOID
  const rest = new Writer().string(keyspace).string(table).bytes
  return {
    type: 'error',
    code: ERROR_ALREADY_EXISTS,
    message: `${keyspace}${table && `.${table}`} already exists`,
    rest,
  }
}

/** Of a DROP. */
function absent(text: Buffer, message: string): Response {
  if (/^drop\s+\w+\s+if\s/i.test(text.toString())) return VOID
  throw new MockError(message)
}

const hash = (text: string) => createHash('md5').update(text).digest()
