import type { Cursor } from './cursor.ts'
import { BLOB, NUMBER, QUOTED, STRING, UUID, WORD } from './lexer.ts'
import type { LiteralKind, Term } from './syntax.ts'

const LITERALS: ReadonlyMap<number, LiteralKind> = new Map([
  [STRING, 'string'],
  [NUMBER, 'number'],
  [BLOB, 'blob'],
  [UUID, 'uuid'],
] as const)

const WORD_LITERALS: ReadonlyMap<string, LiteralKind> = new Map([
  ['true', 'boolean'],
  ['false', 'boolean'],
  ['null', 'null'],
  ['nan', 'number'],
  ['infinity', 'number'],
] as const)

/** A value, or what is selected, with the operations between: Parser.g of Apache Cassandra, `term` and `unaliasedSelector`. */
export function parseTerm(cursor: Cursor): Term {
  return cursor.within(() => {
    let left = product(cursor)
    for (;;) {
      const operator = cursor.isSymbol('+') ? '+' : cursor.isSymbol('-') ? '-' : null
      if (operator === null) return left
      cursor.symbol(operator)
      left = { type: 'operation', operator, left, right: product(cursor) }
    }
  })
}

function product(cursor: Cursor): Term {
  let left = signed(cursor)
  for (;;) {
    const operator = ['*', '/', '%'].find((symbol) => cursor.isSymbol(symbol))
    if (operator === undefined) return left
    cursor.symbol(operator)
    left = { type: 'operation', operator, left, right: signed(cursor) }
  }
}

function signed(cursor: Cursor): Term {
  if (cursor.takesSymbol('-')) return { type: 'negation', of: cursor.within(() => signed(cursor)) }
  let term = simple(cursor)
  for (;;) {
    if (cursor.takesSymbol('.')) term = { type: 'field', of: term, name: cursor.name().text }
    else if (cursor.takesSymbol('[')) term = element(cursor, term)
    else return term
  }
}

/** Behind the bracket: `key]`, `from..to]`, of which either may be missing. */
function element(cursor: Cursor, of: Term): Term {
  const from = cursor.isSymbol('..') ? null : parseTerm(cursor)
  if (from !== null && cursor.takesSymbol(']')) return { type: 'element', of, key: from }
  cursor.symbol('..')
  const to = cursor.isSymbol(']') ? null : parseTerm(cursor)
  cursor.symbol(']')
  return { type: 'slice', of, from, to }
}

function simple(cursor: Cursor): Term {
  const { lexer } = cursor
  const literal = LITERALS.get(lexer.kind) ?? (lexer.kind === WORD ? WORD_LITERALS.get(lexer.text) : undefined)
  if (literal !== undefined) {
    const { text } = lexer
    lexer.next()
    return { type: 'literal', kind: literal, text }
  }
  if (cursor.takesSymbol('?')) return { type: 'marker', index: cursor.markers++, name: null }
  if (cursor.takesSymbol(':')) {
    const { text } = cursor.name()
    return { type: 'marker', index: cursor.markers++, name: text }
  }
  if (cursor.takesSymbol('*')) return { type: 'star' }
  if (cursor.takesSymbol('[')) return { type: 'list', items: until(cursor, ']') }
  if (cursor.takesSymbol('{')) return braces(cursor)
  if (cursor.takesSymbol('(')) return parentheses(cursor)
  return named(cursor)
}

/** Terms with commas between, up to the bracket that closes them. */
function until(cursor: Cursor, close: string): Term[] {
  if (cursor.takesSymbol(close)) return []
  const items = cursor.list(() => parseTerm(cursor))
  cursor.symbol(close)
  return items
}

/** `{}`, a set, a map, or a value of a user's type, whose fields have names. */
function braces(cursor: Cursor): Term {
  if (cursor.takesSymbol('}')) return { type: 'set', items: [] }
  const place = cursor.place
  const { markers } = cursor
  if (cursor.isName) {
    const name = cursor.name().text
    if (cursor.takesSymbol(':')) return userType(cursor, name)
    cursor.back(place)
    cursor.markers = markers
  }
  const first = parseTerm(cursor)
  if (!cursor.takesSymbol(':')) {
    const items = [first]
    while (cursor.takesSymbol(',')) items.push(parseTerm(cursor))
    cursor.symbol('}')
    return { type: 'set', items }
  }
  const entries: [Term, Term][] = [[first, parseTerm(cursor)]]
  while (cursor.takesSymbol(',')) {
    const key = parseTerm(cursor)
    cursor.symbol(':')
    entries.push([key, parseTerm(cursor)])
  }
  cursor.symbol('}')
  return { type: 'map', entries }
}

function userType(cursor: Cursor, first: string): Term {
  const fields: [string, Term][] = [[first, parseTerm(cursor)]]
  while (cursor.takesSymbol(',')) {
    const name = cursor.name().text
    cursor.symbol(':')
    fields.push([name, parseTerm(cursor)])
  }
  cursor.symbol('}')
  return { type: 'udt', fields }
}

/** A tuple, a term by itself, or the type of what follows. */
function parentheses(cursor: Cursor): Term {
  const place = cursor.place
  const { markers } = cursor
  const hinted = cursor.isName ? typeHint(cursor) : null
  if (hinted !== null) return hinted
  cursor.back(place)
  cursor.markers = markers
  const items = cursor.list(() => parseTerm(cursor))
  cursor.symbol(')')
  return { type: 'tuple', items }
}

/** `int) 5`: only what can't go on after a term by itself makes it a type. */
function typeHint(cursor: Cursor): Term | null {
  const to = parseType(cursor)
  if (to === null || !cursor.takesSymbol(')')) return null
  const { kind } = cursor.lexer
  const isTerm =
    LITERALS.has(kind) || kind === QUOTED || ['?', ':', '[', '{', '('].some((symbol) => cursor.isSymbol(symbol))
  const isWordTerm = kind === WORD && (WORD_LITERALS.has(cursor.lexer.text) || cursor.isName) && !cursor.isWord('as')
  return isTerm || isWordTerm ? { type: 'hint', to, of: cursor.within(() => simple(cursor)) } : null
}

/** `int`, `ks.type`, `map<text, frozen<list<int>>>`, `vector<float, 3>`; null where it is none. */
export function parseType(cursor: Cursor): string | null {
  return cursor.within(() => {
    if (!cursor.isName && cursor.lexer.kind !== NUMBER) return null
    let type = cursor.lexer.text
    cursor.lexer.next()
    if (cursor.takesSymbol('.')) type += `.${cursor.name().text}`
    if (!cursor.takesSymbol('<')) return type
    const of: string[] = []
    do {
      const each = parseType(cursor)
      if (each === null) return null
      of.push(each)
    } while (cursor.takesSymbol(','))
    return cursor.takesSymbol('>') ? `${type}<${of.join(', ')}>` : null
  })
}

/** A column, a function, or `CAST(... AS ...)`. */
function named(cursor: Cursor): Term {
  if (cursor.isWord('token')) {
    cursor.word('token')
    cursor.symbol('(')
    return { type: 'function', keyspace: null, name: 'token', args: until(cursor, ')') }
  }
  const name = cursor.name()
  if (name.text === 'cast' && cursor.isSymbol('(')) {
    cursor.symbol('(')
    const of = parseTerm(cursor)
    cursor.word('as')
    const to = parseType(cursor) ?? cursor.fault('expected a type')
    cursor.symbol(')')
    return { type: 'cast', of, to }
  }
  if (cursor.takesSymbol('(')) return { type: 'function', keyspace: null, name: name.text, args: until(cursor, ')') }
  const place = cursor.place
  if (cursor.takesSymbol('.') && cursor.isName) {
    const { text } = cursor.name()
    if (cursor.takesSymbol('(')) return { type: 'function', keyspace: name.text, name: text, args: until(cursor, ')') }
  }
  cursor.back(place)
  return { type: 'column', name }
}
