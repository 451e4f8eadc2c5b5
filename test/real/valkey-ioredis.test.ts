import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { test } from 'node:test'
import { Redis } from 'ioredis'
import { failing, runCases, type Cases, type Library } from './client-cases.ts'

// ioredis, RESP2 and RESP3, directly and through the proxy: the same results.

const library = (protocol: 2 | 3): Library<Redis> => ({
  async open(port) {
    const client = new Redis({ port, host: '127.0.0.1', protocol, retryStrategy: () => null, lazyConnect: true })
    await client.connect()
    return client
  },
  close: async (client) => client.disconnect(),
  flush: (client) => client.flushall(),
})

const message = async (client: Redis, event: string) => (await once(client, event)).map(String)

const CASES: Cases<Redis> = {
  strings: async (open) => {
    const redis = await open()
    return [
      await redis.set('k', 'v'),
      await redis.get('k'),
      await redis.set('k', 'w', 'EX', 100, 'NX'),
      await redis.mset({ a: '1', b: '2' }),
      await redis.mget('a', 'nothing', 'b'),
      await redis.incrby('a', 41),
      await redis.append('k', 'x'),
      await redis.getrange('k', 0, 0),
      await redis.setrange('k', 3, 'y'),
      await redis.incrbyfloat('f', 1.5),
      await redis.ttl('k'),
      await redis.getdel('k'),
      await redis.exists('k', 'a'),
      await redis.get('nothing'),
    ]
  },
  'hashes, lists, sets, sorted sets': async (open) => {
    const redis = await open()
    return [
      await redis.hset('h', { a: 1, b: 'two' }),
      await redis.hgetall('h'),
      await redis.hgetall('nothing'),
      await redis.hmget('h', 'a', 'x'),
      await redis.hincrby('h', 'a', 2),
      await redis.rpush('l', 'a', 'b', 'c'),
      await redis.lrange('l', 0, -1),
      await redis.lpop('l', 2),
      await redis.lpos('l', 'c'),
      await redis.sadd('s', 'a', 'b'),
      (await redis.smembers('s')).sort(),
      await redis.sismember('s', 'a'),
      await redis.smismember('s', 'a', 'x'),
      await redis.zadd('z', 1, 'a', 2.5, 'b'),
      await redis.zrange('z', '0', '-1', 'WITHSCORES'),
      await redis.zscore('z', 'b'),
      await redis.zpopmin('z'),
      await redis.zrank('z', 'nothing'),
    ]
  },
  'streams, bits, geo, hyperloglog': async (open) => {
    const redis = await open()
    return [
      await redis.xadd('x', '1-1', 'f', 'v'),
      await redis.xrange('x', '-', '+'),
      await redis.xread('COUNT', 1, 'STREAMS', 'x', '0'),
      await redis.xread('BLOCK', 1, 'STREAMS', 'x', '$'),
      await redis.xgroup('CREATE', 'x', 'g', '0'),
      await redis.xreadgroup('GROUP', 'g', 'c', 'COUNT', 1, 'STREAMS', 'x', '>'),
      await redis.setbit('bits', 7, 1),
      await redis.bitcount('bits'),
      await redis.bitfield('bits', 'GET', 'u8', '0'),
      await redis.geoadd('g', 13.361389, 38.115556, 'Palermo'),
      await redis.geopos('g', 'Palermo', 'nothing'),
      await redis.pfadd('p', 'a', 'b'),
      await redis.pfcount('p'),
    ]
  },
  pipelines: async (open) => {
    const redis = await open()
    const pipeline = redis.pipeline()
    for (let i = 0; i < 1000; i++) pipeline.set(`k${i}`, i).get(`k${i}`)
    const many = await pipeline.exec()
    const mixed = await redis.pipeline().set('s', 'v').lpush('s', 'x').get('s').exec()
    const at = await Promise.all(Array.from({ length: 200 }, (_, i) => redis.get(`k${i}`)))
    return [many, mixed?.map(([error, value]) => [error?.message, value]), at]
  },
  transactions: async (open) => {
    const [redis, other] = [await open(), await open()]
    const first = await redis.multi().set('k', 1).incr('k').get('k').exec()
    await redis.watch('k')
    await other.set('k', 10)
    const conflict = await redis.multi().set('k', 2).exec()
    const error = await redis.multi().set('s', 'x').incr('s').exec()
    const stepwise = [
      await redis.multi({ pipeline: false }),
      await redis.set('k', 'v'),
      await redis.get('k'),
      await redis.exec(),
    ]
    const discarded = [await redis.multi({ pipeline: false }), await redis.set('k', 'w'), await redis.discard()]
    const aborted = await failing(redis.multi().call('nope').exec() as Promise<unknown>)
    const shown = error?.map(([one, value]) => [one?.message, value])
    return [first, conflict, shown, stepwise, discarded, aborted, await other.get('k')]
  },
  'blocking commands': async (open) => {
    const [redis, other] = [await open(), await open()]
    const waits = redis.blpop('q', 0)
    await other.ping()
    await other.rpush('q', 'x')
    const served = await waits
    const timedOut = await redis.blpop('q', 0.01)
    const move = redis.blmove('s', 't', 'LEFT', 'RIGHT', 0)
    await other.rpush('s', 'y')
    const zpop = redis.bzpopmin('z', 0)
    await other.zadd('z', 3, 'm')
    return [served, timedOut, await move, await zpop, await other.lrange('t', 0, -1)]
  },
  'publish and subscribe': async (open) => {
    const [subscriber, publisher] = [await open(), await open()]
    const told: unknown[] = [await subscriber.subscribe('c', 'd'), await subscriber.psubscribe('p*')]
    for (const [event, channel] of [
      ['message', 'c'],
      ['pmessage', 'pp'],
      ['message', 'd'],
    ] as const) {
      const heard = message(subscriber, event)
      told.push(await publisher.publish(channel, `to ${channel}`), await heard)
    }
    told.push(await subscriber.unsubscribe('c'), await subscriber.unsubscribe('d'), await subscriber.punsubscribe('p*'))
    told.push(await publisher.publish('c', 'nobody'), await subscriber.set('k', 'v'), await subscriber.get('k'))
    told.push(await subscriber.ssubscribe('shard'))
    const shard = message(subscriber, 'smessage')
    told.push(await publisher.spublish('shard', 'x'), await shard, await subscriber.sunsubscribe('shard'))
    return told
  },
  monitor: async (open) => {
    const [redis, other] = [await open(), await open()]
    const monitor = await redis.monitor()
    const seen = new Promise<unknown>((resolve) => {
      monitor.on('monitor', (_time: string, args: string[], _source: string, database: string) => {
        if (args[1] === 'seen') resolve([args, database])
      })
    })
    await other.set('seen', 'x')
    const result = await seen
    monitor.disconnect()
    return result
  },
  'scripts and functions': async (open) => {
    const redis = await open()
    redis.defineCommand('twice', { numberOfKeys: 1, lua: 'return {KEYS[1], ARGV[1] * 2}' })
    const twice = redis as unknown as { twice(key: string, value: number): Promise<unknown> }
    const sha = (await redis.script('LOAD', 'return redis.call("incr", KEYS[1])')) as string
    return [
      await twice.twice('k', 21),
      await twice.twice('k', 4),
      await redis.evalsha(sha, 1, 'n'),
      await redis.eval('return {1, "two", {3, false}}', 0),
      await failing(redis.eval('return redis.call("nope")', 0)),
      await failing(redis.evalsha('0'.repeat(40), 0)),
      await redis.call(
        'FUNCTION',
        'LOAD',
        "#!lua name=lib\nredis.register_function('f', function(k, a) return a[1] end)",
      ),
      await redis.call('FCALL', 'f', '0', 'x'),
      await redis.call('FUNCTION', 'FLUSH'),
    ]
  },
  'databases and names': async (open) => {
    const [redis, other] = [await open(), await open()]
    return [
      await redis.select(3),
      await redis.set('k', 'three'),
      await other.get('k'),
      await redis.client('SETNAME', 'me'),
      await redis.client('GETNAME'),
      await other.client('GETNAME'),
      await failing(redis.select(99)),
      await redis.get('k'),
      await redis.swapdb(0, 3),
      await other.get('k'),
    ]
  },
  'large and binary values': async (open) => {
    const redis = await open()
    const results: unknown[] = []
    for (const size of [0, 1, 65_536, 1024 * 1024, 16 * 1024 * 1024]) {
      const value = Buffer.alloc(size, randomBytes(1021))
      await redis.set('large', value)
      const back = await redis.getBuffer('large')
      results.push([size, back?.equals(value), await redis.strlen('large')])
    }
    const key = Buffer.from([0, 13, 10, 255, 36, 42])
    results.push(await redis.set(key, key), await redis.getBuffer(key), await redis.keys('*').then((all) => all.length))
    return results
  },
  scans: async (open) => {
    const redis = await open()
    for (let i = 0; i < 300; i++) void redis.set(`scan:${i}`, i)
    const keys: string[] = []
    for await (const batch of redis.scanStream({ match: 'scan:*', count: 50 })) keys.push(...(batch as string[]))
    await redis.hset('h', Object.fromEntries(Array.from({ length: 200 }, (_, i) => [`f${i}`, i])))
    const [cursor, fields] = await redis.hscan('h', 0, 'COUNT', 10)
    return [new Set(keys).size, typeof cursor, fields.length > 0, await redis.dbsize()]
  },
  errors: async (open) => {
    const redis = await open()
    await redis.set('k', 'v')
    return [
      await failing(redis.lpush('k', 'x')),
      await failing(redis.incr('k')),
      await failing(redis.call('NOPE', 'a') as Promise<unknown>),
      await failing(redis.call('JSON.GET', 'k') as Promise<unknown>),
      await failing(redis.call('GET') as Promise<unknown>),
      await failing(redis.auth('nobody', 'nothing')),
      await redis.get('k'),
    ]
  },
  'questions to the server': async (open) => {
    const redis = await open()
    const info = await redis.info('server')
    return [
      /redis_version:\S+/.exec(info)?.[0],
      await redis.config('GET', 'maxmemory'),
      await redis.config('SET', 'maxmemory-samples', '5'),
      await redis.object('ENCODING', 'nothing'),
      await redis.wait(0, 0),
      (await redis.time()).length,
      await redis.command('COUNT'),
      await redis.memory('USAGE', 'nothing'),
      await redis.role().then((role) => role[0]),
      await redis.lolwut('VERSION', 9 as never).then((art: unknown) => typeof art),
    ]
  },
  'QUIT and RESET': async (open) => {
    const [redis, other] = [await open(), await open()]
    await other.select(2)
    const reset = await other.call('RESET')
    const ended = once(redis, 'end')
    const quit = await redis.quit()
    await ended
    return [reset, quit, redis.status]
  },
}

for (const protocol of [2, 3] as const) test(`ioredis, RESP${protocol}`, (t) => runCases(t, library(protocol), CASES))
