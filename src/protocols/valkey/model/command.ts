import type { Replies } from './replies.ts'
import type { ValkeyModel } from './server.ts'
import type { Session } from './session.ts'
import { CommandError, type Database } from './store.ts'

/** First key, last key (from the end where negative) and step between keys, as COMMAND tells them; [0, 0, 0]: none. */
export type KeySpec = readonly [number, number, number]
export const NO_KEYS: KeySpec = [0, 0, 0]
export const ONE_KEY: KeySpec = [1, 1, 1]
export const TWO_KEYS: KeySpec = [1, 2, 1]
export const ALL_KEYS: KeySpec = [1, -1, 1]

/** One command that the model knows. COMMAND's output is made of these. */
export interface Command {
  /** Lower case; `client|id` for a subcommand. */
  readonly name: string
  /** Number of words, the command's own included; at least that many where negative. */
  readonly arity: number
  readonly flags: ReadonlySet<string>
  readonly keys: KeySpec
  readonly group: string
  readonly run: (call: Call) => void
  readonly subcommands: ReadonlyMap<string, Command> | null
}

type Row = readonly [name: string, arity: number, flags: string, keys: KeySpec, run: (call: Call) => void]

function flagSet(flags: string): ReadonlySet<string> {
  return new Set(flags.split(' ').filter((flag) => flag !== ''))
}

/** Commands of one group from the rows of a table. */
export function commands(group: string, rows: readonly Row[]): Command[] {
  return rows.map(([name, arity, flags, keys, run]) => {
    return { name, arity, flags: flagSet(flags), keys, group, run, subcommands: null }
  })
}

/** A command that is only a name before its subcommands. Rows name those alone. */
export function container(group: string, name: string, rows: readonly Row[]): Command {
  const subcommands = commands(
    group,
    rows.map(([sub, arity, flags, keys, run]) => [`${name}|${sub}`, arity, flags, keys, run] as const),
  )
  const byName = new Map(subcommands.map((sub) => [sub.name.slice(name.length + 1), sub]))
  const run = () => {
    throw new CommandError(`ERR wrong number of arguments for '${name}' command`)
  }
  return { name, arity: -2, flags: new Set(), keys: NO_KEYS, group, run, subcommands: byName }
}

/** Keys among the words of a request. */
export function keysOf(command: Command, args: readonly Buffer[]): string[] {
  const [first, last, step] = command.keys
  if (first === 0) return []
  const end = last < 0 ? args.length + last : last
  const keys: string[] = []
  for (let at = first; at <= end && at < args.length; at += step) keys.push(args[at]!.toString('latin1'))
  return keys
}

const NOT_AN_INTEGER = 'ERR value is not an integer or out of range'
const INT64_MAX = 2n ** 63n - 1n
const INT64_MIN = -(2n ** 63n)

/** One execution of a command: what its code sees. Errors are thrown as CommandError, before anything is replied or changed. */
export class Call {
  readonly server: ValkeyModel
  readonly session: Session
  readonly command: Command
  /** The words, the command's own first. */
  readonly args: readonly Buffer[]
  readonly replies: Replies
  /** Runs inside EXEC: nothing may block. */
  readonly inTransaction: boolean

  constructor(
    server: ValkeyModel,
    session: Session,
    command: Command,
    args: readonly Buffer[],
    inTransaction: boolean,
  ) {
    this.server = server
    this.session = session
    this.command = command
    this.args = args
    this.replies = session.replies
    this.inTransaction = inTransaction
  }

  get db(): Database {
    return this.server.databases[this.session.database]!
  }

  get count(): number {
    return this.args.length
  }

  /** The argument as latin1: keys, members, channels. */
  text(at: number): string {
    return this.args[at]!.toString('latin1')
  }

  texts(from: number, to = this.args.length): string[] {
    return this.args.slice(from, to).map((argument) => argument.toString('latin1'))
  }

  /** The argument as a keyword, upper case. */
  word(at: number): string {
    return this.text(at).toUpperCase()
  }

  integer(at: number, error = NOT_AN_INTEGER): number {
    const value = Number(this.int64(at, error))
    if (!Number.isSafeInteger(value)) throw new CommandError(error)
    return value
  }

  int64(at: number, error = NOT_AN_INTEGER): bigint {
    return parseInt64(this.args[at]!, error)
  }

  double(at: number, error = 'ERR value is not a valid float'): number {
    return parseDouble(this.args[at]!, error)
  }

  syntaxError(): never {
    throw new CommandError('ERR syntax error')
  }

  wrongArity(): never {
    throw new CommandError(wrongArity(this.command))
  }
}

export function wrongArity(command: Command): string {
  return `ERR wrong number of arguments for '${command.name}' command`
}

export function parseInt64(bytes: Buffer, error = NOT_AN_INTEGER): bigint {
  const text = bytes.toString('latin1')
  if (!/^(0|-?[1-9][0-9]{0,18})$/.test(text)) throw new CommandError(error)
  const value = BigInt(text)
  if (value > INT64_MAX || value < INT64_MIN) throw new CommandError(error)
  return value
}

/** `a + b` where it fits 64 bits. */
export function addInt64(a: bigint, b: bigint): bigint {
  const sum = a + b
  if (sum > INT64_MAX || sum < INT64_MIN) throw new CommandError('ERR increment or decrement would overflow')
  return sum
}

export function parseDouble(bytes: Buffer, error: string): number {
  const text = bytes.toString('latin1').toLowerCase()
  const infinity = /^([+-]?)inf(inity)?$/.exec(text)
  if (infinity !== null) return infinity[1] === '-' ? -Infinity : Infinity
  if (!/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/.test(text)) throw new CommandError(error)
  return Number(text)
}
