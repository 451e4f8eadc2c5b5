import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import { Client, types, type QueryOptions } from 'cassandra-driver'
import { tellCases } from './cases.ts'

// What the driver for Node reads where replies are kept in a Valkey: `cached.ts PORT OTHER-PORT SERVER-PORT METRICS-PORT VALKEY-PORT`. The
// first two are proxies that share the Valkey.

const [port, otherPort, serverPort, metricsPort, valkeyPort] = process.argv.slice(2).map(Number)

function clientOf(at: number, options: { readonly keyspace?: string; readonly maxVersion?: number } = {}): Client {
  const { keyspace, maxVersion } = options
  return new Client({
    contactPoints: ['127.0.0.1'],
    localDataCenter: 'datacenter1',
    protocolOptions: { port: at, ...(maxVersion === undefined ? {} : { maxVersion }) },
    // So that statements are executed on other threads of the proxy than they were prepared on.
    pooling: { coreConnectionsPerHost: { [types.distance.local]: 4 } },
    ...(keyspace === undefined ? {} : { keyspace }),
  })
}

const direct = clientOf(serverPort!)
const client = clientOf(port!)
const other = clientOf(otherPort!)
const PREPARED: QueryOptions = { prepare: true }

async function metric(name: string): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text()
  return Number(new RegExp(`^${name} (\\d+)`, 'm').exec(text)?.[1] ?? NaN)
}

/** Reads until the reply comes from the cache: what is kept is put there behind the client's back. */
async function warm(query: string, params: unknown[], options: QueryOptions = PREPARED): Promise<types.ResultSet> {
  const before = await metric('shotover_cache_hit_count')
  for (let i = 0; i < 200; i++) {
    const result = await client.execute(query, params, options)
    if ((await metric('shotover_cache_hit_count')) > before) return result
  }
  throw new Error(`${query} was never answered from the cache`)
}

const READ = 'SELECT * FROM cached.t WHERE k = ?'
const shown = ({ rows }: types.ResultSet) => JSON.stringify(rows)

/** Statements that change what `READ` brings for k = 1, each from what the ones before left. */
const WRITES: readonly (readonly [text: string, params: unknown[], options?: QueryOptions])[] = [
  ["INSERT INTO cached.t (k, c, v) VALUES (1, 1, 'a')", []],
  ['INSERT INTO cached.t (k, c, v) VALUES (?, ?, ?)', [1, 2, 'b'], PREPARED],
  ["UPDATE cached.t SET v = 'c' WHERE k = 1 AND c = 1", []],
  ['UPDATE cached.t SET v = ? WHERE k = ? AND c = ?', ['d', 1, 2], PREPARED],
  ["UPDATE cached.t SET s = 'static' WHERE k = 1", []],
  ["UPDATE cached.t SET v = 'e' WHERE k IN (1, 2) AND c = 1", []],
  ["INSERT INTO cached.t (k, c, v) VALUES (1, 3, 'f') IF NOT EXISTS", []],
  ["UPDATE cached.t SET v = 'g' WHERE k = 1 AND c = 3 IF v = 'f'", []],
  ['UPDATE cached.t SET v = ? WHERE k = ? AND c = ? IF EXISTS', ['h', 1, 3], PREPARED],
  ['INSERT INTO cached.t JSON ?', ['{"k": 1, "c": 4, "v": "i"}'], PREPARED],
  ["BEGIN BATCH INSERT INTO cached.t (k, c, v) VALUES (2, 1, 'x'); UPDATE cached.t SET v = 'j' WHERE k = 1 AND c = 1; APPLY BATCH", []], // prettier-ignore
  ['DELETE v FROM cached.t WHERE k = 1 AND c = 4', []],
  ['DELETE FROM cached.t WHERE k = ? AND c = ?', [1, 4], PREPARED],
  ['DELETE FROM cached.t WHERE k = 1 AND c > 2', []],
  ['DELETE FROM cached.t WHERE k = 1', []],
  ["INSERT INTO cached.t (k, c, v) VALUES (1, 9, 'k')", []],
  ['TRUNCATE cached.t', []],
  ["INSERT INTO cached.t (k, c, v) VALUES (1, 9, 'l')", []],
  ['ALTER TABLE cached.t ADD extra int', []],
  ['UPDATE cached.t SET extra = 5 WHERE k = 1 AND c = 9', []],
  ['ALTER TABLE cached.t DROP extra', []],
]

/** Keys of each type, as a literal and as the driver is given it. */
const KEYS: readonly (readonly [type: string, literal: string, value: unknown])[] = [
  ['bigint', '-9007199254740993', types.Long.fromString('-9007199254740993')],
  ['blob', '0xCAFE', Buffer.from('cafe', 'hex')],
  ['boolean', 'True', true],
  ['date', "'2020-02-29'", types.LocalDate.fromString('2020-02-29')],
  ['decimal', '1.50', types.BigDecimal.fromString('1.50')],
  ['double', '0.1', 0.1],
  ['float', '1.5', 1.5],
  ['frozen<list<int>>', '[1, 2]', [1, 2]],
  ['frozen<tuple<int, text>>', "(1, 'a')", new types.Tuple(1, 'a')],
  ['inet', "'192.168.0.1'", types.InetAddress.fromString('192.168.0.1')],
  ['int', '-5', -5],
  ['smallint', '300', 300],
  ['text', "'it''s'", "it's"],
  ['time', "'08:12:54.123456789'", types.LocalTime.fromString('08:12:54.123456789')],
  ['timestamp', "'2020-02-29T12:00:00.500Z'", new Date('2020-02-29T12:00:00.500Z')],
  ['timeuuid', '50554d6e-29bb-11e5-b345-feff819cdc9f', types.TimeUuid.fromString('50554d6e-29bb-11e5-b345-feff819cdc9f')], // prettier-ignore
  ['tinyint', '-3', -3],
  ['uuid', '5B6962DD-3F90-4C93-8F61-EABFA4A803E2', types.Uuid.fromString('5b6962dd-3f90-4c93-8f61-eabfa4a803e2')],
  ['varint', '123456789012345678901234567890', types.Integer.fromString('123456789012345678901234567890')],
]

const CASES: Record<string, () => Promise<void>> = {
  async 'what is kept is given'() {
    await client.execute("INSERT INTO cached.t (k, c, v) VALUES (1, 1, 'old')")
    await warm(READ, [1])
    await direct.execute("UPDATE cached.t SET v = 'new' WHERE k = 1 AND c = 1")
    assert.equal((await client.execute(READ, [1], PREPARED)).first().get('v'), 'old', 'nobody told the cache')
    assert.equal((await other.execute(READ, [1], PREPARED)).rows.length, 1)
    await client.execute('TRUNCATE cached.t')
  },
  async 'every way to change rows is seen by all at once'() {
    for (const [text, params, options = {}] of WRITES) {
      for (const by of [client, other]) {
        await warm(READ, [1])
        await warm('SELECT * FROM cached.t WHERE k = 1', [], {})
        await by.execute(text, params, options)
        const expected = shown(await direct.execute(READ, [1], PREPARED))
        for (const reader of [client, other]) {
          // A driver learns of columns that come and go when it prepares anew: as text they are there at once.
          const found = shown(await reader.execute('SELECT * FROM cached.t WHERE k = 1'))
          assert.equal(found, expected, text)
          if (!text.startsWith('ALTER')) assert.equal(shown(await reader.execute(READ, [1], PREPARED)), expected, text)
        }
        if (text.startsWith('ALTER')) break
      }
    }
  },
  async batches() {
    const queries = [
      { query: 'INSERT INTO cached.t (k, c, v) VALUES (?, ?, ?)', params: [3, 1, 'one'] },
      { query: 'INSERT INTO cached.t (k, c, v) VALUES (?, ?, ?)', params: [3, 2, 'two'] },
    ]
    for (const prepare of [true, false])
      for (const logged of [true, false]) {
        await warm(READ, [3])
        const value = `${prepare} ${logged}`
        const changed = queries.map(({ query, params }) => ({ query, params: params.with(2, value) }))
        const hinted = { prepare, logged, hints: [['int', 'int', 'text'], ['int', 'int', 'text']] } // prettier-ignore
        await client.batch(changed, hinted)
        const rows = (await other.execute(READ, [3], PREPARED)).rows
        assert.deepEqual(rows.map((row) => row.get('v')), [value, value]) // prettier-ignore
      }
  },
  async counters() {
    const read = 'SELECT n FROM cached.counters WHERE k = ?'
    for (let n = 1; n <= 3; n++) {
      await client.execute('UPDATE cached.counters SET n = n + 1 WHERE k = 1')
      assert.equal(String((await warm(read, [1])).first().get('n')), String(n))
    }
    await client.batch([{ query: 'UPDATE cached.counters SET n = n - 1 WHERE k = 1' }], { counter: true })
    assert.equal(String((await other.execute(read, [1], PREPARED)).first().get('n')), '2')
  },
  async 'a row that expires is gone when it is'() {
    await client.execute("INSERT INTO cached.t (k, c, v) VALUES (5, 1, 'x') USING TTL 2")
    for (let i = 0; i < 5; i++) assert.equal((await client.execute(READ, [5], PREPARED)).rows.length, 1)
    const deadline = Date.now() + 10_000
    while ((await direct.execute(READ, [5], PREPARED)).rows.length === 1 && Date.now() < deadline) await wait(50)
    assert.equal((await client.execute(READ, [5], PREPARED)).rows.length, 0)
  },
  async pages() {
    for (let c = 0; c < 25; c++) await client.execute(`INSERT INTO cached.t (k, c, v) VALUES (6, ${c}, 'v')`)
    const paged = async () => {
      const found: number[] = []
      let pageState: string | undefined
      do {
        const page = await client.execute(READ, [6], { ...PREPARED, fetchSize: 10, ...(pageState === undefined ? {} : { pageState }) }) // prettier-ignore
        found.push(...page.rows.map((row) => row.get('c') as number))
        pageState = page.pageState
      } while (pageState)
      return found
    }
    const all = Array.from({ length: 25 }, (_, c) => c)
    for (let i = 0; i < 3; i++) assert.deepEqual(await paged(), all)
    await client.execute('DELETE FROM cached.t WHERE k = 6 AND c = 12')
    assert.deepEqual(await paged(), all.toSpliced(12, 1))
  },
  async 'keys of each type are the same as literals and as values'() {
    for (const [i, [type, literal, value]] of KEYS.entries()) {
      const table = `cached.key${i}`
      const read = `SELECT v FROM ${table} WHERE k = ?`
      await client.execute(`INSERT INTO ${table} (k, v) VALUES (${literal}, 1)`)
      assert.equal((await warm(read, [value])).first()?.get('v'), 1, type)
      await client.execute(`UPDATE ${table} SET v = 2 WHERE k = ${literal}`)
      assert.equal(
        (await client.execute(read, [value], PREPARED)).first().get('v'),
        2,
        `${type}, changed by its literal`,
      )
      await warm(`SELECT v FROM ${table} WHERE k = ${literal}`, [], {})
      await other.execute(`UPDATE ${table} SET v = 3 WHERE k = ?`, [value], PREPARED)
      const found = (await client.execute(`SELECT v FROM ${table} WHERE k = ${literal}`)).first().get('v')
      assert.equal(found, 3, `${type}, changed by its value`)
    }
  },
  async 'several columns, and names in quotes'() {
    const table = '"Cached"."T_x"'
    const read = `SELECT v FROM ${table} WHERE "K" = ? AND b = ?`
    await client.execute(`INSERT INTO ${table} ("K", b, v) VALUES ('a', 1, 1)`)
    await warm(read, ['a', 1])
    await client.execute(`UPDATE ${table} SET v = 2 WHERE b = 1 AND "K" = 'a'`)
    assert.equal((await client.execute(read, ['a', 1], PREPARED)).first().get('v'), 2)
    const there = clientOf(port!, { keyspace: 'Cached' })
    await there.execute('UPDATE "T_x" SET v = 3 WHERE b = ? AND "K" = ?', [1, 'a'], PREPARED)
    assert.equal((await client.execute(read, ['a', 1], PREPARED)).first().get('v'), 3)
    await there.shutdown()
  },
  async 'versions of the protocol'() {
    for (const maxVersion of [3, 4]) {
      const one = clientOf(port!, { maxVersion })
      for (let i = 0; i < 5; i++) assert.equal((await one.execute(READ, [3], PREPARED)).rows.length, 2)
      await one.shutdown()
    }
  },
  async 'a view is not kept'() {
    const read = 'SELECT k FROM cached.by_v WHERE v = 7'
    await client.execute('INSERT INTO cached.key10 (k, v) VALUES (70, 7)')
    const isThere = async (count: number) => {
      const deadline = Date.now() + 10_000
      while ((await direct.execute(read)).rows.length !== count && Date.now() < deadline) await wait(20)
      assert.equal((await client.execute(read)).rows.length, count)
    }
    await isThere(1)
    await client.execute('DELETE FROM cached.key10 WHERE k = 70')
    await isThere(0)
  },
  async 'readers and writers at once'() {
    await hammer(3000)
  },
  async 'a Valkey that says nothing for a while'() {
    await warm(READ, [1])
    const running = hammer(4000)
    await wait(500)
    await say('CLIENT PAUSE 1500 ALL')
    await running
    await warm(READ, [1])
  },
}

/** What clients read is never older than what they know to be written. */
async function hammer(ms: number): Promise<void> {
  const keys = [100, 101, 102]
  const known = new Map(keys.map((key) => [key, -1]))
  let next = 0
  const until = Date.now() + ms
  const reader = async (by: Client) => {
    while (Date.now() < until) {
      const key = keys[Math.floor(Math.random() * keys.length)]!
      const least = known.get(key)!
      const row = (await by.execute('SELECT v FROM cached.key10 WHERE k = ?', [key], PREPARED)).first()
      const found = row === null ? -1 : (row.get('v') as number)
      assert.ok(found >= least, `${found} was read of ${key} after ${least} was written`)
    }
  }
  // One writer for each key, so that numbers grow.
  const writer = async (by: Client, key: number) => {
    while (Date.now() < until) {
      const value = ++next
      await by.execute('UPDATE cached.key10 SET v = ? WHERE k = ?', [value, key], PREPARED)
      known.set(key, value)
      await wait(Math.random() * 20)
    }
  }
  for (const key of keys) await client.execute('DELETE FROM cached.key10 WHERE k = ?', [key], PREPARED)
  await Promise.all([...Array.from({ length: 8 }, () => reader(client)), ...keys.map((key) => writer(client, key))])
}

async function say(line: string): Promise<void> {
  const socket = connect(valkeyPort!, '127.0.0.1')
  socket.write(`${line}\r\n`)
  await new Promise((resolve) => socket.once('data', resolve))
  socket.destroy()
}

const REPLICATION = "replication = {'class': 'SimpleStrategy', 'replication_factor': 1}"
for (const keyspace of ['cached', '"Cached"']) {
  await direct.execute(`DROP KEYSPACE IF EXISTS ${keyspace}`)
  await direct.execute(`CREATE KEYSPACE ${keyspace} WITH ${REPLICATION}`)
}
await direct.execute('CREATE TABLE cached.t (k int, c int, v text, s text static, PRIMARY KEY (k, c))')
await direct.execute('CREATE TABLE cached.counters (k int PRIMARY KEY, n counter)')
await direct.execute('CREATE TABLE "Cached"."T_x" ("K" text, b int, v int, PRIMARY KEY (("K", b)))')
for (const [i, [type]] of KEYS.entries())
  await direct.execute(`CREATE TABLE cached.key${i} (k ${type} PRIMARY KEY, v int)`)
await direct.execute('CREATE MATERIALIZED VIEW cached.by_v AS SELECT * FROM cached.key10 WHERE v IS NOT NULL AND k IS NOT NULL PRIMARY KEY (v, k)') // prettier-ignore
await tellCases(CASES)
await Promise.all([direct.shutdown(), client.shutdown(), other.shutdown()])
