import type { TypeName } from './type-name.ts'

/** A range of the bytes that the text was read from. */
export interface Spot {
  readonly start: number
  readonly end: number
}

/** A name as the server has it: in lower case unless it was quoted. */
export interface Name extends Spot {
  readonly text: string
}

/** Something of a keyspace that a statement names. Of a keyspace alone, `name` is null. */
export interface Reference extends Spot {
  readonly of: 'keyspace' | 'table' | 'index' | 'type' | 'function'
  readonly keyspace: Name | null
  readonly name: Name | null
}

/** A place for a bound value: `?` or `:name`. */
export interface Marker extends Spot {
  /** Its place among the markers of the text. */
  readonly index: number
  readonly name: Name | null
}

export type LiteralType = 'string' | 'integer' | 'float' | 'boolean' | 'duration' | 'uuid' | 'blob' | 'null'

/** What stands where a value or a column is computed. A literal is its range of the text only, however long. */
export type Term = Spot &
  (
    | { readonly term: 'literal'; readonly type: LiteralType }
    | { readonly term: 'marker'; readonly marker: Marker }
    /** A column, or the field of a user's type where it is the key of a `{...}`. */
    | { readonly term: 'name'; readonly name: Name }
    | { readonly term: 'call'; readonly function: Reference; readonly args: readonly Term[] }
    /** `*` of `count(*)`. */
    | { readonly term: 'star' }
    | { readonly term: 'list' | 'set' | 'tuple'; readonly items: readonly Term[] }
    /** A map, or a value of a user's type. */
    | { readonly term: 'map'; readonly entries: readonly (readonly [key: Term, value: Term])[] }
    /** `CAST(of AS to)`, or a hint: `(to) of`. */
    | { readonly term: 'cast' | 'hint'; readonly of: Term; readonly to: TypeName }
    /** A sum or a product; it may have thousands of members, side by side. */
    | { readonly term: 'operation'; readonly first: Term; readonly rest: readonly Operand[] }
    | { readonly term: 'negation'; readonly of: Term }
    | { readonly term: 'path'; readonly of: Term; readonly steps: readonly Step[] }
  )

export interface Operand {
  readonly operator: string
  readonly term: Term
}

/** `.field`, `[at]` or `[from..to]`. */
export type Step =
  | { readonly step: 'field'; readonly name: Name }
  | { readonly step: 'element'; readonly at: Term }
  | { readonly step: 'slice'; readonly from: Term | null; readonly to: Term | null }

export type Operator =
  | '='
  | '!='
  | '<'
  | '<='
  | '>'
  | '>='
  | 'IN'
  | 'NOT IN'
  | 'CONTAINS'
  | 'CONTAINS KEY'
  | 'NOT CONTAINS'
  | 'NOT CONTAINS KEY'
  | 'LIKE'
  | 'BETWEEN'
  | 'IS NOT NULL'
  | 'EXPR'

/** What a WHERE or an IF asks for. */
export interface Relation extends Spot {
  /** `a`, `(a, b)`, `token(a, b)`, `a[key]`, `a.field`, or `expr(index, ...)`, which has no columns. */
  readonly on: 'column' | 'tuple' | 'token' | 'element' | 'field' | 'index'
  readonly columns: readonly Name[]
  readonly key: Term | null
  readonly operator: Operator
  readonly values: readonly Term[]
  /** The marker of `IN ?`: one value that is all the list. */
  readonly list: Marker | null
}

/** Relations that all must hold, from behind WHERE or IF on. */
export interface Clause extends Spot {
  readonly relations: readonly Relation[]
}

export interface Using extends Spot {
  readonly timestamp: Term | null
  readonly ttl: Term | null
}

interface Common extends Spot {
  /** Code of its name. */
  readonly kind: number
  /** Everything of a keyspace that is named, in the text's order. */
  readonly references: readonly Reference[]
  readonly markers: readonly Marker[]
}

export interface Selector extends Spot {
  readonly term: Term
  readonly alias: Name | null
}

export interface Ordering extends Spot {
  readonly column: Name
  readonly descending: boolean
  /** Of `ANN OF`. */
  readonly near: Term | null
}

export interface Select extends Common {
  readonly type: 'select'
  readonly json: boolean
  readonly distinct: boolean
  /** Empty for `*`. */
  readonly selectors: readonly Selector[]
  readonly table: Reference
  readonly where: Clause | null
  readonly groupBy: readonly Term[]
  readonly orderBy: readonly Ordering[]
  readonly perPartitionLimit: Term | null
  readonly limit: Term | null
  readonly allowsFiltering: boolean
}

export interface Insert extends Common {
  readonly type: 'insert'
  readonly table: Reference
  readonly columns: readonly Name[]
  readonly values: readonly Term[]
  /** A string or a marker, instead of columns and values. */
  readonly json: Term | null
  readonly ifNotExists: boolean
  readonly using: Using | null
}

export interface Assignment extends Spot {
  readonly column: Name
  /** `m[key]` or `u.field`. */
  readonly key: Step | null
  /** `=`, `+=` or `-=`, also where it was written as `a = a + value`; `prepend` for `a = value + a`. */
  readonly operator: '=' | '+=' | '-=' | 'prepend'
  readonly value: Term
}

export interface Conditions {
  readonly ifExists: boolean
  readonly ifs: Clause | null
}

export interface Update extends Common, Conditions {
  readonly type: 'update'
  readonly table: Reference
  readonly using: Using | null
  readonly assignments: readonly Assignment[]
  readonly where: Clause
}

export interface Deletion extends Spot {
  readonly column: Name
  readonly key: Step | null
}

export interface Delete extends Common, Conditions {
  readonly type: 'delete'
  readonly table: Reference
  /** Empty for whole rows. */
  readonly deletions: readonly Deletion[]
  readonly using: Using | null
  readonly where: Clause
}

export interface BatchText extends Common {
  readonly type: 'batch'
  readonly logging: 'logged' | 'unlogged' | 'counter'
  readonly using: Using | null
  readonly statements: readonly (Insert | Update | Delete)[]
}

export interface ColumnDefinition extends Spot {
  readonly name: Name
  readonly type: TypeName
  readonly isStatic: boolean
}

export interface CreateTable extends Common {
  readonly type: 'create table'
  readonly table: Reference
  readonly ifNotExists: boolean
  readonly columns: readonly ColumnDefinition[]
  readonly partitionKey: readonly Name[]
  readonly clusteringKey: readonly Name[]
}

/** Any other statement: its kind and what it names. */
export interface OtherStatement extends Common {
  readonly type: 'other'
}

export type Statement = Select | Insert | Update | Delete | BatchText | CreateTable | OtherStatement
