import assert from 'node:assert/strict'
import { test } from 'node:test'
import { playBoth, playTogether, scriptOf } from './differential.ts'
import { startProxy } from './proxy.ts'
import { RawClient } from './raw-client.ts'
import { fetchRedis, fetchValkey, type RedisPrograms } from './fetch.ts'
import { startRedis } from './servers.ts'

/** What a connection is given to remember, and what shows it. */
const POOL = words(`
  MULTI
  MULTI
  EXEC
  EXEC
  DISCARD
  WATCH k
  UNWATCH
  SELECT 0
  SELECT 1
  SELECT 99
  #HELLO 2
  #HELLO 3
  #HELLO 3 SETNAME hello
  HELLO 3 AUTH nobody x
  RESET
  CLIENT SETNAME one
  CLIENT SETNAME two
  CLIENT GETNAME
  CLIENT GETNAME
  CLIENT TRACKING ON
  CLIENT TRACKING OFF
  CLIENT TRACKING ON OPTIN
  CLIENT CACHING YES
  CLIENT TRACKINGINFO
  CLIENT GETREDIR
  CLIENT UNPAUSE
  FUNCTION STATS
  CLIENT NO-EVICT ON
  CLIENT NO-EVICT OFF
  SET k v
  INCR k
  INCR n
  GET k
  GET n
  GET k
  HGETALL nope
  LPOP nope
  RPUSH l x
  BLPOP l 0.001
  BLPOP nope 0.001
  XREAD BLOCK 1 STREAMS nope $
  WAIT 0 1
  PING
  PING x
  ECHO x
  NOPE
  JSON.GET k
  GET
  AUTH x y
  ASKING
  READONLY
  READWRITE
  EVAL return(redis.call('incr','n')) 0
  !PING\\r\\n
  !\\r\\n
  !*0\\r\\n`)
// What a client publishes to itself in a transaction, servers put among the replies of EXEC, uncounted: no client understands that.
const SUBSCRIPTIONS = words(`
  SUBSCRIBE a
  SUBSCRIBE a b
  PSUBSCRIBE p*
  SSUBSCRIBE s
  UNSUBSCRIBE
  UNSUBSCRIBE a
  PUNSUBSCRIBE
  SUNSUBSCRIBE
  PUBLISH nobody message
  SPUBLISH nobody message`)
const SILENCE = words(`
  CLIENT REPLY ON
  CLIENT REPLY ON
  CLIENT REPLY OFF
  CLIENT REPLY SKIP`)

function words(text: string): string[] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
}

// A server looks at its clock so many times a second; waits of a millisecond are to be that long, about.
const HURRY = ['--hz', '500']

const SCRIPTS = Number(process.env.SCRIPTS ?? 60)
const LINES = 30
/** Clients that play at the same time. */
const TOGETHER = 20

/** mulberry32: the same seed, the same numbers. */
function randomFrom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

function randomScript(pool: readonly string[], seed: number): string[] {
  const random = randomFrom(seed)
  const lines = Array.from({ length: LINES }, () => pool[Math.floor(random() * pool.length)]!)
  // While replies are off, a server does not close after QUIT.
  return [...lines, 'RESET']
}

interface Place {
  readonly ports: { redis: number; proxy: number }
  readonly control: RawClient
}

/** Plays what `play` plays and counts; it must be at least `least` replies, and worth no complaint. */
async function inPlace(programs: RedisPrograms, least: number, play: (place: Place) => Promise<number>): Promise<void> {
  await using redis = await startRedis({ programs, extraArgs: HURRY })
  await using proxy = await startProxy({ upstream: redis.address })
  const control = await RawClient.open(redis.port)
  const compared = await play({ ports: { redis: redis.port, proxy: proxy.port }, control })
  control.destroy()
  assert.ok(compared > least, `${compared} replies were compared`)
  assert.deepEqual(proxy.complaints, [])
}

async function playRandom(pool: readonly string[], { ports, control }: Place): Promise<number> {
  let compared = 0
  for (let seed = firstSeed; seed < firstSeed + SCRIPTS; seed++) {
    const lines = randomScript(pool, seed)
    try {
      compared += await playBoth(ports, scriptOf(lines.join('\n')), control, (_, play) => play())
    } catch (error) {
      const script = lines.map((line, at) => `${at} ${line}`).join('\n')
      throw new Error(`script ${seed}: ${(error as Error).message}\n${script}`, { cause: error })
    }
  }
  return compared
}

const firstSeed = Number(process.env.SEED ?? 1)

// Not with subscriptions, where a RESP2 client is refused CLIENT REPLY ON and not told; nor in transactions, whose replies a server
// then leaves out one by one; nor with requests that are none, which end a SKIP.
const SILENT_POOL = [...POOL.filter((line) => !/^(MULTI|!.*)$/.test(line)), ...SILENCE, ...SILENCE]

/** Keys, channels and patterns of one client alone. */
function ofClient(line: string, client: number): string {
  if (line.startsWith('!')) return line
  return line.replaceAll(/(?<![-\w])(k|n|l|s|a|b|p\*)(?!\w)/g, `$1${client}`)
}

for (const programs of [await fetchRedis(), await fetchValkey()]) {
  if (programs === null) continue

  test(`${programs.version}: whatever a connection is made to remember, the same bytes come back as without the proxy`, () =>
    inPlace(programs, SCRIPTS * LINES, (place) => playRandom([...POOL, ...SUBSCRIPTIONS], place)))

  test(`${programs.version}: whatever a connection is made to remember while replies are off, the same bytes come back`, () =>
    inPlace(programs, SCRIPTS * LINES, (place) => playRandom(SILENT_POOL, place)))

  test(`${programs.version}: what one client makes its connection remember no other one notices`, () =>
    inPlace(programs, SCRIPTS * LINES, async ({ ports, control }) => {
      let compared = 0
      for (let seed = firstSeed; seed < firstSeed + SCRIPTS; seed += TOGETHER) {
        const scripts = Array.from({ length: TOGETHER }, (_, client) => {
          const pool = client % 3 === 0 ? SILENT_POOL : [...POOL, ...SUBSCRIPTIONS]
          return randomScript(pool, seed + client).map((line) => ofClient(line, client))
        })
        try {
          compared += await playTogether(
            ports,
            scripts.map((lines) => scriptOf(lines.join('\n'))),
            control,
          )
        } catch (error) {
          throw new Error(`scripts ${seed} to ${seed + TOGETHER - 1}: ${(error as Error).message}`, { cause: error })
        }
      }
      return compared * 2
    }))
}
