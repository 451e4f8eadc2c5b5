import { closeSync, openSync, readSync } from 'node:fs'
import { isAlias, isMap, isScalar, isSeq, parseDocument, type Document, type Node, type Pair } from 'yaml'
import { systemErrorText } from '../base/errors.ts'
import { ConfigError, type Problem } from './diagnostics.ts'

/** How often a document may repeat its anchors. */
const ALIASES_MAX = 100

/** Larger files are taken for something else: a device, a dump. A topology of a thousand sources has a twentieth of that. */
const FILE_BYTES_MAX = 4 * 1024 * 1024

/** Keys and indexes from the root of a document to a place in it. */
export type Path = readonly (string | number)[]

/** What a file is to the texts of errors. */
export interface FileWords {
  readonly open: string
  readonly parse: string
}

export const TOPOLOGY_WORDS: FileWords = {
  open: "Couldn't open the topology file",
  parse: 'Failed to parse topology file',
}
export const SETTINGS_WORDS: FileWords = {
  open: "Couldn't open the config file",
  parse: 'Failed to parse config file',
}

/** `sources[0].Valkey.chain`. */
export function pathText(path: Path): string {
  let text = ''
  for (const step of path) text += typeof step === 'number' ? `[${step}]` : text === '' ? step : `.${step}`
  return text
}

/** Reads a file's text. Throws ConfigError. */
export function readText(file: string, words: FileWords): string {
  try {
    return readBounded(file)
  } catch (error) {
    const text = systemErrorText(error as Error)
    const hint =
      (error as NodeJS.ErrnoException).code === 'ENOENT'
        ? `paths are relative to the working directory, ${process.cwd()}`
        : null
    throw new ConfigError(
      [`${words.open} ${file}`, text],
      [{ file, line: 0, column: 0, path: '', text: `${words.open} ${file}: ${text}`, hint }],
    )
  }
}

function readBounded(file: string): string {
  const descriptor = openSync(file, 'r')
  try {
    const chunks: Buffer[] = []
    for (let size = 0; size <= FILE_BYTES_MAX;) {
      const chunk = Buffer.allocUnsafe(64 * 1024)
      const count = readSync(descriptor, chunk)
      if (count === 0) return Buffer.concat(chunks).toString('utf8')
      chunks.push(chunk.subarray(0, count))
      size += count
    }
    throw new Error(`it is larger than ${FILE_BYTES_MAX / 1024 / 1024} MiB`)
  } finally {
    closeSync(descriptor)
  }
}

/** How a problem is shown. */
export interface Placing {
  /** The place is that of the key, not of the value. */
  readonly atKey?: boolean
  /** The path to print, where it is another one. */
  readonly shownPath?: Path
  /** Something is not there: found only at the end of what stands at the path. */
  readonly missing?: boolean
}

/** A YAML document that knows where each of its values stands. */
export class YamlFile {
  readonly file: string
  readonly words: FileWords
  readonly value: unknown
  readonly #found: { readonly problem: Problem; readonly order: number }[] = []
  readonly #document: Document.Parsed
  /** Offset at which each line begins. */
  readonly #lineStarts: readonly number[]

  /** Parses `text`. Throws ConfigError with everything that makes it no YAML document. */
  constructor(file: string, text: string, words: FileWords) {
    this.file = file
    this.words = words
    // The library's own counter loses the line breaks inside tokens that it does not expect.
    this.#lineStarts = [0, ...[...text.matchAll(/\n/g)].map(({ index }) => index + 1)]
    this.#document = parseDocument(text, { prettyErrors: false, uniqueKeys: false, logLevel: 'error' })
    this.#addSyntax()
    if (this.problemCount > 0) this.throwProblems()
    try {
      this.value = this.#document.toJS({ maxAliasCount: ALIASES_MAX })
    } catch (error) {
      this.add([], (error as Error).message, null)
      this.throwProblems()
    }
    this.#addKeys(this.#document.contents, [])
  }

  get problemCount(): number {
    return this.#found.length
  }

  /** Notes that something is wrong at `path`. */
  add(path: Path, text: string, hint: string | null, placing: Placing = {}): void {
    const [start, end] = this.#range(path, placing.atKey ?? false)
    this.#add(start, placing.missing === true ? end : start, placing.shownPath ?? path, text, hint)
  }

  #add(offset: number, order: number, path: Path, text: string, hint: string | null): void {
    const { line, column } = this.#position(offset)
    this.#found.push({ problem: { file: this.file, line, column, path: pathText(path), text, hint }, order })
  }

  /** The problems, in the order of the file. */
  problems(): readonly Problem[] {
    const problems = this.#found.map(({ problem }) => problem)
    return problems.sort((a, b) => a.line - b.line || a.column - b.column)
  }

  /**
   * Throws ConfigError for problems that make the file one that can't be parsed: those noted first, `count` of them. The problems
   * noted after those are shown too.
   */
  throwProblems(count = this.#found.length): never {
    // A parser that stops at the first problem would have met this one.
    const parsing = this.#found.slice(0, count)
    const first = parsing.reduce((earliest, found) => (found.order < earliest.order ? found : earliest))
    const { path, text, line, column } = first.problem
    const cause = `${path === '' ? '' : `${path}: `}${text} at line ${line} column ${column}`
    throw new ConfigError([`${this.words.parse} ${this.file}`, cause], this.problems())
  }

  /** Line and column, from 1, at which the value at `path` begins, or the nearest one above it that exists. */
  locate(path: Path): { line: number; column: number } {
    return this.#position(this.#range(path, false)[0])
  }

  #position(offset: number): { line: number; column: number } {
    let line = this.#lineStarts.length
    while (line > 1 && this.#lineStarts[line - 1] > offset) line--
    return { line, column: offset - this.#lineStarts[line - 1] + 1 }
  }

  /** What the parser found. */
  #addSyntax(): void {
    let lastLine = 0
    let lost = false
    for (const { code, message, pos } of [...this.#document.errors, ...this.#document.warnings]) {
      const { line } = this.#position(pos[0])
      // One slip makes the parser stumble through the rest of its line, or, once it has lost the structure, of the file.
      if (line !== lastLine && !(lost && code === 'UNEXPECTED_TOKEN')) {
        this.#add(pos[0], pos[0], [], ...syntaxText(code, message))
      }
      lastLine = line
      lost ||= code === 'UNEXPECTED_TOKEN'
    }
  }

  /** Keys that stand twice in one map, or are no words. */
  #addKeys(node: unknown, path: Path): void {
    if (isSeq(node)) for (const [index, item] of node.items.entries()) this.#addKeys(item, [...path, index])
    if (!isMap(node)) return
    const seen = new Set<string>()
    for (const pair of node.items) {
      const key = keyText(pair)
      const [start] = rangeOf(pair.key)
      if (!isScalar(pair.key)) this.#add(start, start, path, 'a key must be a word', null)
      else if (seen.has(key)) {
        this.#add(start, start, path, `duplicate field \`${key}\``, 'a key may stand only once in a map')
      }
      seen.add(key)
      this.#addKeys(pair.value, [...path, key])
    }
  }

  /** Offsets of the start and end of the value at `path`, or of its key. */
  #range(path: Path, atKey: boolean): [number, number] {
    let node: unknown = this.#document.contents
    let range = rangeOf(node)
    for (const [index, step] of path.entries()) {
      if (isAlias(node)) node = node.resolve(this.#document)
      if (isSeq(node)) {
        node = node.items[Number(step)]
        if (node === undefined) break
        range = rangeOf(node)
      } else if (isMap(node)) {
        const pair = node.items.find((item) => keyText(item) === String(step))
        if (pair === undefined) break
        node = pair.value
        // The value of an empty entry (`tls:`) stands nowhere; its key does.
        range = rangeOf((atKey && index === path.length - 1) || isEmpty(node) ? pair.key : node)
      } else break
    }
    return range
  }
}

function rangeOf(node: unknown): [number, number] {
  const range = (node as Node | null)?.range
  return [range?.[0] ?? 0, range?.[1] ?? 0]
}

function keyText(pair: Pair): string {
  return isScalar(pair.key) ? String(pair.key.value) : String(pair.key)
}

function isEmpty(node: unknown): boolean {
  return node === null || (isScalar(node) && node.value === null && (node.range?.[0] ?? 0) === (node.range?.[1] ?? 0))
}

/** Shotover's words for what its parser refuses too, else those of the YAML library. */
function syntaxText(code: string, message: string): [string, string | null] {
  if (code === 'MULTIPLE_DOCS') {
    return ['deserializing from YAML containing more than one document is not supported', 'remove the second `---`']
  }
  return [message, code === 'TAB_AS_INDENT' ? 'indent with spaces' : null]
}
