import { Cursor, SyntaxFault } from './cursor.ts'
import type {
  Assignment,
  Condition,
  DeleteStatement,
  InsertStatement,
  ParsedStatement,
  Relation,
  RowStatement,
  SelectStatement,
  Term,
  UpdateStatement,
  Using,
} from './syntax.ts'
import { parseTerm } from './terms.ts'

const NO_USING: Using = { timestamp: null, ttl: null }

/**
 * Parses the statement `bytes[at, end)`, if it is one that reads or writes rows, or USE: Parser.g of Apache Cassandra. Null where it is
 * another one, or none.
 */
export function parseStatement(bytes: Buffer, at = 0, end = bytes.length): ParsedStatement | null {
  const cursor = new Cursor(bytes, at, end)
  try {
    const parsed = statement(cursor)
    while (cursor.takesSymbol(';'));
    return cursor.isAtEnd ? parsed : null
  } catch (error) {
    if (error instanceof SyntaxFault) return null
    throw error
  }
}

function statement(cursor: Cursor): ParsedStatement {
  if (cursor.takesWord('select')) return select(cursor)
  if (cursor.takesWord('use')) return { type: 'use', keyspace: cursor.name() }
  if (cursor.takesWord('truncate')) {
    if (!cursor.takesWord('table')) cursor.takesWord('columnfamily')
    return { type: 'truncate', table: cursor.tableName() }
  }
  if (cursor.takesWord('begin')) return batch(cursor)
  return rowStatement(cursor)
}

function rowStatement(cursor: Cursor): RowStatement {
  if (cursor.takesWord('insert')) return insert(cursor)
  if (cursor.takesWord('update')) return update(cursor)
  if (cursor.takesWord('delete')) return remove(cursor)
  return cursor.fault('expected a statement')
}

function select(cursor: Cursor): SelectStatement {
  const isJson = takesModifier(cursor, 'json')
  const isDistinct = takesModifier(cursor, 'distinct')
  const selectors = cursor.list(() => ({
    term: parseTerm(cursor),
    alias: cursor.takesWord('as') ? cursor.name().text : null,
  }))
  cursor.word('from')
  const table = cursor.tableName()
  const where = whereClause(cursor)
  const groupBy = cursor.takesWords('group', 'by') ? cursor.list(() => parseTerm(cursor)) : []
  const orderBy = cursor.takesWords('order', 'by') ? cursor.list(() => ordering(cursor)) : []
  const perPartitionLimit = cursor.takesWords('per', 'partition', 'limit') ? parseTerm(cursor) : null
  const limit = cursor.takesWord('limit') ? parseTerm(cursor) : null
  const allowsFiltering = cursor.takesWords('allow', 'filtering')
  return {
    type: 'select',
    isJson,
    isDistinct,
    selectors,
    table,
    where,
    groupBy,
    orderBy,
    perPartitionLimit,
    limit,
    allowsFiltering,
  }
}

/** `json` and `distinct` may be columns as well: then a comma, an operator or FROM follows. */
function takesModifier(cursor: Cursor, word: string): boolean {
  const { place } = cursor
  if (!cursor.takesWord(word)) return false
  const isColumn = cursor.isWord('from') || cursor.isWord('as') || [',', '.', '[', '-', '+', '/', '%'].some((symbol) => cursor.isSymbol(symbol)) // prettier-ignore
  if (isColumn) cursor.back(place)
  return !isColumn
}

function ordering(cursor: Cursor): SelectStatement['orderBy'][number] {
  const term = parseTerm(cursor)
  const ann = cursor.takesWords('ann', 'of') ? parseTerm(cursor) : null
  const isDescending = cursor.takesWord('desc')
  if (!isDescending) cursor.takesWord('asc')
  return { term, isDescending, ann }
}

function insert(cursor: Cursor): InsertStatement {
  cursor.word('into')
  const table = cursor.tableName()
  if (cursor.takesWord('json')) {
    const values = [parseTerm(cursor)]
    if (cursor.takesWord('default') && !cursor.takesWord('null')) cursor.word('unset')
    return { type: 'insert', table, columns: null, values, ...insertEnd(cursor) }
  }
  cursor.symbol('(')
  const columns = cursor.list(() => cursor.name())
  cursor.symbol(')')
  cursor.word('values')
  cursor.symbol('(')
  const values = cursor.list(() => parseTerm(cursor))
  cursor.symbol(')')
  return { type: 'insert', table, columns, values, ...insertEnd(cursor) }
}

function insertEnd(cursor: Cursor): { condition: Condition; using: Using } {
  const condition = cursor.takesWords('if', 'not', 'exists') ? 'not exists' : null
  return { condition, using: usingClause(cursor) }
}

function update(cursor: Cursor): UpdateStatement {
  const table = cursor.tableName()
  const using = usingClause(cursor)
  cursor.word('set')
  const assignments = cursor.list(() => assignment(cursor))
  return { type: 'update', table, using, assignments, where: whereClause(cursor), condition: conditionClause(cursor) }
}

function assignment(cursor: Cursor): Assignment {
  const target = targetOf(cursor)
  const operator = ['=', '+=', '-='].find((symbol) => cursor.isSymbol(symbol)) ?? cursor.fault('expected =')
  cursor.symbol(operator)
  return { target, operator, value: parseTerm(cursor) }
}

/** A column, an element or a field of one. */
function targetOf(cursor: Cursor): Term {
  const column: Term = { type: 'column', name: cursor.name() }
  if (cursor.takesSymbol('.')) return { type: 'field', of: column, name: cursor.name().text }
  if (!cursor.takesSymbol('[')) return column
  const key = parseTerm(cursor)
  cursor.symbol(']')
  return { type: 'element', of: column, key }
}

function remove(cursor: Cursor): DeleteStatement {
  const targets = cursor.isWord('from') ? [] : cursor.list(() => targetOf(cursor))
  cursor.word('from')
  const table = cursor.tableName()
  const using = usingClause(cursor)
  return { type: 'delete', table, targets, using, where: whereClause(cursor), condition: conditionClause(cursor) }
}

function batch(cursor: Cursor): ParsedStatement {
  const kind = cursor.takesWord('unlogged') ? 'unlogged' : cursor.takesWord('counter') ? 'counter' : 'logged'
  cursor.word('batch')
  const using = usingClause(cursor)
  const statements: RowStatement[] = []
  while (!cursor.isWord('apply')) {
    statements.push(rowStatement(cursor))
    cursor.takesSymbol(';')
  }
  cursor.word('apply')
  cursor.word('batch')
  return { type: 'batch', kind, using, statements }
}

function usingClause(cursor: Cursor): Using {
  if (!cursor.takesWord('using')) return NO_USING
  let using = NO_USING
  do {
    if (cursor.takesWord('timestamp')) using = { ...using, timestamp: parseTerm(cursor) }
    else {
      cursor.word('ttl')
      using = { ...using, ttl: parseTerm(cursor) }
    }
  } while (cursor.takesWord('and'))
  return using
}

function whereClause(cursor: Cursor): Relation[] {
  return cursor.takesWord('where') ? relations(cursor) : []
}

function conditionClause(cursor: Cursor): Condition {
  if (!cursor.takesWord('if')) return null
  return cursor.takesWord('exists') ? 'exists' : relations(cursor)
}

function relations(cursor: Cursor): Relation[] {
  const all = [relation(cursor)]
  while (cursor.takesWord('and')) all.push(relation(cursor))
  return all
}

/** A relation may stand in brackets, however many. */
function relation(cursor: Cursor): Relation {
  const { place, markers } = cursor
  if (cursor.takesSymbol('(')) {
    const inner = inBrackets(cursor)
    if (inner !== null) return inner
    cursor.back(place)
    cursor.markers = markers
  }
  const left = parseTerm(cursor)
  const symbol = ['=', '<=', '>=', '!=', '<', '>'].find((each) => cursor.isSymbol(each))
  if (symbol !== undefined) {
    cursor.symbol(symbol)
    return { left, operator: symbol, right: [parseTerm(cursor)] }
  }
  if (cursor.takesWord('like')) return { left, operator: 'like', right: [parseTerm(cursor)] }
  if (cursor.takesWord('between')) {
    const from = parseTerm(cursor)
    cursor.word('and')
    return { left, operator: 'between', right: [from, parseTerm(cursor)] }
  }
  if (cursor.takesWords('is', 'not')) return { left, operator: 'is not', right: [parseTerm(cursor)] }
  const not = cursor.takesWord('not') ? 'not ' : ''
  if (cursor.takesWord('contains')) {
    const operator = `${not}contains${cursor.takesWord('key') ? ' key' : ''}`
    return { left, operator, right: [parseTerm(cursor)] }
  }
  cursor.word('in')
  if (!cursor.takesSymbol('(')) return { left, operator: `${not}in`, right: [parseTerm(cursor)] }
  const right = cursor.isSymbol(')') ? [] : cursor.list(() => parseTerm(cursor))
  cursor.symbol(')')
  return { left, operator: `${not}in`, right }
}

/** Behind the bracket: a relation and the bracket that closes; null where a tuple begins instead. */
function inBrackets(cursor: Cursor): Relation | null {
  try {
    const inner = cursor.within(() => relation(cursor))
    return cursor.takesSymbol(')') ? inner : null
  } catch (error) {
    if (error instanceof SyntaxFault) return null
    throw error
  }
}
