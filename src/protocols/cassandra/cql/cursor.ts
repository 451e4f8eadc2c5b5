import { END, Lexer, QUOTED, SYMBOL, WORD } from './lexer.ts'
import type { Name, TableName } from './syntax.ts'

/** The text is none of the statements that are parsed. */
export class SyntaxFault extends Error {}

/** Words that can't name anything without quotes: ReservedKeywords of Apache Cassandra. */
const RESERVED = new Set(
  (
    'add allow alter and apply asc authorize batch begin by columnfamily create default delete desc describe drop entries execute ' +
    'from full grant if in index infinity insert into is keyspace limit materialized mbean mbeans modify nan norecursive not null of ' +
    'on or order primary rename replace revoke schema select set table to token truncate unlogged unset update use using view where with'
  ).split(' '),
)

const DEPTH_MAX = 100

/** The tokens of a text, of which one is looked at, with what every part of a parser asks. */
export class Cursor {
  readonly lexer: Lexer
  /** Markers that were met. */
  markers = 0
  #depth = 0

  constructor(bytes: Buffer, at: number, end: number) {
    this.lexer = new Lexer(bytes, at, end)
    this.lexer.next()
  }

  /** Terms in terms: a bound keeps hostile texts from using up the stack. */
  within<T>(parse: () => T): T {
    if (this.#depth >= DEPTH_MAX) throw new SyntaxFault('terms are nested too deep')
    this.#depth++
    try {
      return parse()
    } finally {
      this.#depth--
    }
  }

  get isAtEnd(): boolean {
    return this.lexer.kind === END
  }

  isWord(word: string): boolean {
    return this.lexer.isWord(word)
  }

  isSymbol(symbol: string): boolean {
    const { lexer } = this
    return symbol.length === 1 ? lexer.isSymbol(symbol) : lexer.kind === SYMBOL && lexer.text === symbol
  }

  /** Passes over the word if it is there. */
  takesWord(word: string): boolean {
    if (!this.lexer.isWord(word)) return false
    this.lexer.next()
    return true
  }

  /** Passes over the words if all are there; else over none. */
  takesWords(...words: string[]): boolean {
    const at = this.lexer.start
    for (const word of words) {
      if (this.takesWord(word)) continue
      this.back(at)
      return false
    }
    return true
  }

  takesSymbol(symbol: string): boolean {
    if (!this.isSymbol(symbol)) return false
    this.lexer.next()
    return true
  }

  word(word: string): void {
    if (!this.takesWord(word)) this.fault(`expected ${word.toUpperCase()}`)
  }

  symbol(symbol: string): void {
    if (!this.takesSymbol(symbol)) this.fault(`expected ${symbol}`)
  }

  /** Where the present token begins: `back` goes there again. */
  get place(): number {
    return this.lexer.start
  }

  back(place: number): void {
    this.lexer.end = place
    this.lexer.next()
  }

  get isName(): boolean {
    const { kind, text } = this.lexer
    return kind === QUOTED || (kind === WORD && !RESERVED.has(text))
  }

  name(): Name {
    if (!this.isName) this.fault('expected a name')
    const { text, start, end } = this.lexer
    this.lexer.next()
    return { text, start, end }
  }

  tableName(): TableName {
    const first = this.name()
    if (!this.takesSymbol('.')) return { keyspace: null, table: first }
    return { keyspace: first, table: this.name() }
  }

  /** Things with commas between. */
  list<T>(one: () => T): T[] {
    const all = [one()]
    while (this.takesSymbol(',')) all.push(one())
    return all
  }

  fault(text: string): never {
    throw new SyntaxFault(`${text} at byte ${this.lexer.start}`)
  }
}
