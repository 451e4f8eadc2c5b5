import type { Cursor } from './cursor.ts'
import { where } from './relations.ts'
import { selectorsOf } from './select.ts'
import { term } from './terms.ts'
import type { ColumnDefinition, CreateTable, Name, Reference } from './tree.ts'
import { typeName } from './type-name.ts'

/** What a statement about the schema has besides what it names. */
export type Definition = Omit<CreateTable, 'kind' | 'references' | 'markers' | 'start' | 'end'> | null

/** Behind CREATE, by the word that says of what; the word is passed over. */
export const CREATE: Readonly<Record<string, (cursor: Cursor) => Definition>> = {
  keyspace(cursor) {
    ifNotExists(cursor)
    cursor.keyspace()
    cursor.expect('with')
    return properties(cursor)
  },
  table: createTable,
  index(cursor) {
    ifNotExists(cursor)
    if (!cursor.isWord('on')) cursor.name('an index')
    cursor.expect('on')
    cursor.reference('table')
    cursor.expectSymbol('(')
    if (!cursor.isSymbol(')')) cursor.list(() => indexed(cursor))
    cursor.expectSymbol(')')
    if (cursor.takes('using')) cursor.string()
    return withProperties(cursor)
  },
  view: createView,
  type(cursor) {
    ifNotExists(cursor)
    cursor.reference('type')
    columnsBetweenBrackets(cursor, () => {
      cursor.name('a field')
      typeName(cursor)
    })
    return null
  },
  trigger(cursor) {
    ifNotExists(cursor)
    cursor.name('a trigger')
    cursor.expect('on')
    cursor.reference('table')
    cursor.expect('using')
    cursor.string()
    return null
  },
  function: createFunction,
  aggregate(cursor) {
    ifNotExists(cursor)
    functionOf(cursor)
    typesBetweenBrackets(cursor)
    cursor.expect('sfunc')
    functionOf(cursor)
    cursor.expect('stype')
    typeName(cursor)
    if (cursor.takes('finalfunc')) functionOf(cursor)
    if (cursor.takes('initcond')) term(cursor)
    return null
  },
}

/** Behind ALTER. */
export const ALTER: Readonly<Record<string, (cursor: Cursor) => Definition>> = {
  keyspace(cursor) {
    ifExists(cursor)
    cursor.keyspace()
    cursor.expect('with')
    return properties(cursor)
  },
  table(cursor) {
    ifExists(cursor)
    cursor.reference('table')
    alteration(cursor)
    return null
  },
  view(cursor) {
    ifExists(cursor)
    cursor.reference('table')
    cursor.expect('with')
    return properties(cursor)
  },
  type(cursor) {
    ifExists(cursor)
    cursor.reference('type')
    if (cursor.takes('alter')) {
      cursor.name('a field')
      cursor.expect('type')
      typeName(cursor)
    } else if (cursor.takes('add')) {
      ifNotExists(cursor)
      cursor.name('a field')
      typeName(cursor)
    } else renaming(cursor)
    return null
  },
}

const DROPPED: Readonly<Record<string, Reference['of']>> = {
  table: 'table',
  view: 'table',
  index: 'index',
  type: 'type',
}

/** Behind DROP. */
export function drop(cursor: Cursor, what: string): boolean {
  const of = DROPPED[what]
  if (of === undefined && !['keyspace', 'trigger', 'function', 'aggregate'].includes(what)) return false
  ifExists(cursor)
  if (of !== undefined) cursor.reference(of)
  else if (what === 'keyspace') cursor.keyspace()
  else if (what === 'trigger') {
    cursor.name('a trigger')
    cursor.expect('on')
    cursor.reference('table')
  } else {
    functionOf(cursor)
    if (cursor.isSymbol('(')) typesBetweenBrackets(cursor)
  }
  return true
}

export function ifNotExists(cursor: Cursor): boolean {
  return cursor.takes('if', 'not', 'exists')
}

export function ifExists(cursor: Cursor): boolean {
  return cursor.takes('if', 'exists')
}

function createTable(cursor: Cursor): Definition {
  const isConditional = ifNotExists(cursor)
  const table = cursor.reference('table')
  const columns: ColumnDefinition[] = []
  let partitionKey: Name[] = []
  let clusteringKey: Name[] = []
  if (cursor.takes('like')) {
    cursor.reference('table')
    if (cursor.takes('with')) cursor.conjunction(() => cursor.takes('indexes') || property(cursor))
  } else {
    columnsBetweenBrackets(cursor, () => {
      if (cursor.takes('primary', 'key')) [partitionKey, clusteringKey] = primaryKey(cursor)
      else {
        const column = columnDefinition(cursor)
        columns.push(column)
        if (cursor.takes('primary', 'key')) partitionKey = [column.name]
      }
    })
    if (cursor.takes('with')) cursor.conjunction(() => tableProperty(cursor))
  }
  return { type: 'create table', table, ifNotExists: isConditional, columns, partitionKey, clusteringKey }
}

/** A comma may stand behind the last of them. */
function columnsBetweenBrackets(cursor: Cursor, parse: () => void): void {
  cursor.expectSymbol('(')
  parse()
  while (cursor.takesSymbol(',')) if (!cursor.isSymbol(',') && !cursor.isSymbol(')')) parse()
  cursor.expectSymbol(')')
}

function columnDefinition(cursor: Cursor): ColumnDefinition {
  const name = cursor.name('a column')
  const type = typeName(cursor)
  const isStatic = cursor.takes('static')
  mask(cursor)
  constraints(cursor)
  return { name, type, isStatic, start: name.start, end: cursor.before }
}

/** `MASKED WITH f(...)` or `MASKED WITH DEFAULT`, or nothing. */
function mask(cursor: Cursor): boolean {
  if (!cursor.takes('masked', 'with')) return false
  if (!cursor.takes('default')) {
    functionOf(cursor)
    cursor.expectSymbol('(')
    if (!cursor.isSymbol(')')) cursor.list(() => term(cursor))
    cursor.expectSymbol(')')
  }
  return true
}

/** `CHECK` and conditions on the column, or nothing. */
function constraints(cursor: Cursor): boolean {
  if (!cursor.takes('check')) return false
  cursor.conjunction(() => {
    if (cursor.takes('not')) cursor.expect('null')
    else {
      cursor.name('a column or a function')
      if (cursor.isSymbol('(')) cursor.bracketed(() => cursor.name('a column'))
      if (['=', '<', '<=', '>', '>=', '!='].some((symbol) => cursor.takesSymbol(symbol))) term(cursor)
    }
  })
  return true
}

/** `((partition, ...), clustering, ...)` */
function primaryKey(cursor: Cursor): [partition: Name[], clustering: Name[]] {
  const column = () => cursor.name('a column')
  cursor.expectSymbol('(')
  const partition = cursor.isSymbol('(') ? cursor.bracketed(column) : [column()]
  const clustering = cursor.takesSymbol(',') ? cursor.list(column) : []
  cursor.expectSymbol(')')
  return [partition, clustering]
}

function tableProperty(cursor: Cursor): void {
  const at = cursor.mark()
  cursor.name('a property')
  const isProperty = cursor.isSymbol('=')
  cursor.reset(at)
  if (isProperty) property(cursor)
  else if (!cursor.takes('compact', 'storage')) {
    cursor.expect('clustering', 'order', 'by')
    cursor.bracketed(() => {
      cursor.name('a column')
      if (!cursor.takes('desc')) cursor.expect('asc')
    })
  }
}

function withProperties(cursor: Cursor): null {
  return cursor.takes('with') ? properties(cursor) : null
}

function properties(cursor: Cursor): null {
  cursor.conjunction(() => property(cursor))
  return null
}

function property(cursor: Cursor): void {
  cursor.name('a property')
  cursor.expectSymbol('=')
  if (cursor.isName && cursor.bytes[cursor.start] !== 0x22) cursor.next()
  else term(cursor)
}

const INDEXED_PARTS = ['values', 'keys', 'entries', 'full']

function indexed(cursor: Cursor): void {
  const at = cursor.mark()
  if (INDEXED_PARTS.some((word) => cursor.takes(word)) && cursor.takesSymbol('(')) {
    cursor.name('a column')
    cursor.expectSymbol(')')
    return
  }
  cursor.reset(at)
  cursor.name('a column')
}

function createView(cursor: Cursor): Definition {
  ifNotExists(cursor)
  cursor.reference('table')
  cursor.expect('as', 'select')
  selectorsOf(cursor)
  cursor.expect('from')
  cursor.reference('table')
  where(cursor)
  cursor.expect('primary', 'key')
  primaryKey(cursor)
  if (cursor.takes('with')) cursor.conjunction(() => tableProperty(cursor))
  return null
}

function createFunction(cursor: Cursor): Definition {
  ifNotExists(cursor)
  functionOf(cursor)
  cursor.expectSymbol('(')
  if (!cursor.isSymbol(')'))
    cursor.list(() => {
      cursor.name('an argument')
      typeName(cursor)
    })
  cursor.expectSymbol(')')
  if (cursor.takes('returns')) cursor.expect('null')
  else cursor.expect('called')
  cursor.expect('on', 'null', 'input', 'returns')
  typeName(cursor)
  cursor.expect('language')
  cursor.name('a language')
  cursor.expect('as')
  cursor.string()
  return null
}

/** `name` or `keyspace.name` of a function or an aggregate. */
export function functionOf(cursor: Cursor): Reference {
  return cursor.reference('function', () => (cursor.isWord('token') ? cursor.word() : cursor.name('a function')))
}

export function typesBetweenBrackets(cursor: Cursor): void {
  cursor.expectSymbol('(')
  if (!cursor.isSymbol(')')) cursor.list(() => typeName(cursor))
  cursor.expectSymbol(')')
}

function alteration(cursor: Cursor): void {
  if (cursor.takes('alter')) alterColumn(cursor)
  else if (cursor.takes('add')) {
    ifNotExists(cursor)
    const column = () => columnDefinition(cursor)
    if (cursor.isSymbol('(')) cursor.bracketed(column)
    else cursor.list(column)
  } else if (cursor.takes('drop')) dropColumns(cursor)
  else if (cursor.takes('with')) properties(cursor)
  else renaming(cursor)
}

function alterColumn(cursor: Cursor): void {
  ifExists(cursor)
  cursor.name('a column')
  if (cursor.takes('type')) typeName(cursor)
  else if (cursor.takes('drop')) {
    if (!cursor.takes('check')) cursor.expect('masked')
  } else if (!mask(cursor) && !constraints(cursor)) cursor.fail('TYPE, MASKED or CHECK')
}

function dropColumns(cursor: Cursor): void {
  const at = cursor.mark()
  if (cursor.takes('compact') && cursor.takes('storage')) return
  cursor.reset(at)
  ifExists(cursor)
  const column = () => cursor.name('a column')
  if (cursor.isSymbol('(')) cursor.bracketed(column)
  else cursor.list(column)
  if (cursor.takes('using', 'timestamp')) term(cursor)
}

function renaming(cursor: Cursor): void {
  cursor.expect('rename')
  ifExists(cursor)
  cursor.conjunction(() => {
    cursor.name('a name')
    cursor.expect('to')
    cursor.name('a name')
  })
}
