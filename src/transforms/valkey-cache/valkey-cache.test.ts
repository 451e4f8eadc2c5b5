import assert from 'node:assert/strict'
import { test } from 'node:test'
import { encodeBody, plain } from '../../protocols/cassandra/body/body.ts'
import { NO_PARAMETERS, type Request } from '../../protocols/cassandra/body/requests.ts'
import type { Response } from '../../protocols/cassandra/body/responses.ts'
import { USES_KEYSPACE } from '../../protocols/cassandra/envelope.ts'
import { CachePlay, errorOf, rows, TIMEOUT_MS, VOID } from '../../../test/cache-play.ts'
import { valkeyCache } from './valkey-cache.ts'

const READ = 'SELECT v FROM ks.t WHERE k = 1'
const WRITE = 'UPDATE ks.t SET v = 2 WHERE k = 1'
const PLACE = 'ks.t:00000001'

/** A read that Cassandra answers with `value`, which is kept. */
async function keep(one: CachePlay, value: number): Promise<void> {
  await one.send(READ)
  await one.valkey()
  assert.deepEqual(one.asked(), [READ])
  await one.cassandra(rows(value))
  assert.deepEqual(one.replies(), [[1, String(value)]])
  await one.valkey()
}

/** Nobody asks Cassandra. */
async function expectHit(one: CachePlay, value: number): Promise<void> {
  await one.send(READ, 5)
  await one.valkey()
  assert.deepEqual(one.asked(), [])
  assert.deepEqual(one.replies(), [[5, String(value)]])
}

async function expectMiss(one: CachePlay, value: number): Promise<void> {
  await one.send(READ, 6)
  await one.valkey()
  assert.deepEqual(one.asked(), [READ])
  await one.cassandra(rows(value))
  assert.deepEqual(one.replies(), [[6, String(value)]])
  await one.valkey()
}

test('a read is kept, and answered from there on the stream of who asks', async () => {
  const one = await CachePlay.ready()
  await one.send(READ)
  assert.deepEqual(one.asked(), [], 'it is looked for first')
  assert.deepEqual(await one.valkey(), ['HMGET ks.t token', `HMGET ${PLACE} token`, 'HSETNX ks.t token', `HSETNX ${PLACE} token`].map((words, i) => (i < 2 ? words : words + tokenOf(one, words)))) // prettier-ignore
  assert.deepEqual(one.asked(), [READ])
  await one.cassandra(rows(7))
  assert.deepEqual(one.replies(), [[1, '7']], 'nobody waits until it is kept')
  assert.deepEqual(await one.valkey(), ['EXISTS ks.t:ttl', `EXISTS ${PLACE}:ttl`, `HSET ${PLACE}`])
  await expectHit(one, 7)
  assert.equal(one.count('shotover_cache_hit_count'), 1)
  assert.equal(one.count('shotover_cache_miss_count'), 1)
})

function tokenOf(one: CachePlay, words: string): string {
  const token = one.hashes.keys.get(words.split(' ')[1]!)!.get('token')!.toString()
  return ` ${token}`
}

test('the reply to a write waits until what was kept is gone', async () => {
  const one = await CachePlay.ready()
  await keep(one, 7)
  await one.send(WRITE)
  assert.deepEqual(one.asked(), [WRITE], 'the write itself waits for nothing')
  assert.deepEqual(await one.valkey(), [`HSET ${PLACE} token !`, `PEXPIRE ${PLACE} 60000`])
  await one.cassandra(VOID)
  assert.deepEqual(one.replies(), [])
  assert.deepEqual(await one.valkey(), [`DEL ${PLACE}`])
  assert.deepEqual(one.replies(), [[1, 'void']])
  await expectMiss(one, 8)
  await expectHit(one, 8)
})

test('while a write is under way nothing is given, and nothing kept', async () => {
  const one = await CachePlay.ready()
  await keep(one, 7)
  await one.send(WRITE)
  await one.valkey()
  one.asked()
  await one.send(READ, 2)
  assert.deepEqual(await one.valkey(), ['HMGET ks.t token', `HMGET ${PLACE} token`])
  assert.deepEqual(one.asked(), [READ])
})

test('what a read brings that was under way while somebody wrote is worth nothing', async () => {
  const one = await CachePlay.ready()
  await one.send(READ)
  await one.valkey()
  const [read] = one.play.open
  await one.send(WRITE, 2)
  await one.valkey()
  const write = one.play.open[1]!
  await one.play.answerTo([write, encodeBody(plain(4, VOID), 0).toBuffer()])
  await one.valkey()
  assert.deepEqual(one.replies(), [[2, 'void']])
  await one.play.answerTo([read!, encodeBody(plain(4, rows(7)), 0).toBuffer()])
  assert.deepEqual(one.replies(), [[1, '7']])
  assert.ok((await one.valkey()).includes(`HSET ${PLACE}`), 'it is put there')
  one.asked()
  await expectMiss(one, 8)
})

const OUTCOMES: readonly (readonly [reply: Response, commands: readonly string[]])[] = [
  [errorOf(0x1100), [`HSET ${PLACE} token !`, `PEXPIRE ${PLACE} 60000`]],
  [errorOf(0x0000), [`HSET ${PLACE} token !`, `PEXPIRE ${PLACE} 60000`]],
  [errorOf(0x1000), [`HSET ${PLACE} token !`, `PEXPIRE ${PLACE} 60000`]],
  [errorOf(0x2200), [`DEL ${PLACE}`]],
  [rows(0), [`DEL ${PLACE}`]],
]
for (const [reply, commands] of OUTCOMES)
  test(`what becomes of a partition after a write was answered ${JSON.stringify(reply).slice(0, 30)}`, async () => {
    const one = await CachePlay.ready()
    await one.send(WRITE)
    await one.valkey()
    await one.cassandra(reply)
    assert.deepEqual(await one.valkey(), commands)
    assert.equal(one.replies().length, 1)
  })

test('a client that leaves while it writes keeps the partition out of the cache', async () => {
  const one = await CachePlay.ready()
  await one.send(WRITE)
  await one.valkey()
  await one.play.leave()
  assert.deepEqual(await one.valkey(), [`HSET ${PLACE} token !`, `PEXPIRE ${PLACE} 60000`])
})

test('what is refused and may have been anything takes nothing out of the cache', async () => {
  const one = await CachePlay.ready()
  await keep(one, 7)
  await one.send('SELEC nonsense')
  await one.cassandra(errorOf(0x2000))
  assert.deepEqual(one.replies(), [[1, 'error 2000']])
  assert.deepEqual(await one.valkey(), [])
  await one.send('SOMETHING NEW')
  await one.cassandra(VOID)
  assert.deepEqual(await one.valkey(), ['DEL ks.t'])
})

test('errors are not kept', async () => {
  const one = await CachePlay.ready()
  await one.send(READ)
  await one.valkey()
  await one.cassandra(errorOf(0x1200))
  assert.deepEqual(await one.valkey(), [])
})

test('rows that will expire keep their partition out of the cache', async () => {
  const one = await CachePlay.ready()
  await one.send('INSERT INTO ks.t (k, v) VALUES (1, 2) USING TTL 10')
  await one.valkey()
  await one.cassandra(VOID)
  assert.deepEqual(await one.valkey(), [
    `SET ${PLACE}:ttl  PX 15000 NX`,
    `PEXPIRE ${PLACE}:ttl 15000 GT`,
    `DEL ${PLACE}`,
  ])
  one.asked()
  one.replies()
  await expectMiss(one, 2)
  await expectMiss(one, 2)
})

test('with ttl_ms a partition lives so long from its first reply on', async () => {
  const one = await CachePlay.ready({ ttl_ms: 500 })
  await one.send(READ)
  const lookup = await one.valkey()
  assert.equal(lookup.at(-1), `PEXPIRE ${PLACE} 500 NX`)
  await one.cassandra(rows(1))
  assert.equal((await one.valkey()).at(-1), `PEXPIRE ${PLACE} 500 NX`)
})

test('a Valkey that is silent costs one request its time, and the others nothing, until it answers', async () => {
  const one = await CachePlay.ready()
  await one.send(READ)
  await one.play.advance(TIMEOUT_MS - 5)
  assert.deepEqual(one.asked(), [])
  await one.play.advance(10)
  assert.deepEqual(one.asked(), [READ])
  await one.send(READ, 2)
  assert.deepEqual(one.asked(), [READ])
  assert.equal(one.count('shotover_cache_bypass_count'), 1)
  assert.equal(one.count('shotover_cache_failures_count{operation="lookup"}'), 1)
  assert.match(one.play.logged.join('\n'), /warn: Cache error: no reply in time/)
  await one.play.advance(20)
  assert.deepEqual((await one.valkey()).at(-1), 'EXISTS :probe')
  await one.send(READ, 3)
  assert.deepEqual(one.asked(), [], 'it is looked for again')
})

test('a write that Valkey does not take is answered in time, and nothing is given until Valkey has taken it', async () => {
  const one = await CachePlay.ready()
  await keep(one, 7)
  await one.send(WRITE)
  await one.cassandra(VOID)
  assert.deepEqual(one.replies(), [])
  await one.play.advance(TIMEOUT_MS + 5)
  assert.deepEqual(one.replies(), [[1, 'void']])
  assert.equal(one.count('shotover_cache_failures_count{operation="invalidation"}'), 1)
  one.asked()
  await one.send(READ, 2)
  assert.deepEqual(one.asked(), [READ])
  await one.play.advance(1000)
  assert.ok((await one.valkey()).includes(`DEL ${PLACE}`))
  await one.cassandra(rows(8))
  assert.deepEqual(one.replies(), [[2, '8']])
  await expectMiss(one, 8)
  await expectHit(one, 8)
})

test('a Valkey that answers with errors is none', async () => {
  const one = await CachePlay.ready()
  await one.send(READ)
  const server = one.play.within('chain')
  await server.answer('-LOADING\r\n', '-LOADING\r\n')
  assert.deepEqual(one.asked(), [READ])
})

test('what nobody saw prepared is to be prepared again; then it is kept as any other', async () => {
  const one = await CachePlay.ready()
  const id = Buffer.from('an id')
  const execute: Request = { type: 'execute', id, metadataId: null, parameters: { ...NO_PARAMETERS, values: [Buffer.from([0, 0, 0, 1])] } } // prettier-ignore
  await one.send(execute)
  assert.deepEqual(one.replies(), [[1, 'error 2500']])
  await one.send({ type: 'prepare', text: 'SELECT v FROM ks.t WHERE k = ?', keyspace: null })
  const metadata = { isGlobal: false, pagingState: null, newId: null, columns: [], columnCount: 0 }
  await one.cassandra({ type: 'prepared', id, metadataId: null, bound: metadata, keyIndices: [], result: metadata })
  one.asked()
  one.replies()
  await one.send(execute)
  await one.valkey()
  assert.deepEqual(one.asked(), ['execute'])
  await one.cassandra(rows(4))
  await one.valkey()
  await one.send(execute, 3)
  await one.valkey()
  assert.deepEqual(one.asked(), [])
  assert.deepEqual(one.replies(), [[1, '4'], [3, '4']]) // prettier-ignore
})

test('USE waits for reads before it, and what comes behind it for USE', async () => {
  const one = await CachePlay.ready()
  await one.send(READ, 1)
  await one.send('USE ks', 2)
  await one.send('SELECT v FROM t WHERE k = 1', 3)
  assert.deepEqual(one.asked(), [])
  await one.valkey()
  assert.deepEqual(one.asked(), [READ, 'USE ks', 'SELECT v FROM t WHERE k = 1'])
})

test('a keyspace that was chosen counts from the reply on, and outlives a new version of the transform', async () => {
  const one = await CachePlay.ready()
  await one.send('USE ks')
  await one.send('UPDATE t SET v = 2 WHERE k = 1', 2)
  // Which keyspace it will be is not known yet.
  assert.deepEqual(await one.valkey(), ['HSET ks.t:00000001 token !', 'PEXPIRE ks.t:00000001 60000'])
  // As the sink does.
  one.play.open[0]!.exchange.request.code |= USES_KEYSPACE
  await one.cassandra({ type: 'set-keyspace', keyspace: 'ks' })
  await one.cassandra(VOID)
  await one.valkey()
  assert.deepEqual(one.replies(), [[1, 'set-keyspace'], [2, 'void']]) // prettier-ignore
  await one.play.reload(valkeyCache, { caching_schema: { 'ks.t': { partition_key: ['k'], range_key: [] }, 'other.t': { partition_key: ['k'], range_key: [] } }, chain: [] }) // prettier-ignore
  await one.play.advance(20)
  await one.valkey()
  one.asked()
  await one.send('UPDATE t SET v = 2 WHERE k = 1')
  assert.deepEqual(
    (await one.valkey()).filter((words) => words.startsWith('HSET')),
    ['HSET ks.t token !'],
  )
})

test('before a client is let in nothing is answered in the place of the server', async () => {
  const one = await CachePlay.ready()
  await keep(one, 7)
  const other = new CachePlay(one.play.connect())
  await other.send(READ)
  assert.deepEqual(other.asked(), [READ])
})

const TABLES: readonly (readonly [
  what: string,
  learn: readonly [number, string, boolean],
  logged: RegExp | null,
  isLooked: boolean,
])[] = [
  ['a table whose rows expire', [60, 'k', true], /nothing of ks\.t is cached: its rows expire/, false],
  ['a view', [0, 'k', false], /nothing of ks\.t is cached: the server has no table/, false],
  ['a table with another key', [0, 'id', true], /caching_schema says that the key of ks\.t is \(k\), \(\); the server's \(id\), \(\) is used/, false], // prettier-ignore
  ['a table as it was told', [0, 'k', true], null, true],
]
for (const [what, [ttl, key, isTable], logged, isLooked] of TABLES)
  test(`${what} is ${isLooked ? '' : 'not '}cached by k`, async () => {
    const one = CachePlay.over()
    await one.start()
    await one.play.advance(20)
    await one.valkey()
    await one.learn(ttl, key, isTable)
    if (logged === null) assert.deepEqual(one.play.logged, [])
    else assert.match(one.play.logged.join('\n'), logged)
    await one.send(READ)
    assert.deepEqual(one.asked(), isLooked ? [] : [READ])
    await one.send(WRITE, 2)
    assert.ok(
      (await one.valkey()).some((words) => words.startsWith('HSET ks.t')),
      'a write takes out what others may have kept',
    )
  })

test('nothing is looked for before the table is known, and a server that does not tell is asked again later', async () => {
  const one = CachePlay.over()
  await one.start()
  await one.play.advance(20)
  await one.valkey()
  await one.send(READ)
  assert.equal(one.asked().length, 3)
  for (const reply of [errorOf(0x2200), errorOf(0x2200), rows(1)]) await one.cassandra(reply)
  await one.send(READ)
  assert.deepEqual(one.asked(), [READ])
  await one.play.advance(1100)
  await one.send(READ, 2)
  assert.equal(one.asked().length, 3)
})

test('when the topology ends its chain to Valkey does too', async () => {
  const one = await CachePlay.ready()
  await one.play.leave()
  await one.play.close()
  assert.equal(one.play.lingering, 0)
})
