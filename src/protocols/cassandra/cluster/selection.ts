import type { CqlType, Simple } from '../body/cql-type.ts'
import { isSimple } from '../body/cql-type.ts'
import { decodeValue, encodeValue } from '../body/values.ts'
import type { Select, Term } from '../cql/tree.ts'
import { jsonText } from '../values/json-text.ts'
import type { Row } from './system-rows.ts'
import { comparisonOf } from './where.ts'

/** Computes a value of one group of rows; most groups have one row. */
export interface Computation {
  readonly type: CqlType
  /** It is of the group as a whole. */
  readonly isAggregate: boolean
  of(rows: readonly Row[]): Buffer | null
}

/** One thing that is selected. */
export interface Selection {
  /** As `SELECT JSON` names it. */
  readonly name: string
  /** Null: only the server knows how. */
  readonly computation: Computation | null
  /** Columns that it is made of. */
  readonly columns: readonly string[]
}

type Types = ReadonlyMap<string, CqlType>

/** What a SELECT selects; `*` is all columns of the table. */
export function selectionsOf(select: Select, types: Types, text: Buffer): Selection[] {
  if (select.selectors.length === 0) return [...types.keys()].map((name) => columnSelection(name, types))
  return select.selectors.map(({ term, alias }) => ({
    name: alias?.text ?? nameOf(term, text),
    computation: computationOf(term, types),
    columns: namesIn(term),
  }))
}

/** A column as it is; one that the table does not have is null. */
export function columnSelection(name: string, types: Types): Selection {
  const type = types.get(name) ?? { type: 'blob' }
  return { name, columns: [name], computation: { type, isAggregate: false, of: cellOf(name) } }
}

function cellOf(name: string): Computation['of'] {
  return (rows) => rows[0]?.get(name) ?? null
}

function computationOf(term: Term, types: Types): Computation | null {
  if (term.term === 'name') {
    const type = types.get(term.name.text)
    return type === undefined ? null : { type, isAggregate: false, of: cellOf(term.name.text) }
  }
  if (term.term === 'cast') {
    const of = computationOf(term.of, types)
    return of === null || term.to.type !== 'text' ? null : castToText(of)
  }
  if (term.term !== 'call') return null
  const { keyspace, name } = term.function
  if (keyspace !== null && keyspace.text !== 'system') return null
  return callOf(name!.text, term.args, types)
}

function callOf(name: string, args: readonly Term[], types: Types): Computation | null {
  const [arg] = args
  if (args.length !== 1 || arg === undefined) return null
  const of = computationOf(arg, types)
  switch (name) {
    case 'count':
      return countOf(arg, of)
    case 'max':
    case 'min':
      return of === null ? null : extremeOf(of, name === 'max' ? 1 : -1)
    case 'tojson':
    case 'to_json':
      return of === null || of.isAggregate ? null : jsonOf(of)
    // Nothing in these tables ends by itself.
    case 'ttl':
      return { type: { type: 'int' }, isAggregate: false, of: () => null }
    default:
      return null
  }
}

function countOf(arg: Term, of: Computation | null): Computation | null {
  if (of === null && arg.term !== 'star' && arg.term !== 'literal') return null
  return {
    type: { type: 'bigint' },
    isAggregate: true,
    of(rows) {
      const counted = of === null ? rows.length : rows.filter((row) => of.of([row]) !== null).length
      return encodeValue({ type: 'bigint' }, BigInt(counted))
    },
  }
}

function extremeOf({ type, of }: Computation, sign: 1 | -1): Computation | null {
  const compare = comparisonOf(type)
  if (compare === null) return null
  return {
    type,
    isAggregate: true,
    of(rows) {
      let found: Buffer | null = null
      for (const row of rows) {
        const value = of([row])
        if (value !== null && (found === null || compare(value, found) * sign > 0)) found = value
      }
      return found
    },
  }
}

function jsonOf({ type, of }: Computation): Computation {
  return {
    type: { type: 'text' },
    isAggregate: false,
    of: (rows) => Buffer.from(jsonText(type, of(rows)) ?? 'null'),
  }
}

/** Types whose text is what JavaScript makes of them. */
const TELLABLE: ReadonlySet<Simple['type']> = new Set(['text', 'ascii', 'inet', 'uuid', 'timeuuid', 'int', 'bigint', 'boolean']) // prettier-ignore

function castToText({ type, isAggregate, of }: Computation): Computation | null {
  if (!isSimple(type) || !TELLABLE.has(type.type)) return null
  return {
    type: { type: 'text' },
    isAggregate,
    of(rows) {
      const value = decodeValue(type, of(rows))
      return value === null ? null : Buffer.from(String(value as string | number | bigint | boolean))
    },
  }
}

/** As the server names what has no alias: by its text in lower case, functions with their keyspace. */
function nameOf(term: Term, text: Buffer): string {
  if (term.term === 'name') return term.name.text
  if (term.term !== 'call') return text.toString('utf8', term.start, term.end).toLowerCase()
  const name = term.function.name!.text
  const args = term.args.map((arg) => nameOf(arg, text)).join(', ')
  if (name === 'count' && (args === '*' || args === '1')) return 'count'
  if (name === 'ttl' || name === 'writetime') return `${name}(${args})`
  return `${term.function.keyspace?.text ?? 'system'}.${name}(${args})`
}

/** The columns that a term names. */
function namesIn(term: Term): string[] {
  switch (term.term) {
    case 'name':
      return [term.name.text]
    case 'call':
      return term.args.flatMap(namesIn)
    case 'list':
    case 'set':
    case 'tuple':
      return term.items.flatMap(namesIn)
    case 'map':
      return term.entries.flat().flatMap(namesIn)
    case 'cast':
    case 'hint':
    case 'negation':
    case 'path':
      return namesIn(term.of)
    case 'operation':
      return [term.first, ...term.rest.map((each) => each.term)].flatMap(namesIn)
    case 'literal':
    case 'marker':
    case 'star':
      return []
  }
}
