/** Levels of logs as numbers: what is at or below the level of its target is written. */
export const LEVELS = ['OFF', 'ERROR', 'WARN', 'INFO', 'DEBUG', 'TRACE'] as const
export const OFF = 0
export const ERROR = 1
export const WARN = 2
export const INFO = 3
export const DEBUG = 4
export const TRACE = 5

/** One directive: targets that begin with `target` are logged up to `level`. An empty target is the default for all. */
export interface Directive {
  readonly target: string
  readonly level: number
}

const EXPECTED = 'expected one of "off", "error", "warn", "info", "debug", "trace", or a number 0-5'

/** A directive that is none. Its message is the text that operators of Shotover know. */
export class DirectiveError extends Error {
  readonly directive: string
  constructor(directive: string) {
    super(`error parsing level filter: ${EXPECTED}: ${directive}`)
    this.name = 'DirectiveError'
    this.directive = directive
  }
}

/**
 * Reads `level` and `target=level`, separated by commas, white space around them ignored. Throws DirectiveError.
 * A word alone that is neither a level nor looks like a target is refused: it is a misspelt level.
 */
export function parseDirectives(text: string): Directive[] {
  const directives: Directive[] = []
  for (const piece of text.split(',')) {
    const directive = piece.trim()
    if (directive !== '') directives.push(parseDirective(directive))
  }
  return directives
}

function parseDirective(directive: string): Directive {
  const equals = directive.indexOf('=')
  if (equals === -1) {
    const level = levelOf(directive)
    if (level !== -1) return { target: '', level }
    if (/^shotover(::\w+)*$|^\w+(::\w+)+$/.test(directive)) return { target: directive, level: TRACE }
    throw new DirectiveError(directive)
  }
  const target = directive.slice(0, equals).trim()
  const level = levelOf(directive.slice(equals + 1).trim())
  if (level === -1 || !/^[\w:.@/-]+$/.test(target)) throw new DirectiveError(directive)
  return { target, level }
}

function levelOf(word: string): number {
  if (/^[0-5]$/.test(word)) return Number(word)
  return LEVELS.indexOf(word.toUpperCase() as (typeof LEVELS)[number])
}

/** The level of a target: the directive with the longest target that it begins with, the later one of two alike. */
export function levelFor(directives: readonly Directive[], target: string): number {
  let level = ERROR
  let longest = -1
  for (const directive of directives) {
    if (directive.target.length >= longest && target.startsWith(directive.target)) {
      longest = directive.target.length
      level = directive.level
    }
  }
  return level
}
