/**
 * Writes src/protocols/valkey/commands.table.ts from what real servers answer to COMMAND.
 *
 *     node tools/commands.ts <redis-server> <valkey-server>
 *
 * Each is started on a loopback port of its own, asked, and stopped. A command that both know gets the flags of both; it is
 * readonly only where no server says that it writes.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import net from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { CommandRow, KeySpec } from '../src/protocols/valkey/commands.table.ts'

const FLAGS = ['readonly', 'write', 'blocking', 'admin', 'pubsub', 'movablekeys']

type Reply = string | number | null | Reply[]

interface Command {
  name: string
  flags: Set<string>
  first: number
  last: number
  step: number
  specs: KeySpec[]
}

/** Parses one RESP2 reply of a complete buffer, for this tool alone: the project's own decoder needs the table made here. */
function parse(text: string): Reply {
  let at = 0
  const value = (): Reply => {
    const lineEnd = text.indexOf('\r\n', at)
    const kind = text[at]
    const line = text.slice(at + 1, lineEnd)
    at = lineEnd + 2
    if (kind === '+') return line
    if (kind === ':') return Number(line)
    const count = Number(line)
    if (count < 0) return null
    if (kind === '$') {
      at += count + 2
      return text.slice(at - count - 2, at - 2)
    }
    return Array.from({ length: count }, value)
  }
  const reply = value()
  if (at !== text.length) throw new Error(`${text.length - at} bytes after the reply`)
  return reply
}

async function ask(port: number, request: string): Promise<string> {
  const socket = net.connect(port, '127.0.0.1')
  let text = ''
  socket.setEncoding('latin1')
  socket.on('data', (chunk: string) => (text += chunk))
  socket.write(`${request}\r\nQUIT\r\n`)
  await once(socket, 'close')
  if (!text.endsWith('+OK\r\n')) throw new Error(`no whole answer to ${request}`)
  return text.slice(0, -5)
}

async function freePort(): Promise<number> {
  const server = net.createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as net.AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

async function withServer<T>(binary: string, use: (port: number) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(path.join(tmpdir(), 'commands-'))
  const port = await freePort()
  const server = spawn(binary, ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--dir', folder])
  server.stdout.setEncoding('utf8')
  await new Promise<void>((resolve, reject) => {
    server.stdout.on('data', (line: string) => line.includes('Ready to accept connections') && resolve())
    server.once('error', reject)
    server.once('exit', (code) => reject(new Error(`${binary} ended with ${code}`)))
  })
  try {
    return await use(port)
  } finally {
    server.removeAllListeners('exit')
    server.kill()
    await once(server, 'exit')
    rmSync(folder, { recursive: true })
  }
}

/** A RESP2 map: names and values in turn. */
function pairs(reply: Reply): Map<string, Reply> {
  const list = reply as Reply[]
  const map = new Map<string, Reply>()
  for (let i = 0; i < list.length; i += 2) map.set(list[i] as string, list[i + 1])
  return map
}

function keySpec(reply: Reply): KeySpec {
  const spec = pairs(reply)
  const begin = pairs(spec.get('begin_search')!)
  const find = pairs(spec.get('find_keys')!)
  const beginSpec = pairs(begin.get('spec')!)
  const findSpec = pairs(find.get('spec')!)
  const number = (from: Map<string, Reply>, name: string): number => Number(from.get(name))
  let where: KeySpec['begin'] = ['unknown']
  if (begin.get('type') === 'index') where = ['index', number(beginSpec, 'index')]
  if (begin.get('type') === 'keyword')
    where = ['keyword', String(beginSpec.get('keyword')), number(beginSpec, 'startfrom')]
  let which: KeySpec['find'] = ['unknown']
  if (find.get('type') === 'range') {
    which = ['range', number(findSpec, 'lastkey'), number(findSpec, 'keystep'), number(findSpec, 'limit')]
  }
  if (find.get('type') === 'keynum') {
    which = ['keynum', number(findSpec, 'keynumidx'), number(findSpec, 'firstkey'), number(findSpec, 'keystep')]
  }
  return { begin: where, find: which }
}

function read(reply: Reply, into: Map<string, Command>): void {
  for (const entry of reply as Reply[]) {
    const [name, , flags, first, last, step, , , specs, subcommands] = entry as [string, ...Reply[]]
    into.set(name, {
      name,
      flags: new Set(flags as string[]),
      first: first as number,
      last: last as number,
      step: step as number,
      specs: (specs as Reply[]).map(keySpec),
    })
    read(subcommands, into)
  }
}

function merge(into: Map<string, Command>, from: Map<string, Command>): void {
  for (const command of from.values()) {
    const known = into.get(command.name)
    if (known === undefined) {
      into.set(command.name, command)
      continue
    }
    for (const flag of command.flags) known.flags.add(flag)
    // The later server's positions: newer ones only learn more about a command.
    const { first, last, step, specs } = command
    Object.assign(known, { first, last, step, specs })
  }
}

function row(command: Command): CommandRow {
  const { name, flags, first, last, step, specs } = command
  if (flags.has('write')) flags.delete('readonly')
  const words = FLAGS.filter((flag) => flags.has(flag)).join(' ')
  return flags.has('movablekeys') ? [name, words, first, last, step, specs] : [name, words, first, last, step]
}

const [redis, valkey] = process.argv.slice(2)
if (redis === undefined || valkey === undefined)
  throw new Error('usage: node tools/commands.ts <redis-server> <valkey-server>')

const commands = new Map<string, Command>()
const versions: string[] = []
for (const binary of [redis, valkey]) {
  await withServer(binary, async (port) => {
    const info = await ask(port, 'INFO server')
    const version = /valkey_version:(\S+)/.exec(info) ?? /redis_version:(\S+)/.exec(info)
    versions.push(`${info.includes('valkey_version') ? 'Valkey' : 'Redis'} ${version![1]}`)
    const found = new Map<string, Command>()
    read(parse(await ask(port, 'COMMAND')), found)
    merge(commands, found)
  })
}

const rows = [...commands.values()].sort((a, b) => (a.name < b.name ? -1 : 1)).map(row)
const literal = (value: unknown): string => JSON.stringify(value).replaceAll('"', "'").replaceAll(',', ', ')
const text = `// Generated by tools/commands.ts from the answers to COMMAND of ${versions.join(' and ')}. Do not edit.

/** Where keys stand among the arguments: https://valkey.io/topics/key-specs/ */
export interface KeySpec {
  readonly begin: readonly ['index', number] | readonly ['keyword', string, number] | readonly ['unknown']
  /** ['range', last key, step, limit], ['keynum', index of the count, first key, step]: relative to where \`begin\` points. */
  readonly find: readonly ['range' | 'keynum', number, number, number] | readonly ['unknown']
}

/** Name (a subcommand's after a bar), flags, first key, last key, step between keys, key specs where these three do not say it all. */
export type CommandRow = readonly [string, string, number, number, number, (readonly KeySpec[])?]

// prettier-ignore
export const COMMAND_ROWS: readonly CommandRow[] = [
${rows.map((line) => `  ${literal(line)},`).join('\n')}
]
`
writeFileSync(path.join(import.meta.dirname, '../src/protocols/valkey/commands.table.ts'), text)
process.stdout.write(`${rows.length} commands of ${versions.join(' and ')}\n`)
