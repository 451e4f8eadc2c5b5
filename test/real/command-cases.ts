import type { Reply } from '../../src/protocols/valkey/model/reply-parser.ts'

// Requests for every command that a server knows, made from what COMMAND DOCS says of its arguments.

/** An argument, as COMMAND DOCS describes it. */
export interface Argument {
  readonly name: string
  readonly type: string
  readonly token: string | null
  readonly flags: ReadonlySet<string>
  readonly arguments: readonly Argument[]
}

/** A command, or a subcommand: `client|list`. */
export interface Documented {
  readonly name: string
  readonly group: string
  readonly arguments: readonly Argument[]
}

/** The reply to COMMAND DOCS over RESP2; containers are left out, their subcommands are there. */
export function documentedIn(reply: Reply): Documented[] {
  const found: Documented[] = []
  for (const [name, value] of pairs(reply)) {
    const docs = new Map(pairs(value))
    const subcommands = docs.get('subcommands')
    if (subcommands !== undefined) found.push(...documentedIn(subcommands))
    else found.push({ name, group: docs.get('group')?.text ?? '', arguments: argumentsIn(docs.get('arguments')) })
  }
  return found
}

function argumentsIn(reply: Reply | undefined): Argument[] {
  return (reply?.items ?? []).map((item) => {
    const docs = new Map(pairs(item))
    const flags = new Set((docs.get('flags')?.items ?? []).map((flag) => flag.text ?? ''))
    const text = (field: string) => docs.get(field)?.text ?? null
    const token = text('token')
    return { name: text('name')!, type: text('type')!, token, flags, arguments: argumentsIn(docs.get('arguments')) }
  })
}

function pairs({ items }: Reply): [string, Reply][] {
  const list = items ?? []
  return Array.from({ length: list.length / 2 }, (_, at) => [list[2 * at]!.text ?? '', list[2 * at + 1]!])
}

/** The name of the key that a group's commands are asked for; what is there says `SEEDS`. */
const KEYS: Record<string, string> = {
  hash: 'hash',
  list: 'list',
  set: 'set',
  'sorted-set': 'zset',
  geo: 'geo',
  stream: 'stream',
  hyperloglog: 'hll',
}

/** What is there before each request that may find other things than the one before it. */
export const SEEDS = [
  ['FLUSHALL'],
  ...['', '2'].flatMap((second) => [
    ['SET', `string${second}`, '10'],
    ['HSET', `hash${second}`, 'a', '1', 'b', '2'],
    ['RPUSH', `list${second}`, 'a', 'b', 'a', 'c'],
    ['SADD', `set${second}`, 'a', `b${second}`],
    ['ZADD', `zset${second}`, '1', 'a', '2', 'b', '3', 'c'],
    ['GEOADD', `geo${second}`, '13.361389', '38.115556', 'a', '15.087269', '37.502669', 'b'],
    ['PFADD', `hll${second}`, 'a', 'b'],
    ['XADD', `stream${second}`, '1-1', 'a', '1'],
    ['XADD', `stream${second}`, '2-1', 'a', '2'],
    ['XGROUP', 'CREATE', `stream${second}`, 'group', '0'],
    ['XREADGROUP', 'GROUP', 'group', 'consumer', 'COUNT', '1', 'STREAMS', `stream${second}`, '>'],
  ]),
  ['FUNCTION', 'FLUSH'],
  ['FUNCTION', 'LOAD', library('seeded')],
  ['SCRIPT', 'FLUSH'],
  ['SCRIPT', 'LOAD', 'return ARGV'],
  ['ACL', 'SETUSER', 'alice', 'reset', 'on', '>secret', '~*', '&*', '+@all'],
  ['ACL', 'SETUSER', 'bob', 'reset'],
  ['CLIENT', 'UNPAUSE'],
  ['SLOWLOG', 'RESET'],
  ['LATENCY', 'RESET'],
  ['ACL', 'LOG', 'RESET'],
]

function library(name: string): string {
  return `#!lua name=${name}\nredis.register_function{function_name='${name}_f', flags={'no-writes'}, callback=function(keys, args) return args end}`
}

/** By `command name`, by name, and by type: what stands for an argument. */
const VALUES: Record<string, string> = {
  'acl|dryrun command': 'get',
  'bitop operation': 'AND',
  'bitfield encoding': 'u8',
  'bitfield_ro encoding': 'u8',
  'setbit value': '1',
  'bitpos bit': '1',
  'blmpop timeout': '0.01',
  'client|pause timeout': '1',
  'config|get parameter': 'slowlog-max-len',
  'config|set parameter': 'slowlog-max-len',
  'config|set value': '128',
  'evalsha sha1': '4cf2342858f27cba86b2b790280b0ba54885a7d0',
  'evalsha_ro sha1': '4cf2342858f27cba86b2b790280b0ba54885a7d0',
  'function|load function-code': library('loaded'),
  'hello protover': '3',
  'hincrby field': 'a',
  'object|freq key': 'string',
  'swapdb index1': '0',
  'swapdb index2': '0',
  'xadd field': 'f',
  'xsetid last-id': '9-9',
  'zadd score': '4',
  addr: '1.2.3.4:5',
  auth: 'secret',
  by: 'nosort',
  categoryname: 'read',
  category: 'read',
  channel: 'channel',
  'client-id': '999999999',
  'not-client-id': '999999999',
  command: 'get',
  'command-name': 'get',
  consumer: 'consumer',
  consumername: 'consumer',
  count: '2',
  cursor: '0',
  db: '1',
  'destination-db': '1',
  element: 'a',
  end: '3',
  event: 'command',
  field: 'a',
  function: 'seeded_f',
  group: 'group',
  groupname: 'group',
  height: '500',
  host: '127.0.0.1',
  id: '1-1',
  index: '1',
  ip: '1.2.3.4',
  'ip:port': '1.2.3.4:5',
  laddr: '1.2.3.4:5',
  'last-id': '9-9',
  lastid: '1-1',
  latitude: '38',
  len: '10',
  libname: 'LIB-NAME',
  libver: 'LIB-VER',
  library: 'seeded',
  'library-name': 'seeded',
  'library-name-pattern': 'seed*',
  longitude: '15',
  max: '+inf',
  member: 'a',
  member1: 'a',
  member2: 'b',
  message: 'message',
  milliseconds: '100000',
  min: '-inf',
  'min-idle-time': '0',
  ms: '10',
  'num-vertices': '3',
  password: 'secret',
  pattern: 's*',
  pivot: 'b',
  port: '1',
  radius: '500',
  script: 'return ARGV',
  seconds: '100',
  section: 'server',
  sha1: '4cf2342858f27cba86b2b790280b0ba54885a7d0',
  start: '0',
  stop: '2',
  threshold: '1',
  timeout: '1',
  'unix-time-milliseconds': '9999999999000',
  'unix-time-seconds': '9999999999',
  username: 'bob',
  'auth username': 'alice',
  'hello username': 'alice',
  version: '5',
  width: '500',
  'xread milliseconds': '1',
  'xreadgroup milliseconds': '1',
  'zrangebylex min': '-',
  'zrangebylex max': '+',
  'zrevrangebylex min': '-',
  'zrevrangebylex max': '+',
  'zremrangebylex min': '-',
  'zremrangebylex max': '+',
  'zlexcount min': '-',
  'zlexcount max': '+',
  'zrange start': '0',
  'zrangestore min': '0',
  'zrangestore max': '-1',
  'zrange stop': '-1',
}
const VALUES_BY_TYPE: Record<string, string> = {
  double: '0.01',
  integer: '1',
  pattern: '*',
  string: 'value',
  'unix-time': '9999999999',
}

/** Which alternatives are taken: by where they are offered, in the order of the request; 0 where it is not said. */
type Choices = ReadonlyMap<string, number>

/** Builds one request. */
class Builder {
  readonly words: string[] = []
  /** Each place where there was a choice, and of how many. */
  readonly offered = new Map<string, number>()
  readonly #command: Documented
  readonly #choices: Choices
  /** Where the number of keys is to stand. */
  #countAt = -1
  #keys = 0

  constructor(command: Documented, choices: Choices) {
    this.#command = command
    this.#choices = choices
    this.words.push(...command.name.toUpperCase().split('|'))
    this.#all(command.arguments, '')
    if (this.#countAt >= 0) this.words[this.#countAt] = '0'
  }

  #choose(place: string, count: number): number {
    this.offered.set(place, count)
    return this.#choices.get(place) ?? 0
  }

  #all(list: readonly Argument[], place: string): void {
    for (const [at, argument] of list.entries()) this.#one(argument, `${place}/${at}`)
  }

  #one(argument: Argument, place: string): void {
    const { flags, token } = argument
    if (flags.has('optional') && this.#choose(`${place}?`, 2) === 0) return
    const times = flags.has('multiple') ? this.#choose(`${place}*`, 2) + 1 : 1
    for (let time = 0; time < times; time++) {
      if (token !== null && argument.type !== 'pure-token' && (time === 0 || flags.has('multiple_token')))
        this.words.push(token === '' ? '""' : token)
      this.#value(argument, `${place}.${time}`)
    }
    if (argument.type === 'key' && this.#countAt >= 0) {
      this.words[this.#countAt] = String(times)
      this.#countAt = -1
    }
  }

  #value(argument: Argument, place: string): void {
    const { type, name, token } = argument
    if (type === 'block') this.#all(argument.arguments, place)
    else if (type === 'oneof') {
      const at = this.#choose(`${place}|`, argument.arguments.length)
      this.#one(argument.arguments[at]!, `${place}|${at}`)
    } else if (type === 'pure-token') this.words.push(token!)
    else if (type === 'key') this.words.push(this.#key(name))
    else {
      if (name === 'numkeys') this.#countAt = this.words.length
      const { name: command } = this.#command
      this.words.push(VALUES[`${command} ${name}`] ?? VALUES[name] ?? VALUES_BY_TYPE[type]!)
    }
  }

  #key(name: string): string {
    if (name === 'destination' || name === 'newkey') return 'new'
    const key = KEYS[this.#command.group] ?? 'string'
    return this.#keys++ === 0 ? key : `${key}2`
  }
}

/** The plainest request of a command, then those that differ from it in one or two choices; at most so many. */
export function casesOf(command: Documented, most: number): string[][] {
  const cases = new Map<string, string[]>()
  const queue: Map<string, number>[] = [new Map()]
  const seen = new Set<string>()
  for (let choices = queue.shift(); choices !== undefined && cases.size < most; choices = queue.shift()) {
    const { words, offered } = new Builder(command, choices)
    cases.set(words.join('\0'), words)
    for (const [place, count] of offered) {
      if (choices.has(place) || choices.size === 2) continue
      for (let at = 1; at < count; at++) {
        const next = new Map(choices).set(place, at)
        const key = [...next].map(String).sort().join(' ')
        if (!seen.has(key)) queue.push(next)
        seen.add(key)
      }
    }
  }
  return [...cases.values()]
}
