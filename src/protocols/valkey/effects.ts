import type { Frame } from '../../core/frame.ts'
import { argument, argumentCount, argumentIs } from './arguments.ts'
import { argumentsOf } from './body.ts'
import { CLASS_ATTRIBUTE, CLASS_REPLICATION, CLASS_UNKNOWN, COMMAND_COUNT, codeOf, commandClass } from './commands.ts'
import { helloOf } from './hello.ts'

/** What a request does to its connection once it is executed. Most do nothing. */
export const EFFECT_NONE = 0
/** SUBSCRIBE, PSUBSCRIBE, SSUBSCRIBE: one confirmation a channel; the count is how many. */
export const EFFECT_SUBSCRIBE = 1
export const EFFECT_PSUBSCRIBE = 2
export const EFFECT_SSUBSCRIBE = 3
/** As many confirmations as channels are named (the count), or as there are of the family where none is (count 0). */
export const EFFECT_UNSUBSCRIBE = 4
export const EFFECT_PUNSUBSCRIBE = 5
export const EFFECT_SUNSUBSCRIBE = 6
export const EFFECT_MULTI = 7
export const EFFECT_EXEC = 8
export const EFFECT_DISCARD = 9
/** Sets the dirty bits of the count. */
export const EFFECT_SET = 10
/** Clears the dirty bits of the count. */
export const EFFECT_CLEAR = 11
export const EFFECT_ASKING = 12
export const EFFECT_RESET = 13
export const EFFECT_MONITOR = 14
export const EFFECT_REPLY_ON = 15
export const EFFECT_REPLY_OFF = 16
export const EFFECT_REPLY_SKIP = 17
/** The Lua debugger takes over the connection with the next script. */
export const EFFECT_DEBUGGER = 18
/** The reply is the start of a stream of bytes. */
export const EFFECT_REPLICATION = 19
/** What the sink follows by the reply, unless a transaction or CLIENT REPLY keeps that from it. */
export const EFFECT_ATTRIBUTE = 20
export const EFFECT_UNKNOWN = 21
/** It has a reply only if it fails: else the server closes the connection. */
export const EFFECT_SHUTDOWN = 22

/** Why a connection is dirty. */
export const DIRTY_MULTI = 1
export const DIRTY_WATCH = 2
export const DIRTY_SUBSCRIBED = 4
export const DIRTY_REPLY = 8
/** For good: of what was read while CLIENT TRACKING was on the server tells whoever has the connection when it is on again. */
export const DIRTY_TRACKING = 16
export const DIRTY_NO_EVICT = 32
export const DIRTY_NO_TOUCH = 64
export const DIRTY_READONLY = 128
export const DIRTY_ASKING = 256
export const DIRTY_IMPORT_SOURCE = 512
/** For good: CLIENT CAPA can't be taken back. */
export const DIRTY_CAPA = 1024
/** For good, or until RESET: an attribute changed and nobody saw the reply. */
export const DIRTY_ATTRIBUTE = 2048
/** For good: a command that the table does not have was executed. */
export const DIRTY_UNKNOWN = 4096
/** CLIENT REPLY SKIP was executed, and no reply came since. */
export const DIRTY_SKIP = 8192
export const OPAQUE_MONITOR = 16384
/** Bytes only from here. */
export const OPAQUE_BYTES = 32768

const FIXED: Record<string, number> = {
  subscribe: EFFECT_SUBSCRIBE,
  psubscribe: EFFECT_PSUBSCRIBE,
  ssubscribe: EFFECT_SSUBSCRIBE,
  unsubscribe: EFFECT_UNSUBSCRIBE,
  punsubscribe: EFFECT_PUNSUBSCRIBE,
  sunsubscribe: EFFECT_SUNSUBSCRIBE,
  multi: EFFECT_MULTI,
  exec: EFFECT_EXEC,
  discard: EFFECT_DISCARD,
  asking: EFFECT_ASKING,
  reset: EFFECT_RESET,
  monitor: EFFECT_MONITOR,
  shutdown: EFFECT_SHUTDOWN,
}

/** Commands that set or clear bits whatever their arguments are. */
const BITS: Record<string, readonly [effect: number, bits: number]> = {
  watch: [EFFECT_SET, DIRTY_WATCH],
  unwatch: [EFFECT_CLEAR, DIRTY_WATCH],
  readonly: [EFFECT_SET, DIRTY_READONLY],
  readwrite: [EFFECT_CLEAR, DIRTY_READONLY],
  'client|capa': [EFFECT_SET, DIRTY_CAPA],
}

/** Commands whose third word is ON or OFF. */
const SWITCHES: Record<string, number> = {
  'client|tracking': DIRTY_TRACKING,
  'client|no-evict': DIRTY_NO_EVICT,
  'client|no-touch': DIRTY_NO_TOUCH,
  'client|import-source': DIRTY_IMPORT_SOURCE,
}

/** By code: not 0 where `effectOf` must be asked; the effect itself where arguments don't matter. */
export const commandEffect = new Uint8Array(COMMAND_COUNT)
const bitsOf = new Int32Array(COMMAND_COUNT)
/** By code: its arguments decide. */
const depends = new Uint8Array(COMMAND_COUNT)

const CLIENT_REPLY = codeOf('client|reply')
const CLIENT_TRACKING = codeOf('client|tracking')
const HELLO = codeOf('hello')

/** The count of the effect that `effectOf` found last. */
export let effectCount = 0

/** What a request does to its connection, EFFECT_NONE ... EFFECT_UNKNOWN, with its count in `effectCount`. */
export function effectOf(frame: Frame): number {
  const { code } = frame
  const effect = commandEffect[code]
  effectCount = bitsOf[code]
  if (effect >= EFFECT_SUBSCRIBE && effect <= EFFECT_SUNSUBSCRIBE) effectCount = argumentCount(frame) - 1
  if (depends[code] === 0) return effect
  if (code === CLIENT_REPLY) return replyEffect(frame)
  if (code === HELLO) return helloOf(argumentsOf(frame)) === null ? EFFECT_UNKNOWN : EFFECT_ATTRIBUTE
  if (effect === EFFECT_DEBUGGER) return argumentIs(frame, 2, 'no') ? EFFECT_NONE : EFFECT_DEBUGGER
  if (!argumentIs(frame, 2, 'off')) return EFFECT_SET
  return code === CLIENT_TRACKING ? EFFECT_NONE : EFFECT_CLEAR
}

function replyEffect(frame: Frame): number {
  if (argumentCount(frame) !== 3) return EFFECT_NONE
  const mode = argument(frame, 2)?.toString('latin1').toLowerCase()
  if (mode === 'on') return EFFECT_REPLY_ON
  if (mode === 'off') return EFFECT_REPLY_OFF
  return mode === 'skip' ? EFFECT_REPLY_SKIP : EFFECT_NONE
}

function fill(): void {
  for (let code = 0; code < COMMAND_COUNT; code++) {
    if (commandClass[code] === CLASS_ATTRIBUTE) commandEffect[code] = EFFECT_ATTRIBUTE
    if (commandClass[code] === CLASS_REPLICATION) commandEffect[code] = EFFECT_REPLICATION
  }
  for (const name in FIXED) commandEffect[codeOf(name)] = FIXED[name]
  for (const name in BITS) {
    commandEffect[codeOf(name)] = BITS[name][0]
    bitsOf[codeOf(name)] = BITS[name][1]
  }
  for (const name in SWITCHES) {
    commandEffect[codeOf(name)] = EFFECT_SET
    bitsOf[codeOf(name)] = SWITCHES[name]
    depends[codeOf(name)] = 1
  }
  commandEffect[codeOf('script|debug')] = EFFECT_DEBUGGER
  depends[codeOf('script|debug')] = 1
  commandEffect[CLIENT_REPLY] = EFFECT_REPLY_ON
  depends[CLIENT_REPLY] = 1
  depends[HELLO] = 1
  // Commands and subcommands that the table does not have.
  for (let code = 0; code < COMMAND_COUNT; code++) {
    if (commandClass[code] === CLASS_UNKNOWN) commandEffect[code] = EFFECT_UNKNOWN
  }
}

fill()
