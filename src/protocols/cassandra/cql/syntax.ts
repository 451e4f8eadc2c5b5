// The parsed form of statements that read and write rows. Offsets are bytes in the text that was parsed.

/** A name, and where it stands. */
export interface Name {
  /** In lower case unless it was quoted. */
  readonly text: string
  readonly start: number
  readonly end: number
}

export interface TableName {
  readonly keyspace: Name | null
  readonly table: Name
}

export type LiteralKind = 'string' | 'number' | 'blob' | 'uuid' | 'boolean' | 'null'

/** What a value is made of, and what is selected. */
export type Term =
  | { readonly type: 'literal'; readonly kind: LiteralKind; readonly text: string }
  /** The marker's place among all of the statement, from 0, and its name if it has one. */
  | { readonly type: 'marker'; readonly index: number; readonly name: string | null }
  | { readonly type: 'column'; readonly name: Name }
  | { readonly type: 'star' }
  | { readonly type: 'list' | 'set' | 'tuple'; readonly items: readonly Term[] }
  | { readonly type: 'map'; readonly entries: readonly (readonly [key: Term, value: Term])[] }
  | { readonly type: 'udt'; readonly fields: readonly (readonly [name: string, value: Term])[] }
  | {
      readonly type: 'function'
      readonly keyspace: string | null
      readonly name: string
      readonly args: readonly Term[]
    }
  | { readonly type: 'cast'; readonly of: Term; readonly to: string }
  | { readonly type: 'hint'; readonly to: string; readonly of: Term }
  | { readonly type: 'negation'; readonly of: Term }
  | { readonly type: 'operation'; readonly operator: string; readonly left: Term; readonly right: Term }
  | { readonly type: 'field'; readonly of: Term; readonly name: string }
  | { readonly type: 'element'; readonly of: Term; readonly key: Term }
  | { readonly type: 'slice'; readonly of: Term; readonly from: Term | null; readonly to: Term | null }

/** `k = 1`, `(a, b) IN ?`, `token(k) > 5`, `m['x'] = 1`. */
export interface Relation {
  /** A column, an element of one, or a function; a tuple of columns. */
  readonly left: Term
  /** `=`, `<`, `<=`, `>`, `>=`, `!=`, `in`, `not in`, `contains`, `contains key`, `like`, `is not`, `between`. */
  readonly operator: string
  /** Several for `in (...)` and `between`. */
  readonly right: readonly Term[]
}

export interface Using {
  readonly timestamp: Term | null
  readonly ttl: Term | null
}

export interface Assignment {
  /** A column, an element or a field of one. */
  readonly target: Term
  /** `=`, `+=` or `-=`. */
  readonly operator: string
  readonly value: Term
}

/** `IF EXISTS`, `IF NOT EXISTS`, or conditions; null: none. */
export type Condition = 'exists' | 'not exists' | readonly Relation[] | null

export interface SelectStatement {
  readonly type: 'select'
  readonly isJson: boolean
  readonly isDistinct: boolean
  readonly selectors: readonly { readonly term: Term; readonly alias: string | null }[]
  readonly table: TableName
  readonly where: readonly Relation[]
  readonly groupBy: readonly Term[]
  readonly orderBy: readonly { readonly term: Term; readonly isDescending: boolean; readonly ann: Term | null }[]
  readonly perPartitionLimit: Term | null
  readonly limit: Term | null
  readonly allowsFiltering: boolean
}

export interface InsertStatement {
  readonly type: 'insert'
  readonly table: TableName
  /** Null: `JSON`. */
  readonly columns: readonly Name[] | null
  /** One for each column; of `JSON` the text. */
  readonly values: readonly Term[]
  readonly condition: Condition
  readonly using: Using
}

export interface UpdateStatement {
  readonly type: 'update'
  readonly table: TableName
  readonly using: Using
  readonly assignments: readonly Assignment[]
  readonly where: readonly Relation[]
  readonly condition: Condition
}

export interface DeleteStatement {
  readonly type: 'delete'
  readonly table: TableName
  /** What is deleted of the row; empty: the row. */
  readonly targets: readonly Term[]
  readonly using: Using
  readonly where: readonly Relation[]
  readonly condition: Condition
}

export type RowStatement = InsertStatement | UpdateStatement | DeleteStatement

export type ParsedStatement =
  | SelectStatement
  | RowStatement
  | { readonly type: 'batch'; readonly kind: 'logged' | 'unlogged' | 'counter'; readonly using: Using; readonly statements: readonly RowStatement[] } // prettier-ignore
  | { readonly type: 'truncate'; readonly table: TableName }
  | { readonly type: 'use'; readonly keyspace: Name }
