import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { setImmediate as turn } from 'node:timers/promises'
import { showReply } from '../../src/protocols/valkey/model/reply-parser.ts'
import { linesOf, request, type Line } from './lines.ts'
import { RawClient, type RawReply } from './raw-client.ts'

// The same script is played to a server directly and through the proxy, and the bytes that come back are compared.

const QUIT = request(['QUIT'])
const CLEAN = ['FLUSHALL', 'SCRIPT FLUSH', 'FUNCTION FLUSH'].map((text) => request(text.split(' ')))

export interface Transcript {
  readonly replies: readonly RawReply[]
  /** Replies that had come when the next line was sent. */
  readonly counts: readonly number[]
  readonly rest: string
}

export interface Script {
  readonly lines: readonly Line[]
  /** `@end`: the client ends it by its half-close instead of QUIT. */
  readonly halfCloses: boolean
  /** `@step`: only line by line; a server that hangs up may drop the replies before. */
  readonly inStep: boolean
  /** `@whole`: not torn; what the server says whenever it has taken what was there comes where the pieces end. */
  readonly isWhole: boolean
}

export function scriptOf(text: string): Script {
  const words = /^(?:\s*@\w+)*/.exec(text)![0]
  return {
    lines: linesOf(text.slice(words.length)),
    halfCloses: words.includes('@end'),
    inStep: words.includes('@step'),
    isWhole: words.includes('@whole'),
  }
}

/** How a script's bytes are handed over. */
type Delivery = (client: RawClient, script: Script, control: RawClient) => Promise<number[]>

/** Line by line, each after all that the server itself had to say to the one before. */
async function stepwise(client: RawClient, { lines }: Script, control: RawClient): Promise<number[]> {
  const counts: number[] = []
  for (const { bytes } of lines) {
    client.write(bytes)
    // The server takes its clients in turn: a reply it had at once is on its way before it answers the second of these.
    for (let round = 0; round < 2;) if ((await blockedClients(control)) === 0) round++
    await turn()
    counts.push(client.replies.length)
  }
  return counts
}

async function blockedClients(control: RawClient): Promise<number> {
  control.write(request(['INFO', 'clients']))
  await control.until(control.replies.length + 1)
  return Number(/blocked_clients:(\d+)/.exec(control.replies.at(-1)!.reply.text ?? '')?.[1])
}

/** Line by line, each when as many replies have come as the server itself had sent by then. */
function inStepWith(counts: readonly number[]): Delivery {
  return async (client, { lines }) => {
    for (const [at, { bytes }] of lines.entries()) {
      client.write(bytes)
      await client.until(counts[at]!)
    }
    return []
  }
}

async function atOnce(client: RawClient, { lines }: Script): Promise<number[]> {
  client.write(Buffer.concat(lines.map(({ bytes }) => bytes)))
  return []
}

/** In pieces of a few bytes, some of which arrive by themselves. */
async function torn(client: RawClient, { lines }: Script): Promise<number[]> {
  const all = Buffer.concat(lines.map(({ bytes }) => bytes))
  const size = Math.max(7, Math.ceil(all.length / 200))
  for (let at = 0; at < all.length; at += size) {
    client.write(all.subarray(at, at + size))
    await turn()
  }
  return []
}

async function clean(control: RawClient): Promise<void> {
  for (const bytes of CLEAN) control.write(bytes)
  await control.until(control.replies.length + CLEAN.length)
}

async function playOne(port: number, script: Script, deliver: Delivery, control: RawClient): Promise<Transcript> {
  const client = await RawClient.open(port)
  try {
    const counts = await deliver(client, script, control)
    if (script.halfCloses) client.end()
    else client.write(QUIT)
    await client.untilClosed()
    return { replies: client.replies, counts, rest: client.rest.toString('latin1') }
  } catch (error) {
    const last = client.replies.slice(-3).map(({ reply }) => showReply(reply))
    throw new Error(`${(error as Error).message}; the last were ${last.join(' ')}`, { cause: error })
  } finally {
    client.destroy()
  }
}

/** What a reply is compared by. */
function comparable({ bytes, reply }: RawReply, how: string): string {
  // HELLO tells the number of the connection, also among the replies of a transaction.
  const text = bytes.toString('latin1').replaceAll(/(\$2\r\nid\r\n):\d+/g, '$1:#')
  if (how === '?') return reply.type
  if (how === '#') return text.replaceAll(/:\d+/g, ':#')
  if (how === '~') return `${reply.type}${(reply.items ?? []).map(showReply).sort().join(' ')}`
  if (text.length <= 400) return text
  return `${text.slice(0, 200)}...${text.slice(-200)} (${text.length} bytes, SHA-1 ${hash('sha1', text)})`
}

/** Per reply, how it is compared: as its line says, where that line had one reply. */
function hows({ lines }: Script, counts: readonly number[]): string[] {
  const all: string[] = []
  for (const [at, { how }] of lines.entries()) {
    const from = at === 0 ? 0 : counts[at - 1]!
    for (let reply = from; reply < counts[at]!; reply++) all[reply] = how
  }
  return all
}

function compare(expected: Transcript, actual: Transcript, script: Script): number {
  const how = hows(script, expected.counts)
  const show = ({ replies }: Transcript) => replies.map((reply, at) => comparable(reply, how[at] ?? ''))
  const wanted = show(expected)
  const found = show(actual)
  for (const [at, text] of wanted.entries()) {
    const line = script.lines[expected.counts.findIndex((count) => count > at)]
    assert.equal(found[at], text, `reply ${at}, about ${line?.shown.slice(0, 80) ?? 'the end'}`)
  }
  assert.equal(found.length, wanted.length)
  assert.equal(actual.rest, expected.rest)
  return wanted.length
}

/**
 * Plays a script to the server behind `redis` and, in several deliveries, to the proxy. Calls `check` with what each delivery is
 * called and a function that plays and compares it. Returns how many replies were compared.
 */
export async function playBoth(
  ports: { redis: number; proxy: number },
  script: Script,
  control: RawClient,
  check: (delivery: string, compared: () => Promise<void>) => Promise<void>,
): Promise<number> {
  await clean(control)
  const expected = await playOne(ports.redis, script, stepwise, control)
  await clean(control)
  // Invalidations and messages of its own doing can come elsewhere when the requests come in one go.
  const expectedAtOnce = { ...(await playOne(ports.redis, script, atOnce, control)), counts: expected.counts }
  const deliveries: [string, Transcript, Delivery][] = [
    ['in step', expected, inStepWith(expected.counts)],
    ['at once', expectedAtOnce, atOnce],
  ]
  if (!script.isWhole) deliveries.push(['torn', expectedAtOnce, torn])
  let compared = 0
  for (const [name, wanted, deliver] of script.inStep ? deliveries.slice(0, 1) : deliveries)
    await check(name, async () => {
      await clean(control)
      try {
        compared += compare(wanted, await playOne(ports.proxy, script, deliver, control), script)
      } catch (error) {
        throw new Error(`${name}: ${(error as Error).message}`, { cause: error })
      }
    })
  return compared
}

/**
 * Plays scripts that have no key in common one after the other to the server, and all at the same time to the proxy. Returns how
 * many replies were compared.
 */
export async function playTogether(
  ports: { redis: number; proxy: number },
  scripts: readonly Script[],
  control: RawClient,
): Promise<number> {
  await clean(control)
  const expected: Transcript[] = []
  for (const script of scripts) expected.push(await playOne(ports.redis, script, stepwise, control))
  await clean(control)
  const actual = await Promise.all(
    scripts.map((script, at) =>
      playOne(ports.proxy, script, inStepWith(expected[at]!.counts), control).catch((error: Error) => {
        throw new Error(`${error.message}\n${script.lines.map(({ shown }) => shown).join('\n')}`, { cause: error })
      }),
    ),
  )
  let compared = 0
  for (const [at, script] of scripts.entries()) compared += compare(expected[at]!, actual[at]!, script)
  return compared
}
