import assert from 'node:assert/strict'
import { Client, types, type ClientOptions, type QueryOptions } from 'cassandra-driver'
import { tellCases } from './cases.ts'

// What the driver for Node writes and reads where columns are protected: `protect.ts PORT SERVER-PORT NUMBER`, of the keyspace. Every way of writing, with versions 3
// and 4, which are those that it has; through the proxy a client reads what was written, directly it reads what can't be understood. See PROTECT of compare.ts.

const [port, serverPort, number] = process.argv.slice(2).map(Number)
const KEYSPACE = `protected${number}`
const HUSH = 'hush'
const SEALED = /^SHOTPV01/

function clientOf(at: number, options: Partial<ClientOptions> = {}, maxVersion?: number): Client {
  return new Client({
    contactPoints: ['127.0.0.1'],
    localDataCenter: 'datacenter1',
    protocolOptions: maxVersion === undefined ? { port: at } : { port: at, maxVersion },
    socketOptions: { readTimeout: 20_000 },
    ...options,
  })
}

const direct = clientOf(serverPort!)
const plain = clientOf(port!)

type Row = Record<string, unknown>

async function rows(client: Client, text: string, values: unknown = [], options: QueryOptions = {}): Promise<Row[]> {
  const result = await client.execute(text, values as never[], options)
  return (result.rows ?? []).map((row) => Object.fromEntries(row.keys().map((key) => [key, row.get(key) as unknown])))
}

async function refused(promise: Promise<unknown>, why: RegExp): Promise<void> {
  await assert.rejects(promise, (error: { code?: number; message: string }) => {
    assert.equal(error.code, types.responseErrorCodes.invalid, error.message)
    assert.match(error.message, why)
    return true
  })
}

const PREPARED = { prepare: true }
const TEXTS = ['int', 'text', 'blob', 'ascii', 'text', 'text']
const INSERT = `INSERT INTO ${KEYSPACE}.t (k, s, b, a, d, v) VALUES (?, ?, ?, ?, ?, ?)`
const values = (k: number) => [k, `${HUSH} жук ${k}`, Buffer.from(`${HUSH}${k}`), `${HUSH}'a${k}`, `${HUSH}-d`, 'plain']
const quoted = (text: string) => `'${text.replaceAll("'", "''")}'`
const literal = (k: number) => {
  const [, s, b, a, d, v] = values(k) as [number, string, Buffer, string, string, string]
  return `INSERT INTO ${KEYSPACE}.t (k, s, b, a, d, v) VALUES (${k}, ${quoted(s)}, 0x${b.toString('hex')}, ${quoted(a)}, ${quoted(d)}, ${quoted(v)})` // prettier-ignore
}

/** Every way of writing the row `k`. */
const WAYS: Record<string, (client: Client, k: number) => Promise<unknown>> = {
  'literals in a text': (client, k) => client.execute(literal(k)),
  'values bound to a text': (client, k) => client.execute(INSERT, values(k), { hints: TEXTS }),
  'named values bound to a text': (client, k) => {
    const [, s, b, a, d, v] = values(k)
    const text = `INSERT INTO ${KEYSPACE}.t (k, s, b, a, d, v) VALUES (:k, :s, :b, :a, :d, :v)`
    const hints = { k: 'int', s: 'text', b: 'blob', a: 'ascii', d: 'text', v: 'text' } as never
    return client.execute(text, { k, s, b, a, d, v }, { hints })
  },
  'a prepared statement': (client, k) => client.execute(INSERT, values(k), PREPARED),
  'a prepared statement with named values': (client, k) => {
    const [, s, b, a, d, v] = values(k)
    const text = `UPDATE ${KEYSPACE}.t SET s = :s, b = :b, a = :a, d = :d, v = :v WHERE k = :k`
    return client.execute(text, { k, s, b, a, d, v }, PREPARED)
  },
  'a prepared statement with a literal of a searchable column': (client, k) => {
    const [, s, b, a, , v] = values(k)
    const text = `UPDATE ${KEYSPACE}.t SET s = ?, b = ?, a = ?, d = '${HUSH}-d', v = ? WHERE k = ?`
    return client.execute(text, [s, b, a, v, k], PREPARED)
  },
  'a batch of texts': (client, k) =>
    client.batch([literal(k), { query: INSERT, params: values(k) }], { prepare: false, hints: [[], TEXTS] as never }),
  'a batch of prepared statements': (client, k) =>
    client.batch([{ query: INSERT, params: values(k) }, { query: `UPDATE ${KEYSPACE}.t SET v = ? WHERE k = ?`, params: ['plain', k] }], PREPARED), // prettier-ignore
  'a batch that is one text': (client, k) =>
    client.execute(`BEGIN BATCH ${literal(k)}; ${literal(k + 1000)}; APPLY BATCH`),
  'a batch that is one prepared text': (client, k) =>
    client.execute(`BEGIN BATCH ${INSERT}; UPDATE ${KEYSPACE}.t SET v = ? WHERE k = ?; APPLY BATCH`, [...values(k), 'plain', k], PREPARED), // prettier-ignore
  'a condition': (client, k) => client.execute(`${INSERT} IF NOT EXISTS`, values(k), PREPARED),
  'a table without its keyspace': async (_, k) => {
    const inside = clientOf(port!, { keyspace: KEYSPACE })
    await inside.execute(literal(k).replace(`${KEYSPACE}.`, ''))
    await inside.execute(INSERT.replace(`${KEYSPACE}.`, ''), values(k), PREPARED)
    await inside.shutdown()
  },
}

async function checkRow(client: Client, k: number): Promise<void> {
  const [, s, b, a, d, v] = values(k)
  const expected = { k, s, b, a, d, v }
  const columns = 'k, s, b, a, d, v'
  for (const options of [{}, PREPARED]) {
    const where = `FROM ${KEYSPACE}.t WHERE k = ?`
    const hints = { hints: ['int'] }
    assert.deepEqual(await rows(client, `SELECT ${columns} ${where}`, [k], { ...hints, ...options }), [expected])
    const [all] = await rows(client, `SELECT * ${where}`, [k], { ...hints, ...options })
    assert.deepEqual({ ...all }, { ...expected, ...all, ...expected })
    const aliased = `SELECT s AS v, v AS s, b AS "X", writetime(s) AS w ${where}`
    const [row] = await rows(client, aliased, [k], { ...hints, ...options })
    assert.deepEqual([row!.v, row!.s, row!.X, typeof row!.w], [s, v, b, 'object'])
  }
  const [stored] = await rows(direct, `SELECT * FROM ${KEYSPACE}.t WHERE k = ${k}`)
  for (const name of ['s', 'a', 'd']) assert.match(stored![name] as string, SEALED)
  assert.equal((stored!.b as Buffer).subarray(0, 6).toString('base64'), 'SHOTPV01')
  assert.equal(stored!.v, 'plain')
  assert.ok(!JSON.stringify(stored).includes(HUSH))
}

const CASES: Record<string, () => Promise<void>> = {
  async 'tables whose columns can hold no encrypted value'() {
    await refused(
      plain.execute(`CREATE TABLE ${KEYSPACE}.n (k int PRIMARY KEY, i int)`),
      /protected\d\.n\.i .*of the type int/,
    )
    await direct.execute(`CREATE TABLE ${KEYSPACE}.n (k int PRIMARY KEY, i int)`)
    await refused(
      plain.execute(`INSERT INTO ${KEYSPACE}.n (k, i) VALUES (1, ?)`, [1], PREPARED),
      /can't be of the type int/,
    )
    await refused(plain.execute(`INSERT INTO ${KEYSPACE}.n (k, i) VALUES (1, '1')`), /can't be of the type int/)
    assert.deepEqual(await rows(plain, `SELECT k FROM ${KEYSPACE}.n`), [])
  },
  async 'searchable columns'() {
    await direct.execute(`CREATE INDEX IF NOT EXISTS ON ${KEYSPACE}.t (d)`)
    for (const k of [501, 502, 503])
      await plain.execute(INSERT, values(k).with(4, k === 503 ? 'other' : 'found'), PREPARED)
    const sorted = async (text: string, params: unknown[], options: QueryOptions) =>
      (await rows(plain, text, params, options)).map(({ k }) => k as number).toSorted((a, b) => a - b)
    for (const options of [{ hints: ['text'] }, PREPARED])
      assert.deepEqual(await sorted(`SELECT k FROM ${KEYSPACE}.t WHERE d = ?`, ['found'], options), [501, 502])
    assert.deepEqual(await sorted(`SELECT k FROM ${KEYSPACE}.t WHERE d = 'other'`, [], {}), [503])
    assert.deepEqual(await sorted(`SELECT k FROM ${KEYSPACE}.t WHERE d = 'none'`, [], {}), [])
    const update = await rows(plain, `UPDATE ${KEYSPACE}.t SET s = 'x' WHERE k = 501 IF d = ?`, ['other'], {
      hints: ['text'],
    })
    assert.deepEqual(update, [{ '[applied]': false, d: 'found' }])
    const applied = await rows(
      plain,
      `UPDATE ${KEYSPACE}.t SET v = 'x' WHERE k = 501 IF d IN ?`,
      [['a', 'found']],
      PREPARED,
    )
    assert.deepEqual(applied, [{ '[applied]': true }])
  },
  async 'searchable columns as the primary key'() {
    const insert = `INSERT INTO ${KEYSPACE}.u (p, c, s) VALUES (?, ?, ?)`
    await Promise.all(['a', 'b', 'c'].map((p) => plain.execute(insert, [p, `${p}1`, `${HUSH}${p}`], PREPARED)))
    await plain.execute(`INSERT INTO ${KEYSPACE}.u (p, c, s) VALUES ('a', 'a1', 'again')`)
    const select = `SELECT p, c, s FROM ${KEYSPACE}.u WHERE p = ? AND c = ?`
    assert.deepEqual(await rows(plain, select, ['a', 'a1'], PREPARED), [{ p: 'a', c: 'a1', s: 'again' }])
    const several = await rows(plain, `SELECT p FROM ${KEYSPACE}.u WHERE p IN ('a', 'b', 'x')`)
    assert.deepEqual(
      several.map(({ p }) => String(p)).toSorted((one, other) => one.localeCompare(other)),
      ['a', 'b'],
    )
    assert.deepEqual(await rows(plain, `SELECT p FROM ${KEYSPACE}.u WHERE p IN ?`, [['c', 'x']], PREPARED), [
      { p: 'c' },
    ])
    await plain.execute(`DELETE FROM ${KEYSPACE}.u WHERE p = ?`, ['a'], PREPARED)
    assert.deepEqual(await rows(plain, select, ['a', 'a1'], PREPARED), [])
  },
  async 'null, what is left out, and what is empty'() {
    await plain.execute(INSERT, [601, null, undefined, '', null, ''], PREPARED)
    const [row] = await rows(plain, `SELECT s, b, a, d, v FROM ${KEYSPACE}.t WHERE k = 601`)
    assert.deepEqual(row, { s: null, b: null, a: '', d: null, v: '' })
    await plain.execute(`DELETE a FROM ${KEYSPACE}.t WHERE k = 601`)
    assert.equal((await rows(plain, `SELECT a FROM ${KEYSPACE}.t WHERE k = 601`))[0]!.a, null)
  },
  async 'large values, pages and many at once'() {
    const large = HUSH.repeat(250_000)
    await plain.execute(`INSERT INTO ${KEYSPACE}.t (k, s) VALUES (?, ?)`, [701, large], PREPARED)
    assert.equal((await rows(plain, `SELECT s FROM ${KEYSPACE}.t WHERE k = 701`))[0]!.s, large)
    const insert = `INSERT INTO ${KEYSPACE}.p (k, c, s) VALUES (?, ?, ?)`
    await Promise.all(Array.from({ length: 500 }, (_, c) => plain.execute(insert, [1, c, `${HUSH}${c}`], PREPARED)))
    let count = 0
    for (const options of [PREPARED, {}]) {
      const stream: unknown = plain.stream(`SELECT c, s FROM ${KEYSPACE}.p WHERE k = 1`, [], { ...options, fetchSize: 50, autoPage: true }) // prettier-ignore
      for await (const row of stream as AsyncIterable<types.Row>) {
        assert.equal(row.get('s'), `${HUSH}${row.get('c')}`)
        count++
      }
    }
    assert.equal(count, 1000)
  },
  async 'what can not be encrypted is refused, and nothing of it is stored'() {
    const before = await rows(direct, `SELECT * FROM ${KEYSPACE}.t`)
    const texts: [text: string, why: RegExp][] = [
      [`INSERT INTO ${KEYSPACE}.t JSON '{"k": 801, "s": "${HUSH}"}'`, /INSERT JSON/],
      [`INSERT INTO ${KEYSPACE}.t (k, b) VALUES (801, textAsBlob('${HUSH}'))`, /protected\d\.t\.b/],
      [`UPDATE ${KEYSPACE}.t SET v = '' WHERE k = 801 IF s = '${HUSH}'`, /protected\d\.t\.s .*not searchable/],
      [`SELECT k FROM ${KEYSPACE}.t WHERE s = '${HUSH}' ALLOW FILTERING`, /not searchable/],
      [`SELECT k FROM ${KEYSPACE}.t WHERE d > '${HUSH}' ALLOW FILTERING`, /only = and IN/],
      [`SELECT blobAsText(b) FROM ${KEYSPACE}.t`, /nothing can be computed/],
      [`SELECT JSON * FROM ${KEYSPACE}.t`, /SELECT JSON/],
    ]
    for (const [text, why] of texts) {
      await refused(plain.execute(text), why)
      await refused(plain.execute(text, [], PREPARED), why)
    }
    await refused(plain.batch([texts[1]![0]], { prepare: false }), /protected\d\.t\.b/)
    await refused(plain.execute(literal(801), [], PREPARED), /must be a bound value/)
    assert.equal((await rows(direct, `SELECT * FROM ${KEYSPACE}.t`)).length, before.length)
  },
  async 'values that somebody wrote or changed past the proxy'() {
    await direct.execute(`INSERT INTO ${KEYSPACE}.t (k, s) VALUES (901, '${HUSH}')`)
    await assert.rejects(plain.execute(`SELECT s FROM ${KEYSPACE}.t WHERE k = 901`), /protected\d\.t\.s holds a value that is not encrypted/) // prettier-ignore
    await plain.execute(`INSERT INTO ${KEYSPACE}.t (k, s) VALUES (902, '${HUSH}')`)
    const [row] = await rows(direct, `SELECT s FROM ${KEYSPACE}.t WHERE k = 902`)
    await direct.execute(`UPDATE ${KEYSPACE}.t SET a = ? WHERE k = 902`, [row!.s], PREPARED)
    await assert.rejects(plain.execute(`SELECT a FROM ${KEYSPACE}.t WHERE k = 902`), /protected\d\.t\.a holds a value that was encrypted for another place/) // prettier-ignore
    await direct.execute(`DELETE FROM ${KEYSPACE}.t WHERE k IN (901, 902)`)
  },
}

const REPLICATION = `{'class': 'SimpleStrategy', 'replication_factor': 1}`
await direct.execute(`CREATE KEYSPACE ${KEYSPACE} WITH replication = ${REPLICATION}`)
await plain.execute(`CREATE TABLE ${KEYSPACE}.t (k int PRIMARY KEY, s text, b blob, a ascii, d text, v text)`)
await plain.execute(`CREATE TABLE ${KEYSPACE}.u (p text, c ascii, s text, PRIMARY KEY (p, c))`)
await plain.execute(`CREATE TABLE ${KEYSPACE}.p (k int, c int, s text, PRIMARY KEY (k, c))`)
const clients = [direct, plain]
for (const [index, version] of [3, 4].entries()) {
  const client = clientOf(port!, {}, version)
  for (const [way, [name, write]] of Object.entries(WAYS).entries())
    CASES[`version ${version}, ${name}`] = async () => {
      const k = 1 + 20 * index + way
      await write(client, k)
      await checkRow(client, k)
    }
  clients.push(client)
}
await tellCases(CASES)
await Promise.all(clients.map((client) => client.shutdown()))
