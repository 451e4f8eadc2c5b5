import { RESERVED } from './keywords.ts'
import { BROKEN, END, Lexer, QUOTED, STRING, SYMBOL, WORD } from './lexer.ts'
import type { Marker, Name, Reference, Spot } from './tree.ts'

/** Terms, types and parentheses may be nested so deep. */
export const NESTING_MAX = 100
/** Tokens of one text: what is longer is not taken apart. Each of them can cost some 100 bytes for as long as the tree lives. */
export const TOKENS_MAX = 400_000

/** The text is no statement that is known here. */
export class SyntaxFault extends Error {
  /** Where, in the bytes. */
  readonly at: number

  constructor(message: string, at: number) {
    super(message)
    this.at = at
  }
}

export interface Mark {
  readonly start: number
  readonly before: number
  /** How many there were. */
  readonly markers: number
  readonly references: number
}

/** Goes through the tokens of a text, and keeps what was named on the way. Throws SyntaxFault. */
export class Cursor {
  readonly bytes: Buffer
  readonly markers: Marker[] = []
  readonly references: Reference[] = []
  /** Where the token before the present one ends. */
  before: number
  readonly #lexer: Lexer
  #depth = 0
  #tokens = 0

  constructor(bytes: Buffer, at: number, end: number) {
    this.bytes = bytes
    this.before = at
    this.#lexer = new Lexer(bytes, at, end)
    this.next()
  }

  get kind(): number {
    return this.#lexer.kind
  }

  get start(): number {
    return this.#lexer.start
  }

  get end(): number {
    return this.#lexer.end
  }

  next(): void {
    this.before = this.#lexer.end
    if (this.#lexer.next() === BROKEN) throw new SyntaxFault('a quote or a comment does not end', this.start)
    if (++this.#tokens > TOKENS_MAX) throw new SyntaxFault(`more than ${TOKENS_MAX} words and symbols`, this.start)
  }

  /** The present token goes on to there. */
  stretch(end: number): void {
    this.#lexer.end = end
  }

  /** Goes back to where `mark` was called. */
  reset(to: Mark): void {
    this.#lexer.end = to.start
    this.next()
    this.before = to.before
    this.markers.length = to.markers
    this.references.length = to.references
  }

  mark(): Mark {
    const { start, before, markers, references } = this
    return { start, before, markers: markers.length, references: references.length }
  }

  fail(expected: string): never {
    const found = this.kind === END ? 'the end' : JSON.stringify(this.text.slice(0, 20))
    throw new SyntaxFault(`${expected} expected, not ${found}`, this.start)
  }

  /** Parses what may hold the like of itself. */
  nested<T>(parse: () => T): T {
    if (++this.#depth > NESTING_MAX) throw new SyntaxFault(`nested more than ${NESTING_MAX} deep`, this.start)
    const parsed = parse()
    this.#depth--
    return parsed
  }

  /** Null where it can't be parsed; the cursor is anywhere then. */
  attempt<T>(parse: () => T): T | null {
    const depth = this.#depth
    try {
      return parse()
    } catch (error) {
      if (!(error instanceof SyntaxFault)) throw error
      this.#depth = depth
      return null
    }
  }

  get text(): string {
    return this.#lexer.text
  }

  /** What stands there, in ASCII, up to the end of the text. */
  slice(start: number, end: number): string {
    return this.bytes.toString('latin1', start, Math.min(end, this.#lexer.limit))
  }

  isWord(word: string): boolean {
    return this.#lexer.isWord(word)
  }

  isSymbol(symbol: string): boolean {
    const { bytes, start, end } = this
    if (this.kind !== SYMBOL || end - start !== symbol.length || bytes[start] !== symbol.charCodeAt(0)) return false
    return symbol.length === 1 || bytes[start + 1] === symbol.charCodeAt(1)
  }

  /** Passes the words over if the first of them is the present one; the others then must follow. */
  takes(first: string, ...others: readonly string[]): boolean {
    if (!this.isWord(first)) return false
    this.next()
    for (const word of others) this.expect(word)
    return true
  }

  expect(...words: readonly string[]): void {
    for (const word of words) if (!this.takes(word)) this.fail(word.toUpperCase())
  }

  takesSymbol(symbol: string): boolean {
    if (!this.isSymbol(symbol)) return false
    this.next()
    return true
  }

  expectSymbol(symbol: string): void {
    if (!this.takesSymbol(symbol)) this.fail(symbol)
  }

  /** One or more of them, separated by `separator`. */
  list<T>(parse: () => T, separator = ','): T[] {
    const items = [parse()]
    while (this.takesSymbol(separator)) items.push(parse())
    return items
  }

  /** `(`, one or more of them, `)`. */
  bracketed<T>(parse: () => T): T[] {
    this.expectSymbol('(')
    const items = this.list(parse)
    this.expectSymbol(')')
    return items
  }

  /** One or more of them, with AND between. */
  conjunction<T>(parse: () => T): T[] {
    const items = [parse()]
    while (this.takes('and')) items.push(parse())
    return items
  }

  get isName(): boolean {
    if (this.kind === QUOTED) return true
    return this.kind === WORD && !(this.end - this.start <= 12 && RESERVED.has(this.text))
  }

  /** A name that is no reserved word. */
  name(what = 'a name'): Name {
    return this.isName ? this.word() : this.fail(what)
  }

  /** The present token as a name, even where it is a reserved word. */
  word(): Name {
    const name = { text: this.text, start: this.start, end: this.end }
    this.next()
    return name
  }

  isString(): boolean {
    return this.kind === STRING
  }

  string(): Spot {
    if (this.kind !== STRING) this.fail('a string')
    const spot = { start: this.start, end: this.end }
    this.next()
    return spot
  }

  /** `name` or `keyspace.name`. */
  reference(of: Reference['of'], word: () => Name = () => this.name(`a ${of}`)): Reference {
    const first = word()
    if (!this.takesSymbol('.'))
      return this.refer({ of, keyspace: null, name: first, start: first.start, end: first.end })
    const name = word()
    return this.refer({ of, keyspace: first, name, start: first.start, end: name.end })
  }

  keyspace(): Reference {
    const keyspace = this.name('a keyspace')
    return this.refer({ of: 'keyspace', keyspace, name: null, start: keyspace.start, end: keyspace.end })
  }

  refer(reference: Reference): Reference {
    this.references.push(reference)
    return reference
  }

  get isMarker(): boolean {
    return this.isSymbol('?') || this.isSymbol(':')
  }

  marker(): Marker {
    const { start } = this
    const name = this.takesSymbol(':') ? this.name('the name of a bind marker') : null
    if (name === null) this.expectSymbol('?')
    const marker = { index: this.markers.length, name, start, end: this.before }
    this.markers.push(marker)
    return marker
  }
}
