import { DEPTH_MAX, MARSHAL_NAMES, type CqlType, type SimpleType } from './cql-type.ts'

/** Simple types by the class of the server that stands for each. */
const simpleByClass = new Map(Object.entries(MARSHAL_NAMES).map(([type, name]) => [name, type as SimpleType]))

/** The type that a class of the server stands for, `org.apache.cassandra.db.marshal.ListType(...)`; null where it is none. */
export function parseMarshal(name: string): CqlType | null {
  const parser = new Parser(name)
  const type = parser.type(0)
  return type !== null && parser.isAtEnd ? type : null
}

class Parser {
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  get isAtEnd(): boolean {
    this.#skip()
    return this.#at === this.#text.length
  }

  type(depth: number): CqlType | null {
    if (depth > DEPTH_MAX) return null
    const name = this.#name().split('.').pop()!
    if (!this.#takes('(')) {
      const simple = simpleByClass.get(name)
      return simple === undefined ? null : { type: simple }
    }
    const type = this.#composed(name, depth + 1)
    return type !== null && this.#takes(')') ? type : null
  }

  #composed(name: string, depth: number): CqlType | null {
    switch (name) {
      case 'FrozenType':
      case 'ReversedType':
        return this.type(depth)
      case 'ListType':
      case 'SetType': {
        const of = this.type(depth)
        return of === null ? null : { type: name === 'ListType' ? 'list' : 'set', of }
      }
      case 'MapType': {
        const keys = this.type(depth)
        const values = this.#takes(',') ? this.type(depth) : null
        return keys === null || values === null ? null : { type: 'map', keys, values }
      }
      case 'TupleType':
        return this.#tuple(depth)
      case 'VectorType': {
        const of = this.type(depth)
        const size = this.#takes(',') ? Number(this.#name()) : NaN
        return of === null || !Number.isInteger(size) ? null : { type: 'vector', of, size }
      }
      case 'UserType':
        return this.#userType(depth)
      default:
        return null
    }
  }

  #tuple(depth: number): CqlType | null {
    const of: CqlType[] = []
    do {
      const type = this.type(depth)
      if (type === null) return null
      of.push(type)
    } while (this.#takes(','))
    return { type: 'tuple', of }
  }

  #userType(depth: number): CqlType | null {
    const text = (hex: string) => Buffer.from(hex, 'hex').toString()
    const keyspace = this.#name()
    if (!this.#takes(',')) return null
    const name = text(this.#name())
    const fields: { name: string; type: CqlType }[] = []
    while (this.#takes(',')) {
      const field = text(this.#name())
      const type = this.#takes(':') ? this.type(depth) : null
      if (type === null) return null
      fields.push({ name: field, type })
    }
    return { type: 'udt', keyspace, name, fields }
  }

  #skip(): void {
    while (this.#text[this.#at] === ' ') this.#at++
  }

  #takes(symbol: string): boolean {
    this.#skip()
    if (this.#text[this.#at] !== symbol) return false
    this.#at++
    return true
  }

  #name(): string {
    this.#skip()
    const start = this.#at
    while (/[\w.$]/.test(this.#text[this.#at] ?? '')) this.#at++
    return this.#text.slice(start, this.#at)
  }
}
