import { parseStatement, type Unparsed } from '../../protocols/cassandra/cql/parse.ts'
import { statementKind } from '../../protocols/cassandra/cql/classify.ts'
import { STATEMENT_TYPES } from '../../protocols/cassandra/cql/statement-kinds.ts'
import type {
  Assignment,
  Clause,
  CreateTable,
  Delete,
  Insert,
  Marker,
  Reference,
  Select,
  Spot,
  Statement,
  Term,
  Update,
} from '../../protocols/cassandra/cql/tree.ts'
import { DETERMINISTIC } from './data-key.ts'
import type { ProtectedColumn, ProtectedTable, ProtectedTables } from './protected-tables.ts'
import { Refusal } from './refusal.ts'

/** A value of a protected column that stands in the text. */
export interface PlannedLiteral extends Spot {
  readonly column: ProtectedColumn
  readonly type: 'string' | 'blob'
}

/** A value, or with `isList` a list of values, that is bound. */
export interface PlannedMarker {
  readonly column: ProtectedColumn
  readonly marker: Marker
  readonly isList: boolean
}

/** What is to be done with a statement that is about protected tables. */
export interface Plan {
  readonly tables: readonly ProtectedTable[]
  readonly literals: readonly PlannedLiteral[]
  readonly markers: readonly PlannedMarker[]
  /** Markers of the text that stand for values of no protected column, by their names. */
  readonly otherNames: ReadonlySet<string>
  /** There are such markers without a name, in another statement of the text: they have the names of columns that are not known here. */
  readonly hasUnnamed: boolean
  /** Of a SELECT with selectors: which column each of them is. Null: the names of the columns in the reply tell. */
  readonly selected: readonly (ProtectedColumn | null)[] | null
}

/** The keyspace of names that have none before them; undefined: it is not known which. */
export type Keyspace = string | null | undefined

/**
 * What of the statement `text` has to be encrypted, and what of its rows decrypted; null where it is about no protected table.
 * Throws Refusal where it touches a protected column otherwise than by giving it a value or by selecting it.
 */
export function planOf(text: Buffer, tables: ProtectedTables, keyspace: Keyspace): Plan | null {
  if (!tables.mayConcern(text, 0, text.length)) return null
  const statement = parseStatement(text)
  if (statement.type === 'unparsed') return unparsed(text, statement)
  const planner = new Planner(tables, keyspace)
  planner.add(statement)
  return planner.plan(statement)
}

/** What changes the schema has no values; anything else may have. */
function unparsed(text: Buffer, { reason }: Unparsed): null {
  if (STATEMENT_TYPES[statementKind(text, 0, text.length)] === 'SchemaChange') return null
  throw new Refusal(`a statement that names a protected table could not be parsed: ${reason} is expected`)
}

/** Of a column, these functions tell nothing that is in it. */
const HARMLESS: ReadonlySet<string> = new Set(['writetime', 'maxwritetime', 'ttl', 'count'])

/** Types that hold encrypted values. */
export function holdsSealed(type: string): boolean {
  return type === 'blob' || type === 'text' || type === 'varchar' || type === 'ascii'
}

export function wrongType(column: ProtectedColumn, type: string): Refusal {
  return new Refusal(`${column.label} is protected, and can't be of the type ${type}: only blob, text and ascii can hold encrypted values`) // prettier-ignore
}

class Planner {
  readonly #protected: ProtectedTables
  readonly #keyspace: Keyspace
  readonly #tables = new Set<ProtectedTable>()
  readonly #literals: PlannedLiteral[] = []
  readonly #markers: PlannedMarker[] = []
  #selected: (ProtectedColumn | null)[] | null = null

  constructor(tables: ProtectedTables, keyspace: Keyspace) {
    this.#protected = tables
    this.#keyspace = keyspace
  }

  plan(statement: Statement): Plan | null {
    if (this.#tables.size === 0) return null
    const own = new Set(this.#markers.map(({ marker }) => marker.index))
    const others = statement.markers.filter(({ index }) => !own.has(index))
    return {
      tables: [...this.#tables],
      literals: this.#literals,
      markers: this.#markers,
      otherNames: new Set(others.map(({ name }) => name?.text).filter((name) => name !== undefined)),
      hasUnnamed: statement.type === 'batch' && others.some(({ name }) => name === null),
      selected: this.#selected,
    }
  }

  add(statement: Statement): void {
    switch (statement.type) {
      case 'batch':
        for (const each of statement.statements) this.add(each)
        return
      case 'other':
        return
      case 'create table':
        return this.#with(statement.table, (table) => createTable(statement, table))
      case 'select':
        return this.#with(statement.table, (table) => this.#select(statement, table))
      case 'insert':
        return this.#with(statement.table, (table) => this.#insert(statement, table))
      case 'update':
        return this.#with(statement.table, (table) => this.#update(statement, table))
      case 'delete':
        return this.#with(statement.table, (table) => this.#delete(statement, table))
    }
  }

  #with({ keyspace, name }: Reference, then: (table: ProtectedTable) => void): void {
    const inside = keyspace === null ? this.#keyspace : keyspace.text
    if (inside === undefined && this.#protected.hasNamed(name!.text))
      throw new Refusal(`in which keyspace the table ${name!.text} is can't be told here, and one of that name is protected: name the keyspace before it`) // prettier-ignore
    const table = typeof inside === 'string' ? this.#protected.find(inside, name!.text) : null
    if (table === null) return
    this.#tables.add(table)
    then(table)
  }

  #select({ json, selectors, where, groupBy, orderBy }: Select, table: ProtectedTable): void {
    const touched = selectors.length === 0 ? [...table.columns.values()] : []
    for (const { term } of selectors) touched.push(...columnsIn(term, table))
    if (json && touched.length > 0) throw new Refusal(`${touched[0]!.label} is protected: SELECT JSON can't be decrypted, select it as a column`) // prettier-ignore
    if (selectors.length > 0) this.#selected = selectors.map(({ term }) => selectedColumn(term, table))
    if (where !== null) this.#clause(where, table)
    for (const term of groupBy) for (const column of columnsIn(term, table)) mustBeSearchable(column, 'GROUP BY')
    for (const { column } of orderBy) {
      const found = table.columns.get(column.text)
      if (found !== undefined) throw new Refusal(`${found.label} is protected: rows can't be ordered by it`)
    }
  }

  #insert({ columns, values, json }: Insert, table: ProtectedTable): void {
    const [first] = table.columns.values()
    if (json !== null && first !== undefined)
      throw new Refusal(`${first.label} is protected: INSERT JSON can't be encrypted, name the columns`)
    if (columns.length !== values.length) throw new Refusal('an INSERT with as many values as columns is expected')
    for (const [index, { text }] of columns.entries()) this.#value(table.columns.get(text), values[index]!)
  }

  #update({ assignments, where, ifs }: Update, table: ProtectedTable): void {
    for (const assignment of assignments) this.#assignment(assignment, table)
    this.#clause(where, table)
    if (ifs !== null) this.#clause(ifs, table)
  }

  #assignment({ column, key, operator, value }: Assignment, table: ProtectedTable): void {
    const found = table.columns.get(column.text)
    if (found === undefined) return
    if (key !== null || operator !== '=')
      throw new Refusal(`${found.label} is protected: it can be set to a value, not be changed in part`)
    this.#value(found, value)
  }

  #delete({ deletions, where, ifs }: Delete, table: ProtectedTable): void {
    for (const { column, key } of deletions) {
      const found = table.columns.get(column.text)
      if (found !== undefined && key !== null)
        throw new Refusal(`${found.label} is protected: it can be deleted, not be changed in part`)
    }
    this.#clause(where, table)
    if (ifs !== null) this.#clause(ifs, table)
  }

  #clause({ relations }: Clause, table: ProtectedTable): void {
    for (const { on, columns, operator, values, list } of relations) {
      if (on === 'index') throw new Refusal(`expr() on the table ${table.keyspace}.${table.name}, of which columns are protected, can't be encrypted`) // prettier-ignore
      const found = columns.map(({ text }) => table.columns.get(text)).find((column) => column !== undefined)
      if (found === undefined) continue
      if (on !== 'column' || (operator !== '=' && operator !== 'IN'))
        throw new Refusal(`${found.label} is protected: of it only = and IN can be asked, where it is searchable`)
      mustBeSearchable(found, 'a condition')
      for (const value of values) this.#value(found, value)
      if (list !== null) this.#markers.push({ column: found, marker: list, isList: true })
    }
  }

  #value(column: ProtectedColumn | undefined, value: Term): void {
    if (column === undefined) return
    const term = value.term === 'hint' ? value.of : value
    if (term.term === 'marker') {
      this.#markers.push({ column, marker: term.marker, isList: false })
    } else if (term.term === 'literal' && (term.type === 'string' || term.type === 'blob')) {
      this.#literals.push({ column, type: term.type, start: term.start, end: term.end })
    } else if (term.term !== 'literal' || term.type !== 'null')
      throw new Refusal(`${column.label} is protected: give it a string, a blob or a bound value, so that it can be encrypted`) // prettier-ignore
  }
}

function mustBeSearchable(column: ProtectedColumn, where: string): void {
  if (column.mode === DETERMINISTIC) return
  throw new Refusal(`${column.label} is protected and not searchable: it can't stand in ${where}`)
}

function createTable({ columns }: CreateTable, table: ProtectedTable): void {
  for (const { name, type } of columns) {
    const column = table.columns.get(name.text)
    if (column !== undefined && !holdsSealed(type.type)) throw wrongType(column, type.type)
  }
}

/** The protected column that a selector is, without anything done to it. */
function selectedColumn(term: Term, table: ProtectedTable): ProtectedColumn | null {
  if (term.term === 'name') return table.columns.get(term.name.text) ?? null
  const [touched] = columnsIn(term, table)
  if (touched === undefined || isHarmless(term)) return null
  throw new Refusal(`${touched.label} is protected: nothing can be computed from it, select it as it is`)
}

function isHarmless(term: Term): boolean {
  if (term.term !== 'call') return false
  const { function: called, args } = term
  const isServers = called.keyspace === null || called.keyspace.text === 'system'
  return isServers && HARMLESS.has(called.name!.text) && args.every(({ term: arg }) => arg === 'name' || arg === 'star')
}

/** The protected columns that a term names, wherever in it. */
function columnsIn(term: Term, table: ProtectedTable): ProtectedColumn[] {
  const within = (terms: readonly (Term | null)[]) =>
    terms.flatMap((each) => (each === null ? [] : columnsIn(each, table)))
  switch (term.term) {
    case 'name': {
      const column = table.columns.get(term.name.text)
      return column === undefined ? [] : [column]
    }
    case 'literal':
    case 'marker':
    case 'star':
      return []
    case 'call':
      return within(term.args)
    case 'list':
    case 'set':
    case 'tuple':
      return within(term.items)
    case 'map':
      return within(term.entries.flat())
    case 'cast':
    case 'hint':
    case 'negation':
      return columnsIn(term.of, table)
    case 'operation':
      return within([term.first, ...term.rest.map((operand) => operand.term)])
    case 'path': {
      const steps = term.steps.flatMap((step) =>
        step.step === 'element' ? [step.at] : step.step === 'slice' ? [step.from, step.to] : [],
      )
      return within([term.of, ...steps])
    }
  }
}
