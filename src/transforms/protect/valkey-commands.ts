import { codeOf, COMMAND_COUNT } from '../../protocols/valkey/commands.ts'

// Which arguments of a command are values, and where values stand in its reply: https://valkey.io/commands/

/** How values stand in a reply. */
export type ReplyShape =
  /** Nowhere. */
  | 'none'
  /** Every string in it is a value of the one key. */
  | 'values'
  /** One for each key, in their order. */
  | 'by-key'
  /** Names of fields, each before its value; pairs, or a map. */
  | 'fields'
  /** A cursor, and fields as above. */
  | 'cursor-and-fields'
  /** The name of the key, and its values. */
  | 'key-and-values'

export interface CommandValues {
  /** Indices of the arguments that are values, each with the index of its key. Null: it can't be told, or is not possible. */
  values(args: readonly Buffer[]): Iterable<readonly [value: number, key: number]> | null
  reply(args: readonly Buffer[]): ReplyShape
}

type Values = CommandValues['values']
type Shape = ReplyShape | CommandValues['reply']

const NONE: Values = () => []
const one =
  (index: number): Values =>
  () => [[index, 1]]

/** From `first` on each `step`th argument, for the key at 1. */
const each =
  (first: number, step: number): Values =>
  (args) =>
    Array.from(
      { length: Math.max(0, Math.ceil((args.length - first) / step)) },
      (_, i) => [first + i * step, 1] as const,
    )

/** Keys and values in turn, `first` being the first key. */
const pairs = (first: number, end: number) =>
  Array.from(
    { length: Math.max(0, Math.floor((end - first) / 2)) },
    (_, i) => [first + 1 + 2 * i, first + 2 * i] as const,
  )

const word = (arg: Buffer | undefined) => arg?.toString('latin1').toUpperCase() ?? ''
const has = (args: readonly Buffer[], from: number, text: string) =>
  args.some((arg, i) => i >= from && word(arg) === text)

/** `SET key value IFEQ value`, which would compare what is encrypted. */
const set: Values = (args) => (args.some((arg, i) => i > 2 && /^IF(EQ|NE|DEQ|DNE)$/.test(word(arg))) ? null : [[2, 1]])

/** `MSETEX numkeys key value ... options`. */
const msetex: Values = (args) => {
  const count = Number(word(args[1]))
  return Number.isInteger(count) && count > 0 && 2 + 2 * count <= args.length ? pairs(2, 2 + 2 * count) : null
}

/** `HSETEX key options FIELDS numfields field value ...`. */
const hsetex: Values = (args) => {
  const fields = args.findIndex((arg, i) => i > 1 && word(arg) === 'FIELDS')
  return fields === -1 ? null : each(fields + 3, 2)(args)
}

const COMMANDS: Readonly<Record<string, readonly [Values, Shape]>> = {
  set: [set, 'values'],
  setnx: [one(2), 'none'],
  setex: [one(3), 'none'],
  psetex: [one(3), 'none'],
  getset: [one(2), 'values'],
  get: [NONE, 'values'],
  getdel: [NONE, 'values'],
  getex: [NONE, 'values'],
  mget: [NONE, 'by-key'],
  mset: [(args) => pairs(1, args.length), 'none'],
  msetnx: [(args) => pairs(1, args.length), 'none'],
  msetex: [msetex, 'none'],
  hset: [each(3, 2), 'none'],
  hmset: [each(3, 2), 'none'],
  hsetnx: [one(3), 'none'],
  hsetex: [hsetex, 'none'],
  hget: [NONE, 'values'],
  hmget: [NONE, 'values'],
  hgetdel: [NONE, 'values'],
  hgetex: [NONE, 'values'],
  hvals: [NONE, 'values'],
  hgetall: [NONE, 'fields'],
  hrandfield: [NONE, (args) => (has(args, 3, 'WITHVALUES') ? 'fields' : 'none')],
  hscan: [NONE, (args) => (has(args, 3, 'NOVALUES') ? 'none' : 'cursor-and-fields')],
  lpush: [each(2, 1), 'none'],
  rpush: [each(2, 1), 'none'],
  lpushx: [each(2, 1), 'none'],
  rpushx: [each(2, 1), 'none'],
  lset: [one(3), 'none'],
  lindex: [NONE, 'values'],
  lrange: [NONE, 'values'],
  lpop: [NONE, 'values'],
  rpop: [NONE, 'values'],
  blpop: [NONE, 'key-and-values'],
  brpop: [NONE, 'key-and-values'],
  lmpop: [NONE, 'key-and-values'],
  blmpop: [NONE, 'key-and-values'],
}

/** Commands that neither take nor give values. What is in none of the two tables is refused for protected keys. */
const WITHOUT_VALUES =
  'del unlink exists touch type ttl pttl persist expire expireat pexpire pexpireat expiretime pexpiretime dump watch object|encoding object|freq object|idletime object|refcount memory|usage hdel hexists hkeys hlen hexpire hexpireat hexpiretime hpersist hpexpire hpexpireat hpexpiretime hpttl httl llen ltrim cluster|keyslot' // prettier-ignore

/** By code; null: it is refused for protected keys. */
const byCode: (CommandValues | null)[] = Array.from({ length: COMMAND_COUNT }, () => null)
for (const [name, [values, shape]] of Object.entries(COMMANDS))
  byCode[codeOf(name)] = { values, reply: typeof shape === 'string' ? () => shape : shape }
for (const name of WITHOUT_VALUES.split(' ')) byCode[codeOf(name)] = { values: NONE, reply: () => 'none' }
byCode[0] = null

/** Where the values of a command are, by its code; null where it is not possible on protected keys. */
export function commandValues(code: number): CommandValues | null {
  return byCode[code]!
}
