import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { auth, Client, types, type ClientOptions } from 'cassandra-driver'
import { FRAME_WHOLE, type Frame } from '../../../src/core/frame.ts'
import { requestFrame } from '../../../src/protocols/cassandra/envelope.ts'
import { EVENT, READY, REGISTER, STARTUP } from '../../../src/protocols/cassandra/opcodes.ts'
import { ServerWire } from '../../../src/protocols/cassandra/wire-server.ts'
import { string, stringMap } from '../../cassandra.ts'

// What the driver for Node does, on the port given: `functional.ts PORT VERSION [USER PASSWORD]`. Prints `ok NAME` or
// `failed NAME: WHY` for each case.

const [port, version, username, password] = process.argv.slice(2)
const KEYSPACE = 'functional'
const REPLICATION = `{'class': 'SimpleStrategy', 'replication_factor': 1}`

function clientOf(options: Partial<ClientOptions> = {}): Client {
  return new Client({
    contactPoints: ['127.0.0.1'],
    localDataCenter: 'datacenter1',
    protocolOptions: { port: Number(port), maxVersion: Number(version) },
    pooling: { coreConnectionsPerHost: { 0: 1 }, maxRequestsPerConnection: 2048 },
    socketOptions: { readTimeout: 60_000 },
    keyspace: KEYSPACE,
    ...(username === undefined ? {} : { authProvider: new auth.PlainTextAuthProvider(username, password!) }),
    ...options,
  })
}

async function rows(
  client: Client,
  text: string,
  values: unknown[] = [],
  options = {},
): Promise<Record<string, unknown>[]> {
  const result = await client.execute(text, values as never[], { prepare: true, ...options })
  return (result.rows ?? []).map((row) => Object.fromEntries(row.keys().map((key) => [key, row.get(key) as unknown])))
}

async function fails(code: number, promise: Promise<unknown>): Promise<void> {
  await assert.rejects(promise, (error: { code?: number }) => {
    assert.equal(error.code, code)
    return true
  })
}

type Case = (client: Client) => Promise<void>

const CASES: Record<string, Case> = {
  async schema(client) {
    await client.execute('CREATE TABLE s (k int PRIMARY KEY, v text)')
    await client.execute('ALTER TABLE s ADD w int')
    const columns = 'SELECT column_name FROM system_schema.columns WHERE keyspace_name = ? AND table_name = ?'
    assert.deepEqual(
      (await rows(client, columns, [KEYSPACE, 's'])).map(({ column_name: name }) => name),
      ['k', 'v', 'w'],
    )
    await client.execute('CREATE INDEX s_v ON s (v)')
    await client.execute("INSERT INTO s (k, v, w) VALUES (1, 'a', 2)")
    assert.equal((await rows(client, 'SELECT w FROM s WHERE v = ?', ['a']))[0]!.w, 2)
    await client.execute('DROP INDEX s_v')
    await client.execute('TRUNCATE s')
    await client.execute('DROP TABLE s')
    await fails(types.responseErrorCodes.invalid, client.execute('SELECT * FROM s'))
  },

  async 'native types'(client) {
    const columns: Record<string, [type: string, value: unknown]> = {
      a: ['ascii', 'abc'],
      b: ['bigint', types.Long.fromString('-9223372036854775808')],
      c: ['blob', Buffer.from([0, 1, 255])],
      d: ['boolean', true],
      e: ['date', types.LocalDate.fromString('1970-02-03')],
      f: ['decimal', types.BigDecimal.fromString('-1234567890.0987654321')],
      g: ['double', -1.5e300],
      h: ['duration', types.Duration.fromString('1mo2d3h')],
      i: ['float', 0.5],
      j: ['inet', types.InetAddress.fromString('::1')],
      l: ['int', -2147483648],
      m: ['smallint', -32768],
      n: ['text', 'жук 🐛'],
      o: ['time', types.LocalTime.fromString('12:34:56.789')],
      p: ['timestamp', new Date(1234567890123)],
      q: ['timeuuid', types.TimeUuid.fromString('50554d6e-29bb-11e5-b345-feff819cdc9f')],
      r: ['tinyint', -128],
      s: ['uuid', types.Uuid.fromString('12345678-1234-4234-8234-1234567890ab')],
      t: ['varchar', ''],
      u: ['varint', types.Integer.fromString('-340282366920938463463374607431768211456')],
      v: ['inet', types.InetAddress.fromString('10.1.2.3')],
    }
    // Version 3 does not know all of them.
    const since4 = ['e', 'h', 'm', 'o', 'r']
    const names = Object.keys(columns).filter((name) => Number(version) >= 4 || !since4.includes(name))
    const declared = names.map((name) => `${name} ${columns[name]![0]}`).join(', ')
    await client.execute(`CREATE TABLE n (k int PRIMARY KEY, ${declared})`)
    const marks = names.map(() => '?').join(', ')
    const values = names.map((name) => columns[name]![1])
    await rows(client, `INSERT INTO n (k, ${names.join(', ')}) VALUES (0, ${marks})`, values)
    const [row] = await rows(client, `SELECT ${names.join(', ')} FROM n WHERE k = 0`)
    for (const name of names) assert.equal(String(row![name]), String(columns[name]![1]), columns[name]![0])
    await rows(
      client,
      `INSERT INTO n (k, ${names.join(', ')}) VALUES (1, ${marks})`,
      names.map(() => null),
    )
    const [nulls] = await rows(client, `SELECT ${names.join(', ')} FROM n WHERE k = 1`)
    assert.ok(names.every((name) => nulls![name] === null))
  },

  async 'collections, tuples and user types'(client) {
    await client.execute('CREATE TYPE address (street text, numbers frozen<list<int>>)')
    await client.execute(
      'CREATE TABLE c (k int PRIMARY KEY, l list<text>, s set<int>, m map<text, frozen<set<int>>>, t tuple<int, text>, u address)',
    )
    const value = [['a', 'b'], [3, 1, 2], { x: [1, 2] }, new types.Tuple(1, 'one'), { street: 'Long', numbers: [7, 8] }]
    await rows(client, 'INSERT INTO c (k, l, s, m, t, u) VALUES (1, ?, ?, ?, ?, ?)', value)
    await client.execute("UPDATE c SET l = l + ['c'], s = s - {3}, m['y'] = {9}, u.street = 'Short' WHERE k = 1")
    const [row] = await rows(client, 'SELECT * FROM c WHERE k = 1')
    assert.equal(
      JSON.stringify(row),
      '{"k":1,"l":["a","b","c"],"m":{"x":[1,2],"y":[9]},"s":[1,2],"t":["1","one"],"u":{"street":"Short","numbers":[7,8]}}'.replace(
        '"1"',
        '1',
      ),
    )
  },

  async 'prepared statements'(client) {
    await client.execute('CREATE TABLE p (k int PRIMARY KEY, v text)')
    const insert = 'INSERT INTO p (k, v) VALUES (?, ?)'
    await Promise.all(Array.from({ length: 100 }, (_, k) => rows(client, insert, [k, `v${k}`])))
    const found = await Promise.all(
      Array.from({ length: 100 }, (_, k) => rows(client, 'SELECT v FROM p WHERE k = ?', [k])),
    )
    found.forEach(([row], k) => assert.equal(row!.v, `v${k}`))
    const qualified = clientOf({ keyspace: 'system' })
    try {
      assert.equal((await rows(qualified, `SELECT v FROM ${KEYSPACE}.p WHERE k = ?`, [7]))[0]!.v, 'v7')
    } finally {
      await qualified.shutdown()
    }
    await client.execute('ALTER TABLE p ADD w int')
    assert.deepEqual(Object.keys((await rows(client, 'SELECT * FROM p WHERE k = ?', [1]))[0]!).sort(), ['k', 'v', 'w'])
    await rows(client, 'DELETE FROM p WHERE k = ?', [1])
    assert.deepEqual(await rows(client, 'SELECT v FROM p WHERE k = ?', [1]), [])
    await rows(client, 'UPDATE p SET v = :v WHERE k = :k', { k: 2, v: 'named' } as never)
    assert.equal((await rows(client, 'SELECT v FROM p WHERE k = 2'))[0]!.v, 'named')
  },

  async batches(client) {
    await client.execute('CREATE TABLE b (k int, c int, v text, PRIMARY KEY (k, c))')
    await client.execute('CREATE TABLE bc (k int PRIMARY KEY, n counter)')
    const insert = 'INSERT INTO b (k, c, v) VALUES (?, ?, ?)'
    const queries = Array.from({ length: 500 }, (_, c) => ({ query: insert, params: [1, c, `v${c}`] }))
    await client.batch(queries, { prepare: true })
    await client.batch([{ query: insert, params: [2, 1, 'x'] }, 'DELETE FROM b WHERE k = 1 AND c = 3'], {
      prepare: false,
      logged: false,
      hints: [['int', 'int', 'text']],
    })
    await client.batch([{ query: 'UPDATE bc SET n = n + ? WHERE k = 1', params: [types.Long.fromNumber(5)] }], {
      prepare: true,
      counter: true,
    })
    await client.execute(
      "BEGIN BATCH INSERT INTO b (k, c, v) VALUES (3, 1, 'a'); UPDATE b SET v = 'b' WHERE k = 3 AND c = 2; APPLY BATCH",
    )
    assert.equal(String((await rows(client, 'SELECT count(*) AS n FROM b'))[0]!.n), '502')
    assert.equal(String((await rows(client, 'SELECT n FROM bc'))[0]!.n), '5')
    await fails(types.responseErrorCodes.invalid, client.batch(['SELECT * FROM b'], { prepare: false }))
  },

  async paging(client) {
    await client.execute('CREATE TABLE g (k int, c int, v text, PRIMARY KEY (k, c))')
    await Promise.all(
      Array.from({ length: 95 }, (_, c) => rows(client, 'INSERT INTO g (k, c, v) VALUES (1, ?, ?)', [c, 'v'])),
    )
    const pages: number[] = []
    const seen: number[] = []
    let pageState: string | undefined
    do {
      const page = await client.execute('SELECT c FROM g WHERE k = 1', [], {
        prepare: true,
        fetchSize: 10,
        ...(pageState === undefined ? {} : { pageState }),
      })
      pages.push(page.rows.length)
      seen.push(...page.rows.map((row) => row.get('c') as number))
      pageState = page.pageState ?? undefined
    } while (pageState !== undefined)
    assert.deepEqual(pages, [...Array.from({ length: 9 }, () => 10), 5])
    assert.deepEqual(
      seen,
      Array.from({ length: 95 }, (_, c) => c),
    )
  },

  async 'light-weight transactions'(client) {
    await client.execute('CREATE TABLE l (k int PRIMARY KEY, v int)')
    const insert = 'INSERT INTO l (k, v) VALUES (?, ?) IF NOT EXISTS'
    assert.deepEqual(await rows(client, insert, [1, 1]), [{ '[applied]': true }])
    assert.deepEqual(await rows(client, insert, [1, 2]), [{ '[applied]': false, k: 1, v: 1 }])
    assert.deepEqual(await rows(client, 'UPDATE l SET v = ? WHERE k = 1 IF v = ?', [5, 2]), [
      { '[applied]': false, v: 1 },
    ])
    assert.deepEqual(await rows(client, 'UPDATE l SET v = ? WHERE k = 1 IF v = ?', [5, 1]), [{ '[applied]': true }])
  },

  async errors(client) {
    const codes = types.responseErrorCodes
    await fails(codes.syntaxError, client.execute('SELEC 1'))
    await fails(codes.invalid, client.execute('SELECT * FROM nothing'))
    await fails(codes.alreadyExists, client.execute(`CREATE KEYSPACE ${KEYSPACE} WITH replication = ${REPLICATION}`))
    await fails(codes.configError, client.execute("CREATE KEYSPACE bad WITH replication = {'class': 'Nothing'}"))
    await client.execute('CREATE TABLE e (k int PRIMARY KEY)')
    const three = { consistency: types.consistencies.three }
    await assert.rejects(
      rows(client, 'INSERT INTO e (k) VALUES (1)', [], three),
      /achieve consistency|Not enough|Cannot/,
    )
    assert.deepEqual(await rows(client, 'SELECT k FROM e'), [])
  },

  async 'tracing, warnings and timestamps'(client) {
    await client.execute('CREATE TABLE w (k int PRIMARY KEY, v int)')
    const traced = await client.execute('SELECT * FROM w', [], { traceQuery: true })
    assert.ok(traced.info.traceId)
    if (Number(version) >= 4) {
      const many = Array.from({ length: 40 }, (_, k) => `INSERT INTO w (k, v) VALUES (${k}, 0)`)
      const warned = await client.batch(many, { prepare: false, logged: false })
      assert.match(warned.info.warnings?.join() ?? '', /Unlogged batch covering \d+ partitions/)
    }
    await rows(client, 'INSERT INTO w (k, v) VALUES (100, 1)', [], { timestamp: types.Long.fromNumber(1234) })
    assert.equal(String((await rows(client, 'SELECT writetime(v) AS t FROM w WHERE k = 100'))[0]!.t), '1234')
    await client.execute('INSERT INTO w (k, v) VALUES (101, 1) USING TTL 1000')
    assert.ok(Number((await rows(client, 'SELECT ttl(v) AS t FROM w WHERE k = 101'))[0]!.t) > 900)
  },

  async 'two thousand requests at once on one connection'(client) {
    await client.execute('CREATE TABLE many (k int PRIMARY KEY, v text)')
    const all = Array.from({ length: 2000 }, (_, k) => k)
    await Promise.all(all.map((k) => rows(client, 'INSERT INTO many (k, v) VALUES (?, ?)', [k, `value ${k}`])))
    const found = await Promise.all(all.map((k) => rows(client, 'SELECT v FROM many WHERE k = ?', [k])))
    for (const k of all) assert.equal(found[k]![0]!.v, `value ${k}`)
  },

  async 'rows of ten megabytes'(client) {
    await client.execute('CREATE TABLE large (k int PRIMARY KEY, v blob)')
    const value = Buffer.alloc(10_000_000, 'a large value ')
    await rows(client, 'INSERT INTO large (k, v) VALUES (1, ?)', [value])
    const small = Array.from({ length: 20 }, (_, k) =>
      rows(client, 'INSERT INTO large (k, v) VALUES (?, ?)', [k + 2, Buffer.from([k])]),
    )
    const read = Array.from({ length: 3 }, () => rows(client, 'SELECT v FROM large WHERE k = 1'))
    await Promise.all(small)
    for (const [row] of await Promise.all(read)) assert.ok(value.equals(row!.v as Buffer))
  },

  async keyspaces(client) {
    await client.execute(`CREATE KEYSPACE "Other" WITH replication = ${REPLICATION}`)
    await client.execute('CREATE TABLE who (k int PRIMARY KEY, v text)')
    await client.execute('CREATE TABLE "Other".who (k int PRIMARY KEY, v text)')
    const other = clientOf({ keyspace: 'Other' })
    try {
      await Promise.all(
        [client, other].flatMap((each, index) =>
          Array.from({ length: 50 }, (_, k) => each.execute(`INSERT INTO who (k, v) VALUES (${k}, '${index}')`)),
        ),
      )
      for (const [index, each] of [client, other].entries())
        for (const row of await rows(each, 'SELECT v FROM who')) assert.equal(row.v, String(index))
      await other.execute('USE system')
    } finally {
      await other.shutdown()
    }
    await client.execute('DROP KEYSPACE "Other"')
  },

  async events(client) {
    if (username !== undefined) return
    const socket = connect(Number(port), '127.0.0.1')
    try {
      const replies = repliesOf(socket)
      socket.write(requestFrame(4, 0, STARTUP, stringMap({ CQL_VERSION: '3.0.0' })).toBuffer())
      assert.equal((await replies.next()).value!.kind, READY)
      const kinds = Buffer.concat([Buffer.from([0, 1]), string('SCHEMA_CHANGE')])
      socket.write(requestFrame(4, 0, REGISTER, kinds).toBuffer())
      assert.equal((await replies.next()).value!.kind, READY)
      await client.execute('CREATE TABLE ev (k int PRIMARY KEY)')
      const event = (await replies.next()).value!
      assert.equal(event.kind, EVENT)
      assert.equal(event.stream, -1)
      assert.match(event.toBuffer().toString('latin1'), /SCHEMA_CHANGE.*CREATED.*TABLE.*functional.*ev/s)
    } finally {
      socket.destroy()
    }
  },

  async 'a version that is not spoken'() {
    if (username !== undefined) return
    const socket = connect(Number(port), '127.0.0.1')
    try {
      socket.write(requestFrame(6, 0, STARTUP, stringMap({ CQL_VERSION: '3.0.0' })).toBuffer())
      const [text] = (await once(socket, 'data')) as [Buffer]
      assert.equal(text.readInt32BE(9), types.responseErrorCodes.protocolError)
    } finally {
      socket.destroy()
    }
  },
}

/** What comes on a socket, frame by frame. */
async function* repliesOf(socket: ReturnType<typeof connect>): AsyncGenerator<Frame, void, void> {
  const wire = new ServerWire(Infinity)
  for await (const chunk of socket as AsyncIterable<Buffer>) {
    wire.push(chunk, 0, chunk.length)
    for (let frame = wire.next(); frame !== null; frame = wire.next()) {
      assert.equal(frame.flags, FRAME_WHOLE)
      yield frame.own()
    }
    wire.keep()
  }
}

const setup = clientOf({ keyspace: 'system' })
for (const keyspace of [KEYSPACE, '"Other"']) await setup.execute(`DROP KEYSPACE IF EXISTS ${keyspace}`)
await setup.execute(`CREATE KEYSPACE ${KEYSPACE} WITH replication = ${REPLICATION}`)
await setup.shutdown()
const client = clientOf()
await client.connect()
for (const [name, run] of Object.entries(CASES)) {
  try {
    await run(client)
    console.log(`ok ${name}`)
  } catch (error) {
    console.log(`failed ${name}: ${(error as Error).message.replaceAll('\n', ' | ')}`)
  }
}
await client.shutdown()
