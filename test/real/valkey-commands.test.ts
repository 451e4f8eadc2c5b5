import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isDeepStrictEqual } from 'node:util'
import { codeOf, codeOfArguments } from '../../src/protocols/valkey/commands.ts'
import { keyIndices } from '../../src/protocols/valkey/keys.ts'
import { showReply, type Reply } from '../../src/protocols/valkey/model/reply-parser.ts'
import { casesOf, documentedIn, SEEDS, type Documented } from './command-cases.ts'
import { fetchRedis, fetchValkey } from './fetch.ts'
import { request } from './lines.ts'
import { startProxy } from './proxy.ts'
import { RawClient, type RawReply } from './raw-client.ts'
import { startRedis } from './servers.ts'

// Every command and subcommand that a server says it has, with arguments made from its own documentation, directly and through the
// proxy: the same bytes come back.

/** Requests per command. */
const CASES_MAX = Number(process.env.CASES ?? 8)

/** What can't be asked in passing, and why. Patterns of `COMMAND ARGUMENT ...`. */
const LEFT_OUT: readonly (readonly [pattern: RegExp, why: string])[] = [
  [/^SHUTDOWN/, 'it ends the server'],
  [/^(REPLICAOF|SLAVEOF) (?!NO ONE)/, 'the server would be a replica'],
  [/^(P?SYNC|CLUSTER SYNCSLOTS)\b/, 'bytes follow that are no replies'],
  [/^CLIENT KILL (?!(ID|ADDR|LADDR|USER|1\.2\.3\.4:5)\b)/, 'it would meet the connection that looks on'],
  [/^CLIENT KILL .*(TYPE|MAXAGE|NOT-|SKIPME)/, 'the same'],
  [/^SCRIPT DEBUG (YES|SYNC)/, 'Valkey 9.1 can die of the next script, once the client that asked for it has left'],
  [/^CLIENT PAUSE 1$/, 'it holds up the connection that looks on'],
]

/**
 * How replies are compared, where not byte by byte, by command: `#` all but digits, `~` without order, `?` the type, `!` only how
 * many there are.
 */
const HOW: Record<string, string> = {
  '#':
    'time lastsave client|id object|idletime hello xadd xinfo|consumers xinfo|stream xpending latency|latest slowlog|len ' +
    'memory|usage role',
  '?':
    'info client|list client|info memory|stats memory|doctor memory|malloc-stats acl|genpass acl|log lolwut randomkey srandmember ' +
    'spop hrandfield zrandmember latency|doctor latency|histogram slowlog|get commandlog|get',
  '~': 'command command|list command|docs command|info keys smembers sinter sunion sdiff acl|users config|get',
  '!': 'monitor save bgsave bgrewriteaof',
}
const howOf = new Map(Object.entries(HOW).flatMap(([how, names]) => names.split(' ').map((name) => [name, how])))

/** What a session is when it asks: requests before, and behind. */
interface Setting {
  readonly name: string
  readonly before: string[][]
  readonly after: string[][]
  /** How many requests of a command are tried in it. */
  casesMax(command: string): number
}

const SETTINGS: readonly Setting[] = [
  { name: 'RESP2', before: [], after: [], casesMax: () => CASES_MAX },
  { name: 'RESP3', before: [['HELLO', '3']], after: [], casesMax: () => CASES_MAX },
  { name: 'a watch', before: [['WATCH', 'string']], after: [['UNWATCH']], casesMax: () => 1 },
  {
    name: 'a subscriber',
    before: [
      ['HELLO', '3'],
      ['SUBSCRIBE', 'elsewhere'],
    ],
    after: [['PING']],
    casesMax: () => 1,
  },
  // The debugger's connection is given no name.
  {
    name: 'a user in another database',
    before: [
      ['AUTH', 'alice', 'secret'],
      ['SELECT', '1'],
      ['CLIENT', 'SETNAME', 'me'],
    ],
    after: [
      ['ACL', 'WHOAMI'],
      ['CLIENT', 'GETNAME'],
    ],
    casesMax: (command) => (command === 'script|debug' ? 0 : 1),
  },
  // For CLIENT REPLY see docs/valkey.md.
  {
    name: 'a transaction',
    before: [['MULTI']],
    after: [['EXEC']],
    casesMax: (command) => (command === 'client|reply' ? 0 : 1),
  },
]

function comparable({ bytes, reply }: RawReply, how: string): string {
  if (how === '?') return reply.type
  if (how === '~') return `${reply.type}${(reply.items ?? []).map(showReply).sort().join(' ')}`
  const text = bytes.toString('latin1')
  return how === '#' ? text.replaceAll(/\d+/g, '#') : text
}

/** They name what is no key but decides where in a cluster they go. */
const ROUTED = ['spublish', 'ssubscribe', 'sunsubscribe', 'clusterscan']

/** What a server takes only from who has nothing else under way. */
const ALONE = /^SCRIPT DEBUG/

async function answers(port: number, requests: readonly string[][]): Promise<RawReply[]> {
  const client = await RawClient.open(port)
  try {
    if (requests.some((words) => ALONE.test(words.join(' ')))) for (const words of requests) await client.ask(...words)
    client.write(Buffer.concat([...(client.replies.length === 0 ? requests : []), ['QUIT']].map(request)))
    await client.untilClosed()
    return client.replies
  } finally {
    client.destroy()
  }
}

function isLeftOut(words: readonly string[]): boolean {
  const text = words.join(' ')
  return LEFT_OUT.some(([pattern]) => pattern.test(text))
}

/** Commands and subcommands; containers are left out. */
function namesIn(commands: Reply): string[] {
  return (commands.items ?? []).flatMap(({ items }) => {
    const subcommands = namesIn(items![9]!)
    return subcommands.length === 0 || items![0]!.text === 'command' ? [items![0]!.text!, ...subcommands] : subcommands
  })
}

async function reply(client: RawClient, ...words: string[]): Promise<Reply> {
  const before = client.replies.length
  client.send(...words)
  await client.until(before + 1)
  return client.replies[before]!.reply
}

async function commandsOf(control: RawClient): Promise<Documented[]> {
  const documented = new Map(documentedIn(await reply(control, 'COMMAND', 'DOCS')).map((docs) => [docs.name, docs]))
  const names = namesIn(await reply(control, 'COMMAND'))
  assert.ok(names.length > 350, `${names.length} commands`)
  return names.map((name) => documented.get(name) ?? { name, group: '', arguments: [] })
}

/** Brings the server to where each request starts from. */
async function seed(control: RawClient): Promise<void> {
  control.write(Buffer.concat(SEEDS.map(request)))
  await control.until(control.replies.length + SEEDS.length)
  control.replies.length = 0
}

/** What comes back for a request in a setting, to be compared. */
async function heard(port: number, command: Documented, words: string[], setting: Setting): Promise<string[]> {
  const how = howOf.get(command.name) ?? ''
  // Without replies a server would not close after QUIT.
  const end = command.name === 'client|reply' ? [['CLIENT', 'REPLY', 'ON']] : []
  const replies = await answers(port, [...setting.before, words, ...setting.after, ...end])
  if (how === '!') return [String(replies.length)]
  return replies.map((one, at) => comparable(one, at < setting.before.length ? '?' : how))
}

const servers = [await fetchRedis(), await fetchValkey()].filter((programs) => programs !== null)

for (const programs of servers) {
  const { version } = programs

  test(`every command of ${version} gives the same bytes as without the proxy`, async (t) => {
    await using redis = await startRedis({ programs, extraArgs: ['--hz', '500'] })
    await using proxy = await startProxy({ upstream: redis.address })
    const control = await RawClient.open(redis.port)
    const failures: string[] = []
    let compared = 0
    for (const command of await commandsOf(control)) {
      const cases = casesOf(command, CASES_MAX).filter((words) => !isLeftOut(words))
      for (const setting of SETTINGS)
        for (const words of cases.slice(0, setting.casesMax(command.name))) {
          await seed(control)
          const expected = await heard(redis.port, command, words, setting)
          await seed(control)
          const found = await heard(proxy.port, command, words, setting)
          compared += expected.length
          if (!isDeepStrictEqual(found, expected))
            failures.push(`${setting.name}: ${words.join(' ')}: ${found.join()} and not ${expected.join()}`)
        }
    }
    control.destroy()
    t.diagnostic(`${compared} replies were compared`)
    assert.ok(compared > 4000)
    assert.equal(failures.join('\n'), '')
    assert.deepEqual(proxy.complaints, [])
  })

  test(`the table has every command of ${version}, and finds the keys that the server finds`, async () => {
    await using redis = await startRedis({ programs })
    const control = await RawClient.open(redis.port)
    const differences: string[] = []
    let compared = 0
    for (const command of await commandsOf(control)) {
      assert.notEqual(codeOf(command.name), 0, command.name)
      if (ROUTED.includes(command.name)) continue
      for (const words of casesOf(command, CASES_MAX)) {
        const args = words.map((word) => Buffer.from(word, 'latin1'))
        const keys = keyIndices(codeOfArguments(args), args).map((at) => words[at])
        const told = await reply(control, 'COMMAND', 'GETKEYS', ...words)
        // What is not a valid request to it has no keys for the server.
        if (told.text?.startsWith('ERR Invalid')) continue
        const expected = (told.items ?? []).map(({ text }) => text).filter((key) => key !== '')
        if (!isDeepStrictEqual(keys, expected))
          differences.push(`${words.join(' ')}: ${keys.join()} and not ${expected.join()}`)
        compared++
      }
    }
    control.destroy()
    assert.ok(compared > 500)
    assert.equal(differences.join('\n'), '')
  })
}
