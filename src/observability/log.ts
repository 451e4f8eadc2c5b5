import { performance } from 'node:perf_hooks'
import { DEBUG, ERROR, INFO, WARN, levelFor, parseDirectives, type Directive } from '../config/log-directives.ts'
import type { Log } from '../core/kind.ts'
import { formatHuman, formatJson, type LogFormat, type Span } from './log-format.ts'
import { Repeats } from './repeats.ts'
import type { LineWriter } from './stdout.ts'

export interface LogOptions {
  readonly format: LogFormat
  /** Colours of the human format. */
  readonly colours: boolean
  readonly writer: LineWriter
  /** Milliseconds since 1970, with a fraction; absent: the system's clock. */
  readonly now?: () => number
}

/** Spans of connections are shown only where this target is logged at debug. */
export const CONNECTION_SPAN_TARGET = 'shotover::connection_span'

/** The log of a process or thread: one filter, one format, one writer. */
export class LogRoot {
  readonly format: LogFormat
  readonly colours: boolean
  readonly #writer: LineWriter
  readonly #now: () => number
  readonly #repeats = new Repeats()
  #directives: readonly Directive[] = []
  /** Grows with each change of the filter, so that loggers know that their level is stale. */
  generation = 0

  constructor(options: LogOptions) {
    this.format = options.format
    this.colours = options.colours
    this.#writer = options.writer
    this.#now = options.now ?? wallClock()
  }

  /** Replaces the whole filter. Texts are applied in their order, later ones override. Throws DirectiveError, and keeps the old filter then. */
  setFilter(...texts: string[]): void {
    this.#directives = texts.flatMap(parseDirectives)
    this.generation++
  }

  get directives(): readonly Directive[] {
    return this.#directives
  }

  /** Replaces the whole filter by that of another log. */
  setDirectives(directives: readonly Directive[]): void {
    this.#directives = directives
    this.generation++
  }

  level(target: string): number {
    return levelFor(this.#directives, target)
  }

  /** A log whose events carry `target`, and `span` while spans of connections are enabled. */
  logger(target: string, span: Span | null = null): Log {
    return new TargetLog(this, target, span)
  }

  write(level: number, target: string, span: Span | null, message: string, fields: Record<string, unknown>): void {
    const dropped = this.#writer.takeDropped()
    if (dropped > 0)
      this.#write(WARN, 'shotover::logging', null, 'log lines were dropped: there was no room for them', { dropped })
    if (level <= WARN && !this.#isNews(level, target, message)) return
    this.#write(level, target, span, message, fields)
  }

  /** False: the same was said often enough lately, and how often is said later. */
  #isNews(level: number, target: string, message: string): boolean {
    return this.#repeats.take(`${level} ${target} ${message}`, (repeated, seconds) => {
      const first = message.split('\n', 1)[0]!
      this.#write(level, target, null, `${first} (${repeated} more like it within ${seconds} s)`, { repeated })
    })
  }

  #write(level: number, target: string, span: Span | null, message: string, fields: Record<string, unknown>): void {
    const event = { time: this.#now(), level, target, message, fields, span }
    this.#writer.write(this.format === 'json' ? formatJson(event) : formatHuman(event, this.colours))
  }

  /** A line that the log of another thread has made of an event. */
  writeLine(line: string): void {
    this.#writer.write(line)
  }

  /** Resolves when everything logged has left the process, or after `timeoutMs`. */
  flush(timeoutMs = 2000): Promise<void> {
    this.#repeats.endAll()
    return this.#writer.flush(timeoutMs)
  }
}

const NO_FIELDS = {}

class TargetLog implements Log {
  readonly #root: LogRoot
  readonly #target: string
  readonly #span: Span | null
  #level = 0
  #spanShown = false
  #generation = -1

  constructor(root: LogRoot, target: string, span: Span | null) {
    this.#root = root
    this.#target = target
    this.#span = span
  }

  debug(message: string, fields?: Record<string, unknown>): void {
    this.#write(DEBUG, message, fields)
  }
  info(message: string, fields?: Record<string, unknown>): void {
    this.#write(INFO, message, fields)
  }
  warn(message: string, fields?: Record<string, unknown>): void {
    this.#write(WARN, message, fields)
  }
  error(message: string, fields?: Record<string, unknown>): void {
    this.#write(ERROR, message, fields)
  }

  #write(level: number, message: string, fields: Record<string, unknown> = NO_FIELDS): void {
    if (this.#generation !== this.#root.generation) {
      this.#generation = this.#root.generation
      this.#level = this.#root.level(this.#target)
      this.#spanShown = this.#span !== null && this.#root.level(CONNECTION_SPAN_TARGET) >= DEBUG
    }
    if (level > this.#level) return
    this.#root.write(level, this.#target, this.#spanShown ? this.#span : null, message, fields)
  }
}

/** How far the steady clock may stray from the system's before it is set anew, in milliseconds. */
const STRAY_MS = 20

/** The system's clock with microseconds, which `Date` has not. */
function wallClock(): () => number {
  let offset = Date.now() - performance.now()
  return () => {
    const wall = Date.now()
    if (Math.abs(offset + performance.now() - wall) > STRAY_MS) offset = wall - performance.now()
    return offset + performance.now()
  }
}

export function isLogFormat(text: string): text is LogFormat {
  return text === 'human' || text === 'json'
}
