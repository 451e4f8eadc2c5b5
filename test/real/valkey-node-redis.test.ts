import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { createClient, RESP_TYPES } from 'redis'
import { failing, runCases, type Cases, type Library } from './client-cases.ts'

// node-redis, RESP2 and RESP3, directly and through the proxy: the same results.

type Client = Awaited<ReturnType<typeof openClient>>

async function openClient(port: number, RESP: 2 | 3) {
  const client = createClient({ RESP, socket: { port, host: '127.0.0.1', reconnectStrategy: false } })
  client.on('error', () => {}) // what a case expects to fail, it looks at itself
  await client.connect()
  return client
}

const library = (RESP: 2 | 3): Library<Client> => ({
  open: (port) => openClient(port, RESP),
  close: async (client) => (client.isOpen ? client.destroy() : undefined),
  flush: (client) => client.flushAll(),
})

const buffers = { [RESP_TYPES.BLOB_STRING]: Buffer } as const

/** The next message on a channel. */
function heard(subscribe: (listener: (message: string, channel: string) => void) => Promise<void>): {
  ready: Promise<void>
  message: Promise<string[]>
} {
  let ready = Promise.resolve()
  const message = new Promise<string[]>((resolve) => {
    ready = subscribe((text, channel) => resolve([text, channel]))
  })
  return { ready, message }
}

const CASES: Cases<Client> = {
  'all types': async (open) => {
    const redis = await open()
    return [
      await redis.set('k', 'v', { expiration: { type: 'EX', value: 100 } }),
      await redis.get('k'),
      await redis.ttl('k'),
      await redis.mGet(['k', 'nothing']),
      await redis.hSet('h', { a: '1', b: '2' }),
      await redis.hGetAll('h'),
      await redis.hGetAll('nothing'),
      await redis.hmGet('h', ['a', 'x']),
      await redis.rPush('l', ['a', 'b', 'c']),
      await redis.lRange('l', 0, -1),
      await redis.lPopCount('l', 2),
      await redis.sAdd('s', ['a', 'b']),
      [...(await redis.sMembers('s'))].sort(),
      await redis.sIsMember('s', 'a'),
      await redis.zAdd('z', [
        { score: 1.5, value: 'a' },
        { score: Infinity, value: 'b' },
      ]),
      await redis.zRangeWithScores('z', 0, -1),
      await redis.zScore('z', 'nothing'),
      await redis.xAdd('x', '1-1', { f: 'v' }),
      await redis.xRange('x', '-', '+'),
      await redis.xRead({ key: 'x', id: '0' }),
      await redis.geoAdd('g', { longitude: 13.361389, latitude: 38.115556, member: 'Palermo' }),
      await redis.geoPos('g', ['Palermo', 'nothing']),
      await redis.pfAdd('p', ['a']),
      await redis.setBit('bits', 7, 1),
      await redis.bitCount('bits'),
      await redis.type('x'),
      await redis.objectEncoding('k'),
    ]
  },
  pipelines: async (open) => {
    const redis = await open()
    const sets = Array.from({ length: 500 }, (_, i) => redis.set(`k${i}`, i))
    const gets = Array.from({ length: 500 }, (_, i) => redis.get(`k${i}`))
    const mixed = [redis.set('s', 'x'), failing(redis.lPush('s', 'y')), redis.get('s')]
    const together = await redis.multi().get('k1').get('k2').execAsPipeline()
    return [await Promise.all(sets), await Promise.all(gets), await Promise.all(mixed), together]
  },
  transactions: async (open) => {
    const [redis, other] = [await open(), await open()]
    const first = await redis.multi().set('k', 1).incr('k').get('k').exec()
    await redis.watch('k')
    await other.set('k', 10)
    const conflict = await failing(redis.multi().set('k', 2).exec())
    const error = await failing(redis.multi().set('s', 'x').incr('s').exec())
    const empty = await redis.multi().exec()
    return [first, conflict, error, empty, await other.get('k')]
  },
  'blocking commands': async (open) => {
    const [redis, other] = [await open(), await open()]
    const waits = redis.blPop('q', 0)
    await other.ping()
    await other.rPush('q', 'x')
    const served = await waits
    const timedOut = await redis.blPop('q', 0.01)
    const reads = redis.xRead({ key: 'x', id: '$' }, { BLOCK: 5000 })
    await other.ping()
    let read: unknown = null
    void reads.then((value) => (read = value))
    // The reader may come to the server after the first entry: then it waits for the next.
    for (let id = 1; read === null && id < 1000; id++) await other.xAdd('x', `${id}-1`, { f: 'v' })
    return [served, timedOut, read !== null]
  },
  'publish and subscribe': async (open) => {
    const [subscriber, publisher] = [await open(), await open()]
    const told: unknown[] = []
    const channel = heard((listener) => subscriber.subscribe('c', listener))
    const pattern = heard((listener) => subscriber.pSubscribe('p*', listener))
    const shard = heard((listener) => subscriber.sSubscribe('s', listener))
    await Promise.all([channel.ready, pattern.ready, shard.ready])
    told.push(await publisher.publish('c', 'one'), await channel.message)
    told.push(await publisher.publish('pp', 'two'), await pattern.message)
    told.push(await publisher.sPublish('s', 'three'), await shard.message)
    await subscriber.unsubscribe()
    await subscriber.pUnsubscribe()
    await subscriber.sUnsubscribe()
    told.push(await publisher.publish('c', 'nobody'), await subscriber.set('k', 'v'), await subscriber.get('k'))
    const again = heard((listener) => subscriber.subscribe('c', listener))
    await again.ready
    told.push(await publisher.publish('c', 'again'), await again.message, await subscriber.ping())
    return told
  },
  monitor: async (open) => {
    const [redis, other] = [await open(), await open()]
    let show: (line: string) => void
    const seen = new Promise<string>((resolve) => (show = resolve))
    await redis.monitor((line) => line.includes('"seen"') && show(line))
    await other.set('seen', 'x')
    return (await seen).replace(/^\S+ \[(\d+) \S+\]/, '$1')
  },
  'scripts and functions': async (open) => {
    const redis = await open()
    const sha = await redis.scriptLoad('return {KEYS[1], ARGV[1] * 2}')
    return [
      sha,
      await redis.evalSha(sha, { keys: ['k'], arguments: ['21'] }),
      await redis.eval('return redis.call("incr", KEYS[1])', { keys: ['n'] }),
      await failing(redis.eval('return redis.call("nope")')),
      await failing(redis.evalSha('0'.repeat(40))),
      await redis.scriptExists([sha, '0'.repeat(40)]),
      await redis.functionLoad("#!lua name=lib\nredis.register_function('f', function(k, a) return a[1] end)", {
        REPLACE: true,
      }),
      await redis.fCall('f', { arguments: ['x'] }),
      await redis.functionFlush(),
      await redis.scriptFlush(),
    ]
  },
  'databases, names, RESET and QUIT': async (open) => {
    const [redis, other] = [await open(), await open()]
    const told: unknown[] = [await redis.clientSetName('me'), await redis.clientGetName(), await other.clientGetName()]
    await redis.select(4)
    told.push(await redis.set('k', 'four'), await other.get('k'), await failing(redis.select(99)), await redis.get('k'))
    told.push(await redis.move('k', 0), await other.get('k'), await failing(redis.auth({ password: 'x' })))
    await redis.close()
    return told
  },
  'large and binary values': async (open) => {
    const redis = (await open()).withTypeMapping(buffers)
    const told: unknown[] = []
    for (const size of [0, 65_537, 1024 * 1024, 64 * 1024 * 1024]) {
      const value = Buffer.alloc(size, randomBytes(1021))
      await redis.set('large', value)
      const back = await redis.get('large')
      told.push([size, back !== null && value.equals(back), await redis.strLen('large')])
    }
    const key = Buffer.from([0, 13, 10, 255, 36, 42])
    told.push(await redis.set(key, key), (await redis.get(key))?.equals(key))
    return told
  },
  scans: async (open) => {
    const redis = await open()
    await Promise.all(Array.from({ length: 300 }, (_, i) => redis.set(`scan:${i}`, i)))
    const keys: string[] = []
    for await (const batch of redis.scanIterator({ MATCH: 'scan:*', COUNT: 50 })) keys.push(...batch)
    return [new Set(keys).size, await redis.dbSize()]
  },
  errors: async (open) => {
    const redis = await open()
    return [
      await redis.set('k', 'v'),
      await failing(redis.lPush('k', 'x')),
      await failing(redis.sendCommand(['NOPE', 'a'])),
      await failing(redis.sendCommand(['JSON.GET', 'k'])),
      await failing(redis.sendCommand(['GET'])),
      await redis.get('k'),
    ]
  },
  'questions to the server': async (open) => {
    const redis = await open()
    return [
      /redis_version:\S+/.exec(await redis.info('server'))?.[0],
      await redis.configGet('maxmemory'),
      await redis.configSet('maxmemory-samples', '5'),
      await redis.wait(0, 0),
      await redis.commandCount(),
      await redis.aclWhoAmI(),
      await redis.pubSubNumPat(),
      await redis.hello(),
    ].map((value) => (typeof value === 'object' && value !== null && 'id' in value ? { ...value, id: 0 } : value))
  },
}

for (const RESP of [2, 3] as const) test(`node-redis, RESP${RESP}`, (t) => runCases(t, library(RESP), CASES))

/** A client whose reads are kept beside it and thrown away when the server says so. */
async function openCaching(port: number) {
  const client = createClient({
    RESP: 3,
    clientSideCache: { ttl: 0, maxEntries: 0, evictPolicy: 'LRU' },
    socket: { port, host: '127.0.0.1', reconnectStrategy: false },
  })
  await client.connect()
  return client
}

test('node-redis with a cache of its own', (t) =>
  runCases(
    t,
    { open: openCaching, close: async (client) => client.destroy(), flush: (client) => client.flushAll() },
    {
      'what another client changed is read anew': async (open) => {
        const [redis, other] = [await open(), await open()]
        const told: unknown[] = []
        for (let round = 0; round < 20; round++) {
          await other.set('k', round)
          // The invalidation comes by itself: soon, not at once.
          let value: string | null = null
          for (let tries = 0; tries < 1000 && value !== `${round}`; tries++) {
            value = await redis.get('k')
            await turn()
          }
          told.push(value, await redis.get('k'))
        }
        return told
      },
    },
  ))
