import { withCauses } from '../base/errors.ts'

/** One thing that is wrong in a file. */
export interface Problem {
  /** As the user named it. */
  readonly file: string
  /** From 1; 0: the file as a whole. */
  readonly line: number
  readonly column: number
  /** Where in the document: `sources[0].Valkey.chain[1].QueryCounter`; empty: the document. */
  readonly path: string
  /** What is wrong, in Shotover's words where it has some. */
  readonly text: string
  /** What to do about it; null where the text says it. */
  readonly hint: string | null
}

/** `file:line:column: path: text`, the hint on a line of its own. */
export function describeProblem(problem: Problem): string {
  const place = problem.line === 0 ? problem.file : `${problem.file}:${problem.line}:${problem.column}`
  const path = problem.path === '' ? '' : `${problem.path}: `
  const text = `${place}: ${path}${problem.text.replaceAll('\n', '\n    ')}`
  return problem.hint === null ? text : `${text}\n    hint: ${problem.hint.replaceAll('\n', '\n    ')}`
}

/** What to do about an error, by the text it was given. */
export class ConfigError extends Error {
  /** Outermost first, as Shotover words them. */
  readonly causes: readonly string[]
  /** Everything found, in the order of the file. */
  readonly problems: readonly Problem[]

  constructor(causes: readonly string[], problems: readonly Problem[]) {
    super(withCauses(causes[0], causes.slice(1)))
    this.name = 'ConfigError'
    this.causes = causes
    this.problems = problems
  }

  /** One block of text for people: what is wrong, where, and what to do. */
  describe(): string {
    return this.problems.map(describeProblem).join('\n')
  }
}

/** The word of `known` that `word` may have meant, or null. Case and separators do not count. */
export function didYouMean(word: string, known: readonly string[]): string | null {
  const plain = (text: string) => text.toLowerCase().replaceAll(/[_\-\s]/g, '')
  const wanted = plain(word)
  let best: string | null = null
  let bestDistance = Math.max(2, Math.floor(wanted.length / 3)) + 1
  for (const candidate of known) {
    const distance = editDistance(wanted, plain(candidate))
    if (distance < bestDistance && distance < candidate.length) {
      best = candidate
      bestDistance = distance
    }
  }
  return best
}

/** Insertions, deletions, replacements and swaps of neighbours that lead from one text to the other (optimal string alignment). */
function editDistance(from: string, to: string): number {
  let beforeLast: number[] = []
  let last = Array.from({ length: to.length + 1 }, (_, index) => index)
  for (let i = 1; i <= from.length; i++) {
    const row = [i]
    for (let j = 1; j <= to.length; j++) {
      const replaced = last[j - 1] + (from[i - 1] === to[j - 1] ? 0 : 1)
      row[j] = Math.min(last[j] + 1, row[j - 1] + 1, replaced)
      if (i > 1 && j > 1 && from[i - 1] === to[j - 2] && from[i - 2] === to[j - 1]) {
        row[j] = Math.min(row[j], beforeLast[j - 2] + 1)
      }
    }
    beforeLast = last
    last = row
  }
  return last[to.length]
}

/** `` `a` ``, `` `a` or `b` ``, ``one of `a`, `b`, `c` ``: what was expected, as Shotover's parser says it. */
export function oneOf(words: readonly string[]): string {
  const quoted = words.map((word) => `\`${word}\``)
  if (quoted.length <= 2) return quoted.join(' or ')
  return `one of ${quoted.join(', ')}`
}
