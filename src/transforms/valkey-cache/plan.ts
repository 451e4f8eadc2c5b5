import { classify, statementKind } from '../../protocols/cassandra/cql/classify.ts'
import { parseStatement } from '../../protocols/cassandra/cql/parse.ts'
import { SELECT, STATEMENT_TYPES, statementCode, USE } from '../../protocols/cassandra/cql/statement-kinds.ts'
import type {
  BatchText,
  Delete,
  Insert,
  Marker,
  Select,
  Statement,
  Step,
  Term,
  Update,
} from '../../protocols/cassandra/cql/tree.ts'
import type { CachedTable, Keyspace, Tables } from './tables.ts'

/** A statement that reads or changes rows of a table that is cached, and the text that its places are in. */
export interface OfTable<S extends Select | Insert | Update | Delete> {
  readonly table: CachedTable
  readonly statement: S
  readonly text: Buffer
  /** All markers of the text. */
  readonly markers: readonly Marker[]
}
export type RowsRead = OfTable<Select>
export type RowsWritten = OfTable<Insert | Update | Delete>

/** What a statement is to the cache, as far as its text tells. */
export type Plan =
  | { readonly type: 'nothing' }
  | { readonly type: 'read'; readonly read: RowsRead }
  | { readonly type: 'rows'; readonly written: readonly RowsWritten[] }
  /** Everything of these tables may change. */
  | { readonly type: 'tables'; readonly tables: readonly CachedTable[] }
  /** The schema, or permissions: everything of any table may be another thing. */
  | { readonly type: 'anything' }
  | { readonly type: 'use' }

const NOTHING: Plan = { type: 'nothing' }
const ANYTHING: Plan = { type: 'anything' }

const OF_TABLES = new Set(['TRUNCATE', 'CREATE TABLE', 'ALTER TABLE', 'DROP TABLE'].map(statementCode))

/** What the statement `lent` is to the cache. The plan keeps a copy of the text. */
export function planOf(lent: Buffer, keyspace: Keyspace, tables: Tables): Plan {
  const kind = statementKind(lent, 0, lent.length)
  if (kind === USE) return { type: 'use' }
  if (kind === SELECT) return planOfSelect(lent, keyspace, tables)
  // Only statements that change something are left, but for those that nobody understands and that may be anything.
  if (kind !== 0 && STATEMENT_TYPES[kind] === 'Read') return NOTHING
  const text = Buffer.from(lent)
  const statement = parseStatement(text)
  switch (statement.type) {
    case 'unparsed':
    case 'select':
      return ANYTHING
    case 'insert':
    case 'update':
    case 'delete':
      return rows(text, [statement], statement.markers, keyspace, tables)
    case 'batch':
      return rows(text, (statement satisfies BatchText).statements, statement.markers, keyspace, tables)
    case 'create table':
    case 'other':
      return OF_TABLES.has(statement.kind) ? wholeTables(statement, keyspace, tables) : ANYTHING
  }
}

/** Most statements are about no table that is cached: those are not parsed. What is taken for one by mistake is only not cached. */
function planOfSelect(lent: Buffer, keyspace: Keyspace, tables: Tables): Plan {
  const named = classify(lent, 0, lent.length)
  const of = named.keyspace ?? keyspace
  const table = named.table === null || of === null || of === undefined ? null : tables.find(of, named.table)
  if (table === null) return NOTHING
  const text = Buffer.from(lent)
  const statement = parseStatement(text)
  if (statement.type !== 'select' || !isRepeatable(statement)) return NOTHING
  // What was parsed has the last word.
  if (tables.named(statement.table, keyspace)[0] !== table) return NOTHING
  return { type: 'read', read: { table, statement, text, markers: statement.markers } }
}

function rows(
  text: Buffer,
  statements: readonly (Insert | Update | Delete)[],
  markers: readonly Marker[],
  keyspace: Keyspace,
  tables: Tables,
): Plan {
  const written = statements.flatMap((statement) =>
    tables.named(statement.table, keyspace).map((table) => ({ table, statement, text, markers })),
  )
  return written.length === 0 ? NOTHING : { type: 'rows', written }
}

function wholeTables(statement: Statement, keyspace: Keyspace, tables: Tables): Plan {
  const found = statement.references
    .filter(({ of, name }) => of === 'table' && name !== null)
    .flatMap((reference) => tables.named(reference, keyspace))
  return found.length === 0 ? NOTHING : { type: 'tables', tables: found }
}

/** Functions that give the same for the same rows, whenever they are asked. */
const REPEATABLE = new Set(['count', 'min', 'max', 'sum', 'avg', 'writetime', 'token', 'tojson', 'to_json'])

/** Does it bring the same for as long as nobody writes? */
function isRepeatable({
  selectors,
  where,
  orderBy,
  groupBy,
  limit,
  perPartitionLimit,
  allowsFiltering,
}: Select): boolean {
  if (where === null || allowsFiltering) return false
  const terms: (Term | null)[] = [
    ...selectors.map((selector) => selector.term),
    ...where.relations.flatMap(({ key, values }) => [key, ...values]),
    ...orderBy.map((ordering) => ordering.near),
    ...groupBy,
    limit,
    perPartitionLimit,
  ]
  return where.relations.every(({ on }) => on !== 'index') && terms.every((term) => term === null || isFixed(term))
}

function isFixed(term: Term): boolean {
  switch (term.term) {
    case 'literal':
    case 'marker':
    case 'name':
    case 'star':
      return true
    case 'call': {
      const { keyspace, name } = term.function
      const isKnown = (keyspace === null || keyspace.text === 'system') && REPEATABLE.has(name!.text)
      return isKnown && term.args.every(isFixed)
    }
    case 'list':
    case 'set':
    case 'tuple':
      return term.items.every(isFixed)
    case 'map':
      return term.entries.every(([key, value]) => isFixed(key) && isFixed(value))
    case 'cast':
    case 'hint':
    case 'negation':
      return isFixed(term.of)
    case 'operation':
      return isFixed(term.first) && term.rest.every((operand) => isFixed(operand.term))
    case 'path':
      return isFixed(term.of) && term.steps.every(isFixedStep)
  }
}

function isFixedStep(step: Step): boolean {
  if (step.step === 'field') return true
  if (step.step === 'element') return isFixed(step.at)
  return (step.from === null || isFixed(step.from)) && (step.to === null || isFixed(step.to))
}
