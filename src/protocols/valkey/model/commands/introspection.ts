import { container, keysOf, NO_KEYS, type Call, type Command } from '../command.ts'
import { globMatches } from '../../glob.ts'
import { CommandError } from '../store.ts'
import { encodingOf } from './keys.ts'

function describe(call: Call, command: Command): void {
  const { replies } = call
  const [first, last, step] = command.keys
  replies.array(10)
  replies.bulk(command.name)
  replies.integer(command.arity)
  replies.set(command.flags.size)
  for (const flag of command.flags) replies.simple(flag)
  replies.integer(first)
  replies.integer(last)
  replies.integer(step)
  replies.set(0)
  replies.set(0)
  replies.array(0)
  const subcommands = [...(command.subcommands?.values() ?? [])]
  replies.array(subcommands.length)
  for (const sub of subcommands) describe(call, sub)
}

function commandInfo(call: Call): void {
  const names = call.count > 2 ? call.texts(2).map((name) => name.toLowerCase()) : [...call.server.commands.keys()]
  call.replies.array(names.length)
  for (const name of names) {
    const command = call.server.commands.get(name)
    if (command === undefined) call.replies.nil()
    else describe(call, command)
  }
}

function commandAll(call: Call): void {
  call.replies.array(call.server.commands.size)
  for (const command of call.server.commands.values()) describe(call, command)
}

function docs(call: Call): void {
  const names = call.count > 2 ? call.texts(2).map((name) => name.toLowerCase()) : [...call.server.commands.keys()]
  const found = names.map((name) => call.server.commands.get(name)).filter((command) => command !== undefined)
  call.replies.map(found.length)
  for (const command of found) {
    call.replies.bulk(command.name)
    call.replies.map(2)
    call.replies.bulk('summary')
    call.replies.bulk(`The ${command.name.toUpperCase()} command of the try-out store.`)
    call.replies.bulk('group')
    call.replies.bulk(command.group)
  }
}

function list(call: Call): void {
  call.replies.bulks([...call.server.commands.keys()])
}

function getkeys(call: Call): void {
  const command = call.server.commands.get(call.text(2).toLowerCase())
  if (command === undefined) throw new CommandError('ERR Invalid command specified')
  const keys = keysOf(command, call.args.slice(2))
  if (keys.length === 0) throw new CommandError('ERR The command has no key arguments')
  call.replies.bulks(keys)
}

function configGet(call: Call): void {
  const patterns = call.texts(2).map((pattern) => pattern.toLowerCase())
  const found = [...call.server.config].filter(([name]) => patterns.some((pattern) => globMatches(pattern, name)))
  call.replies.map(found.length)
  for (const [name, value] of found) {
    call.replies.bulk(name)
    call.replies.bulk(value)
  }
}

function configSet(call: Call): void {
  if (call.count % 2 !== 0) call.wrongArity()
  const { config, users } = call.server
  for (let at = 2; at < call.count; at += 2)
    if (!config.has(call.text(at).toLowerCase()))
      throw new CommandError(`ERR Unknown option or number of arguments for CONFIG SET - '${call.text(at)}'`)
  for (let at = 2; at < call.count; at += 2) {
    const name = call.text(at).toLowerCase()
    config.set(name, call.text(at + 1))
    if (name === 'requirepass') users.set('default', call.text(at + 1) === '' ? null : call.text(at + 1))
  }
  call.replies.ok()
}

function objectOf(call: Call, reply: (call: Call) => void): void {
  if (call.db.get(call.text(2)) === null) call.replies.nil()
  else reply(call)
}

function encoding(call: Call): void {
  objectOf(call, () => call.replies.bulk(encodingOf(call.db.get(call.text(2))!)))
}

const STALE = 'loading stale'
const ADMIN = `admin noscript ${STALE}`
const OBJECT_KEY = [2, 2, 1] as const

const commandContainer = container('server', 'command', [
  ['count', 2, STALE, NO_KEYS, (call) => call.replies.integer(call.server.commands.size)],
  ['docs', -2, STALE, NO_KEYS, docs],
  ['getkeys', -3, STALE, NO_KEYS, getkeys],
  ['info', -2, STALE, NO_KEYS, commandInfo],
  ['list', -2, STALE, NO_KEYS, list],
])

export const introspection: Command[] = [
  { ...commandContainer, arity: -1, run: commandAll },
  container('server', 'config', [
    ['get', -3, ADMIN, NO_KEYS, configGet],
    ['resetstat', 2, ADMIN, NO_KEYS, (call) => call.replies.ok()],
    ['set', -4, ADMIN, NO_KEYS, configSet],
  ]),
  container('generic', 'object', [
    ['encoding', 3, 'readonly', OBJECT_KEY, encoding],
    ['freq', 3, 'readonly', OBJECT_KEY, (call) => objectOf(call, noFrequency)],
    ['idletime', 3, 'readonly', OBJECT_KEY, (call) => objectOf(call, () => call.replies.integer(0))],
    ['refcount', 3, 'readonly', OBJECT_KEY, (call) => objectOf(call, () => call.replies.integer(1))],
  ]),
]

function noFrequency(): never {
  throw new CommandError(
    'ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please note that when switching between policies at runtime LRU and LFU data will take some time to adjust.',
  )
}
