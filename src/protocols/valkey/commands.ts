// Hot path
import { COMMAND_ROWS } from './commands.table.ts'
import type { KeySpec } from './commands.table.ts'

/** Leaves nothing behind on its connection: may go over a shared one. */
export const CLASS_STATELESS = 0
/** Not in the table, or a subcommand that is not: it may leave anything behind. Pins. */
export const CLASS_UNKNOWN = 1
/** The server may hold its reply back until another client acts. Pins while it waits. */
export const CLASS_BLOCKING = 2
/** Blocks only with the option BLOCK: XREAD, XREADGROUP. Ask `blocks`. */
export const CLASS_MAY_BLOCK = 3
/** WAIT, WAITAOF: they wait for the writes made before over the same connection. */
export const CLASS_WAIT = 4
/** Sets or asks what a session has on any connection: identity, RESP version, database, name. Never pins; the sink keeps it. */
export const CLASS_ATTRIBUTE = 5
/** Leaves state behind. Pins, with the reason in `pinReason`. */
export const CLASS_STATEFUL = 6
/** The SUBSCRIBE and UNSUBSCRIBE family: several replies, then pushes. Pins. */
export const CLASS_SUBSCRIPTION = 7
/** SYNC and its kin: the connection is no longer a conversation of requests and replies. Pins for good. */
export const CLASS_REPLICATION = 8

type Rule = readonly [commandClass: number, reason: string]

/** What differs from "stateless", which the commands of the table are otherwise. */
const RULES: Record<string, Rule> = {
  // What clients send on connecting; each can be brought about on another connection, or answered by the proxy.
  hello: [CLASS_ATTRIBUTE, ''],
  auth: [CLASS_ATTRIBUTE, ''],
  select: [CLASS_ATTRIBUTE, ''],
  reset: [CLASS_ATTRIBUTE, ''],
  quit: [CLASS_ATTRIBUTE, ''],
  'client|setname': [CLASS_ATTRIBUTE, ''],
  'client|setinfo': [CLASS_ATTRIBUTE, ''],
  'client|getname': [CLASS_ATTRIBUTE, ''],
  'client|id': [CLASS_ATTRIBUTE, ''],
  xread: [CLASS_MAY_BLOCK, 'blocking'],
  xreadgroup: [CLASS_MAY_BLOCK, 'blocking'],
  wait: [CLASS_WAIT, 'wait'],
  waitaof: [CLASS_WAIT, 'wait'],
  // EXEC, DISCARD, UNWATCH and READWRITE are stateless: they only end what one of these began.
  multi: [CLASS_STATEFUL, 'transaction'],
  watch: [CLASS_STATEFUL, 'watch'],
  monitor: [CLASS_STATEFUL, 'monitor'],
  readonly: [CLASS_STATEFUL, 'readonly'],
  asking: [CLASS_STATEFUL, 'asking'],
  // They must not wait behind what they are to end, or to tell of.
  'script|kill': [CLASS_BLOCKING, 'script-kill'],
  'function|kill': [CLASS_BLOCKING, 'script-kill'],
  'function|stats': [CLASS_BLOCKING, 'script-kill'],
  'client|unpause': [CLASS_BLOCKING, 'client-unpause'],
  'script|debug': [CLASS_STATEFUL, 'script-debug'],
  'client|reply': [CLASS_STATEFUL, 'client-reply'],
  'client|tracking': [CLASS_STATEFUL, 'client-tracking'],
  'client|caching': [CLASS_STATEFUL, 'client-tracking'],
  'client|no-evict': [CLASS_STATEFUL, 'client-no-evict'],
  'client|no-touch': [CLASS_STATEFUL, 'client-no-touch'],
  'client|capa': [CLASS_STATEFUL, 'client-capa'],
  'client|import-source': [CLASS_STATEFUL, 'client-import-source'],
  // It can do anything, and DEBUG PROTOCOL push sends more than a reply.
  debug: [CLASS_STATEFUL, 'debug'],
  // It waits for replicas, and then the connection ends or an error comes.
  shutdown: [CLASS_STATEFUL, 'shutdown'],
  subscribe: [CLASS_SUBSCRIPTION, 'subscribe'],
  psubscribe: [CLASS_SUBSCRIPTION, 'subscribe'],
  ssubscribe: [CLASS_SUBSCRIPTION, 'subscribe'],
  unsubscribe: [CLASS_SUBSCRIPTION, 'subscribe'],
  punsubscribe: [CLASS_SUBSCRIPTION, 'subscribe'],
  sunsubscribe: [CLASS_SUBSCRIPTION, 'subscribe'],
  sync: [CLASS_REPLICATION, 'replication'],
  psync: [CLASS_REPLICATION, 'replication'],
  replconf: [CLASS_REPLICATION, 'replication'],
  'cluster|syncslots': [CLASS_REPLICATION, 'replication'],
}

/** Codes are 1 ... COMMAND_COUNT - 1; 0 is a command that the table does not have. */
export const COMMAND_COUNT = COMMAND_ROWS.length + 1

/** By code: CLASS_STATELESS ... CLASS_REPLICATION. */
export const commandClass = new Uint8Array(COMMAND_COUNT)
/** By code: why a session that sends it is pinned; empty where it is not. */
export const pinReason: string[] = []
/** By code: `CLIENT SETNAME`; `unknown` for 0. */
export const commandName: string[] = []
/** By code: the first word alone, `CLIENT`; `unknown` for 0. */
export const commandWord: string[] = []
/** By code: 1 where it reads and never writes. */
export const isReadOnly = new Uint8Array(COMMAND_COUNT)
/** By code: 1 where it may write. */
export const isWrite = new Uint8Array(COMMAND_COUNT)
/** By code: 1 where its second word is a command of its own. */
export const isContainer = new Uint8Array(COMMAND_COUNT)
/** By code: index of the first key among the arguments, the command's name being 0; 0 where there is none or it depends. */
export const firstKey = new Uint8Array(COMMAND_COUNT)
/** By code: index of the last key; negative counts from the end, -1 being the last argument. */
export const lastKey = new Int8Array(COMMAND_COUNT)
/** By code: distance between keys. */
export const keyStep = new Uint8Array(COMMAND_COUNT)
/** By code: where keys stand if first, last and step do not say it; else null. */
export const keySpecs: (readonly KeySpec[] | null)[] = []

const SLOTS = 2048
/** Bytes kept of a name; longer words are no commands. */
const WORD_BYTES = 32
const slots = new Int16Array(SLOTS)
const words = new Uint8Array(COMMAND_COUNT * WORD_BYTES)
const lengths = new Uint8Array(COMMAND_COUNT)
const parents = new Int16Array(COMMAND_COUNT)

/** Code of the command whose name is `bytes[from, to)` in any case, 0 if there is none. With `parent`, of its subcommand. */
export function lookup(bytes: Uint8Array, from: number, to: number, parent: number): number {
  const length = to - from
  if (length > WORD_BYTES) return 0
  let hash = parent + length
  for (let i = from; i < to; i++) hash = Math.imul(hash, 31) + (bytes[i] | 0x20)
  let slot = (hash ^ (hash >>> 11)) & (SLOTS - 1)
  for (;;) {
    const code = slots[slot]
    if (code === 0) return 0
    if (lengths[code] === length && parents[code] === parent && sameWord(bytes, from, to, code * WORD_BYTES))
      return code
    slot = (slot + 1) & (SLOTS - 1)
  }
}

function sameWord(bytes: Uint8Array, from: number, to: number, at: number): boolean {
  for (let i = from; i < to; i++) {
    const byte = bytes[i]
    const word = words[at++]
    if (byte !== word && (word < 0x61 || word > 0x7a || byte !== word - 0x20)) return false
  }
  return true
}

/** Code of a name as the table spells it: `get`, `client|setname`. 0 if there is none. */
export function codeOf(name: string): number {
  const [word, subcommand] = name.split('|')
  const bytes = Buffer.from(word, 'latin1')
  const code = lookup(bytes, 0, bytes.length, 0)
  if (subcommand === undefined || code === 0) return code
  const rest = Buffer.from(subcommand, 'latin1')
  return lookup(rest, 0, rest.length, code)
}

/** Code of a request of which all arguments are known. */
export function codeOfArguments(args: readonly Uint8Array[]): number {
  if (args.length === 0) return 0
  const code = lookup(args[0], 0, args[0].length, 0)
  if (isContainer[code] === 0 || args.length === 1) return code
  const sub = lookup(args[1], 0, args[1].length, code)
  return sub === 0 ? code : sub
}

function insert(code: number, word: string, parent: number): void {
  const bytes = Buffer.from(word, 'latin1')
  bytes.copy(words, code * WORD_BYTES)
  lengths[code] = bytes.length
  parents[code] = parent
  let hash = parent + bytes.length
  for (const byte of bytes) hash = Math.imul(hash, 31) + (byte | 0x20)
  let slot = (hash ^ (hash >>> 11)) & (SLOTS - 1)
  while (slots[slot] !== 0) slot = (slot + 1) & (SLOTS - 1)
  slots[slot] = code
}

// Cold: runs once.
function fill(): void {
  const codes = new Map(COMMAND_ROWS.map((row, index) => [row[0], index + 1]))
  commandClass[0] = CLASS_UNKNOWN
  pinReason.push('unknown-command')
  commandName.push('unknown')
  commandWord.push('unknown')
  keySpecs.push(null)
  COMMAND_ROWS.forEach(([name, flags, first, last, step, specs], index) => {
    const code = index + 1
    const [word, subcommand] = name.split('|')
    const parent = subcommand === undefined ? 0 : codes.get(word)!
    insert(code, subcommand ?? word, parent)
    if (parent !== 0) isContainer[parent] = 1
    commandName.push(name.replace('|', ' ').toUpperCase())
    commandWord.push(word.toUpperCase())
    const rule = RULES[name] ?? (flags.includes('blocking') ? [CLASS_BLOCKING, 'blocking'] : [CLASS_STATELESS, ''])
    commandClass[code] = rule[0]
    pinReason.push(rule[1])
    if (flags.includes('readonly')) isReadOnly[code] = 1
    if (flags.includes('write')) isWrite[code] = 1
    firstKey[code] = first
    lastKey[code] = last
    keyStep[code] = step
    keySpecs.push(specs ?? null)
  })
  // A container's own code stands for a subcommand that the table does not have. COMMAND alone is a command.
  for (let code = 1; code < COMMAND_COUNT; code++) {
    if (isContainer[code] === 0 || commandWord[code] === 'COMMAND') continue
    commandClass[code] = CLASS_UNKNOWN
    pinReason[code] = 'unknown-command'
  }
}

fill()
