import { classify } from '../cql/classify.ts'
import { parseStatement, type Unparsed } from '../cql/parse.ts'
import { partitionKey } from '../cql/partition-key.ts'
import { BATCH_TEXT, DELETE, INSERT, SELECT, UNRECOGNIZED, UPDATE } from '../cql/statement-kinds.ts'
import type { Statement } from '../cql/tree.ts'
import { recipeOf, recipeOfMarkers, type KeyRecipe } from './key-recipe.ts'
import type { PreparedStatement } from './statements.ts'
import type { ClusterView } from './view.ts'

/** Where requests of a statement go. Found once a statement and schema. */
export interface StatementPlan {
  /** It is for the one node that such requests all go to. */
  readonly isControl: boolean
  /** Of its table; null where that can't be told. */
  readonly keyspace: string | null
  /** Null: it is not about one partition, as far as can be told. */
  readonly key: KeyRecipe | null
  /** The text could not be parsed. */
  readonly isUnparsed: boolean
}

/** Anything else changes the schema or who may do what, or asks about these, or is about all nodes. */
const ABOUT_ROWS: ReadonlySet<number> = new Set([SELECT, INSERT, UPDATE, DELETE, BATCH_TEXT, UNRECOGNIZED])

/** Cassandra's own. What they have differs from node to node, or is changed on the node that the others of these requests go to. */
const SYSTEM: ReadonlySet<string> = new Set([
  'system',
  'system_auth',
  'system_distributed',
  'system_schema',
  'system_traces',
  'system_views',
  'system_virtual_schema',
])

/** Of the statement `bytes[start, end)`; `keyspace`: what names without one mean. `whole`: the text is all there. */
export function planOf(
  bytes: Buffer,
  start: number,
  end: number,
  keyspace: string | null,
  view: ClusterView,
  whole = true,
): StatementPlan {
  const statement = whole ? parseStatement(bytes, start, end) : null
  if (statement === null || statement.type === 'unparsed') {
    const { kind, keyspace: named } = classify(bytes, start, end)
    return { ...planWithout(kind, named ?? keyspace), isUnparsed: statement !== null }
  }
  const plan = planWithout(statement.kind, keyspaceOf(statement) ?? keyspace)
  if (plan.isControl) return plan
  const key = partitionKey(bytes, statement, (named, table) => {
    const of = named ?? keyspace
    return of === null ? null : view.keyColumns(of, table)
  })
  if (key === null) return plan
  return { ...plan, keyspace: key.keyspace ?? keyspace, key: recipeOf(key) }
}

/** Of a prepared statement: what the server told of it is more than its text may tell. */
export function planOfPrepared(statement: PreparedStatement, view: ClusterView): StatementPlan {
  const text = Buffer.from(statement.text)
  const plan = planOf(text, 0, text.length, statement.keyspace, view)
  const key = recipeOfMarkers(statement.keyIndices, statement.markers)
  return key === null || plan.isControl ? plan : { ...plan, key }
}

function planWithout(kind: number, keyspace: string | null): StatementPlan {
  const isControl = !ABOUT_ROWS.has(kind) || (keyspace !== null && SYSTEM.has(keyspace))
  return { isControl, keyspace, key: null, isUnparsed: false }
}

/** That of its first table, as the statement names it. */
function keyspaceOf(statement: Exclude<Statement | Unparsed, Unparsed>): string | null {
  if (statement.type === 'batch') return statement.statements.length === 0 ? null : keyspaceOf(statement.statements[0]!)
  return statement.type === 'other' ? null : (statement.table.keyspace?.text ?? null)
}
