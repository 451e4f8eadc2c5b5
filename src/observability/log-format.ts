import { LEVELS } from '../config/log-directives.ts'

export type LogFormat = 'human' | 'json'

/** What an event stands in: printed before its message (human), as `span` and `spans` (json). */
export interface Span {
  readonly name: string
  readonly fields: Readonly<Record<string, unknown>>
}

export interface LogEvent {
  /** Milliseconds since 1970, with a fraction. */
  readonly time: number
  /** Index into LEVELS. */
  readonly level: number
  readonly target: string
  /** Empty: the event consists of its fields. */
  readonly message: string
  readonly fields: Readonly<Record<string, unknown>>
  readonly span: Span | null
}

/** RFC 3339 in UTC with microseconds. */
export function timestamp(time: number): string {
  const milliseconds = Math.floor(time)
  const micros = Math.floor((time - milliseconds) * 1000)
  return `${new Date(milliseconds).toISOString().slice(0, -1)}${String(micros).padStart(3, '0')}Z`
}

/** One object on one line: `{"timestamp","level","fields":{"message",...},"target","span","spans"}`. */
export function formatJson(event: LogEvent): string {
  const fields: Record<string, unknown> = event.message === '' ? {} : { message: event.message }
  for (const name of Object.keys(event.fields)) fields[name] = jsonValue(event.fields[name])
  const line: Record<string, unknown> = {
    timestamp: timestamp(event.time),
    level: LEVELS[event.level],
    fields,
    target: event.target,
  }
  if (event.span !== null) {
    const span = { ...event.span.fields, name: event.span.name }
    line.span = span
    line.spans = [span]
  }
  return `${JSON.stringify(line)}\n`
}

function jsonValue(value: unknown): unknown {
  if (typeof value === 'bigint') return value <= Number.MAX_SAFE_INTEGER ? Number(value) : String(value)
  return value instanceof Error ? value.message : value
}

const LEVEL_COLOURS = ['', '\x1b[31m', '\x1b[33m', '\x1b[32m', '\x1b[34m', '\x1b[35m']
const DIM = '\x1b[2m'
const BOLD = '\x1b[1m'
const ITALIC = '\x1b[3m'
const RESET = '\x1b[0m'

/** `<time>  LEVEL span{fields}: target: message key=value`. Fields of several lines follow on lines of their own. */
export function formatHuman(event: LogEvent, colours: boolean): string {
  const paint = (style: string, text: string) => (colours ? style + text + RESET : text)
  const level = paint(LEVEL_COLOURS[event.level], LEVELS[event.level].padStart(5))
  let line = `${paint(DIM, timestamp(event.time))} ${level} `
  if (event.span !== null) {
    const fields = Object.entries(event.span.fields).map(([name, value]) => field(name, value, paint))
    const inside = `${paint(BOLD, '{')}${fields.join(' ')}${paint(BOLD, '}')}`
    line += `${paint(BOLD, event.span.name)}${inside}${paint(DIM, ':')} `
  }
  line += `${paint(DIM, event.target)}${paint(DIM, ':')}`
  if (event.message !== '') line += ` ${shown(event.message)}`
  let below = ''
  for (const [name, value] of Object.entries(event.fields)) {
    if (typeof value === 'string' && value.includes('\n')) below += `\n${shown(value.replace(/\n$/, ''))}`
    else line += ` ${field(name, value, paint)}`
  }
  return `${line}${below}\n`
}

function field(name: string, value: unknown, paint: (style: string, text: string) => string): string {
  return `${paint(ITALIC, name)}${paint(DIM, '=')}${humanValue(value)}`
}

function humanValue(value: unknown): string {
  if (typeof value === 'string') return /^\S+$/.test(value) ? shown(value) : shown(JSON.stringify(value))
  if (value instanceof Error) return shown(value.message)
  return typeof value === 'object' && value !== null ? JSON.stringify(value) : String(value)
}

/** A terminal obeys control characters, and texts may hold what a client sent: they are shown as `\x1b`. */
function shown(text: string): string {
  return text.replace(/(?![\n\t])\p{Cc}/gu, (char) => `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`)
}
