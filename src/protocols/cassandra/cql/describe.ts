import type { Cursor } from './cursor.ts'
import { functionOf } from './schema.ts'

/** Words behind DESCRIBE that say it all, unless they are names: then something follows, or a keyspace came before. */
const ALL = ['cluster', 'keyspaces', 'tables', 'types', 'functions', 'aggregates', 'schema']

/** Behind DESCRIBE: describeStatement of Parser.g. */
export function describe(cursor: Cursor): void {
  described(cursor)
  cursor.takes('with', 'internals')
}

function described(cursor: Cursor): void {
  const at = cursor.mark()
  if (cursor.takes('full', 'schema')) return
  if (ALL.some((word) => cursor.takes(word)) && !cursor.isSymbol('.')) return
  cursor.reset(at)
  cursor.takes('only')
  if (cursor.takes('keyspace')) {
    if (cursor.isName) cursor.keyspace()
    return
  }
  cursor.reset(at)
  if (cursor.takes('table') || cursor.takes('columnfamily')) return void cursor.reference('table')
  if (cursor.takes('materialized', 'view')) return void cursor.reference('table')
  if (cursor.takes('index')) return void cursor.reference('index')
  if (cursor.takes('type') && cursor.isName) return void cursor.reference('type')
  cursor.reset(at)
  if ((cursor.takes('function') || cursor.takes('aggregate')) && cursor.isName) return void functionOf(cursor)
  cursor.reset(at)
  // A keyspace, or anything in one.
  cursor.reference('table')
}
