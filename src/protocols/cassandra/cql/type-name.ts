import { SIMPLE_TYPES, type CqlType, type SimpleType } from '../body/cql-type.ts'
import { Cursor, SyntaxFault } from './cursor.ts'
import { END, NUMBER } from './lexer.ts'
import type { Name } from './tree.ts'

/** A type as it is written, `frozen<map<text, list<int>>>`; what is in a user's type is not known there. */
export type TypeName = { readonly frozen: boolean } & (
  | { readonly type: SimpleType }
  | { readonly type: 'list' | 'set'; readonly of: TypeName }
  | { readonly type: 'map'; readonly keys: TypeName; readonly values: TypeName }
  | { readonly type: 'tuple'; readonly of: readonly TypeName[] }
  | { readonly type: 'vector'; readonly of: TypeName; readonly size: number }
  | { readonly type: 'udt'; readonly keyspace: string | null; readonly name: string }
  /** The name of a class of the server, written as a string. */
  | { readonly type: 'custom'; readonly name: string }
)

/** A type, at the cursor: comparatorType of Parser.g. */
export function typeName(cursor: Cursor): TypeName {
  return cursor.nested(() => {
    if (cursor.isString()) {
      const type: TypeName = { type: 'custom', name: cursor.text, frozen: false }
      cursor.next()
      return type
    }
    // What is quoted, or has a keyspace before it, is a user's.
    const word =
      cursor.bytes[cursor.start] === 0x22 ? '' : cursor.isWord('set') ? 'set' : cursor.isName ? cursor.text : ''
    const parse = COMPOSED.get(word)
    if (parse !== undefined) {
      const at = cursor.mark()
      cursor.next()
      if (cursor.takesSymbol('<')) {
        const type = parse(cursor)
        cursor.expectSymbol('>')
        return type
      }
      cursor.reset(at)
    }
    return simpleOrUsers(cursor, word)
  })
}

function simpleOrUsers(cursor: Cursor, word: string): TypeName {
  const name = word === 'varchar' ? 'text' : word
  if (!Object.hasOwn(SIMPLE_TYPES, name)) return usersType(cursor)
  const at = cursor.mark()
  cursor.next()
  if (!cursor.isSymbol('.')) return { type: name as SimpleType, frozen: false }
  cursor.reset(at)
  return usersType(cursor)
}

function usersType(cursor: Cursor): TypeName {
  const { keyspace, name } = cursor.reference('type')
  return { type: 'udt', keyspace: keyspace?.text ?? null, name: (name as Name).text, frozen: false }
}

const COMPOSED: ReadonlyMap<string, (cursor: Cursor) => TypeName> = new Map<string, (cursor: Cursor) => TypeName>([
  ['frozen', (cursor) => ({ ...typeName(cursor), frozen: true })],
  ['list', (cursor) => ({ type: 'list', of: typeName(cursor), frozen: false })],
  ['set', (cursor) => ({ type: 'set', of: typeName(cursor), frozen: false })],
  [
    'map',
    (cursor) => {
      const keys = typeName(cursor)
      cursor.expectSymbol(',')
      return { type: 'map', keys, values: typeName(cursor), frozen: false }
    },
  ],
  ['tuple', (cursor) => ({ type: 'tuple', of: cursor.list(() => typeName(cursor)), frozen: false })],
  [
    'vector',
    (cursor) => {
      const of = typeName(cursor)
      cursor.expectSymbol(',')
      const size = cursor.kind === NUMBER ? Number(cursor.text) : NaN
      if (!Number.isInteger(size)) cursor.fail('the size of a vector')
      cursor.next()
      return { type: 'vector', of, size, frozen: false }
    },
  ],
])

/** The type of a column, as system_schema tells it; null where it is none. */
export function parseTypeName(text: string): TypeName | null {
  const bytes = Buffer.from(text)
  try {
    const cursor = new Cursor(bytes, 0, bytes.length)
    const type = typeName(cursor)
    return cursor.kind === END ? type : null
  } catch (error) {
    if (error instanceof SyntaxFault) return null
    throw error
  }
}

type UsersType = Extract<CqlType, { type: 'udt' }>

/** The type that a name stands for; null where `lookUp` knows a user's type of it not. */
export function resolveType(
  name: TypeName,
  lookUp: (keyspace: string | null, name: string) => UsersType | null,
): CqlType | null {
  if (isSimpleName(name)) return { type: name.type }
  switch (name.type) {
    case 'udt':
      return lookUp(name.keyspace, name.name)
    case 'custom':
      return { type: 'custom', name: name.name }
    case 'list':
    case 'set':
    case 'vector': {
      const of = resolveType(name.of, lookUp)
      if (of === null) return null
      return name.type === 'vector' ? { type: 'vector', of, size: name.size } : { type: name.type, of }
    }
    case 'map': {
      const keys = resolveType(name.keys, lookUp)
      const values = resolveType(name.values, lookUp)
      return keys === null || values === null ? null : { type: 'map', keys, values }
    }
    case 'tuple': {
      const of = name.of.map((each) => resolveType(each, lookUp))
      return of.includes(null) ? null : { type: 'tuple', of: of as CqlType[] }
    }
  }
}

type SimpleName = Extract<TypeName, { type: SimpleType }>

export function isSimpleName(name: TypeName): name is SimpleName {
  return Object.hasOwn(SIMPLE_TYPES, name.type)
}
