import type { CassandraRelease } from './server.ts'

// What each driver for Cassandra does, directly and through the proxy, and what must come of it directly. Programs in each language read it as
// JSON (`suite.ts` writes that); what they make of a row's values is theirs, as it is compared with what they made of it directly.

/** `$i` in a text, or `$i` alone for the number itself, is which of `many` it is. */
export type Value = number | string | null | { readonly blob: number }

export interface Asked {
  readonly cql: string
  /** For its markers; with them it is prepared. */
  readonly values?: readonly Value[]
  /** Prepared, although it has no markers. */
  readonly prepare?: true
}

interface Options {
  /** Rows of a page; all pages are read, each by the paging state that the one before it ended with. */
  readonly page?: number
  readonly consistency?: 'ONE' | 'QUORUM' | 'LOCAL_QUORUM' | 'THREE'
  readonly trace?: true
  readonly payload?: Readonly<Record<string, string>>
  readonly timestamp?: number
  /** Session that `open` made; 'main' where absent. */
  readonly on?: string
}

/** What must come of it where there is no proxy. Without `fails` or `may`, no error. */
interface Expected {
  readonly fails?: true
  /** Not every driver can do it, or not in full. */
  readonly may?: true
  readonly rows?: number
  /** All of its rows are the same. */
  readonly same?: true
  /** Versions of the protocol that know it. */
  readonly since?: number
  readonly release?: CassandraRelease
}

type Action =
  | ({ readonly do: 'run' } & Asked & Options)
  /** Reads one row and writes its values with a prepared statement: each type goes both ways. */
  | { readonly do: 'copy'; readonly select: string; readonly insert: string }
  | ({ readonly do: 'batch'; readonly kind: 'logged' | 'unlogged' | 'counter'; readonly statements: readonly Asked[] } & Options)
  /** So many at once, in turn on each of these sessions. */
  | ({ readonly do: 'many'; readonly count: number; readonly sessions?: readonly string[] } & Asked)
  | { readonly do: 'open'; readonly name: string; readonly keyspace?: string; readonly user?: string; readonly password?: string } // prettier-ignore
  | { readonly do: 'close'; readonly name: string }
  /** What another session does to the schema is told to the driver. */
  | { readonly do: 'event'; readonly cql: string; readonly table: string }

export type Step = Action & Expected

export interface Case {
  readonly name: string
  /** Where users have passwords, where they have none, or both. */
  readonly where?: 'password' | 'open'
  readonly steps: readonly Step[]
}

const run = (cql: string, more: Options & Expected & Omit<Asked, 'cql'> = {}): Step => ({ do: 'run', cql, ...more })
const copy = (select: string, insert: string, more: Expected = {}): Step => ({ do: 'copy', select, insert, ...more })
const many = (count: number, cql: string, values: readonly Value[], sessions: readonly string[] = ['main']): Step => ({
  do: 'many',
  count,
  cql,
  values,
  sessions,
})

/** A column of each type, and a literal for it. */
const NATIVE: readonly (readonly [type: string, literal: string, since?: number])[] = [
  ['ascii', "'abc'"],
  ['bigint', '-9223372036854775808'],
  ['blob', '0x00017f80ff'],
  ['boolean', 'true'],
  ['decimal', '-1234567890.09876543210987654321'],
  ['double', '-1.5e300'],
  ['float', '0.1'],
  ['inet', "'10.1.2.3'"],
  ['inet', "'2001:db8::1'"],
  ['int', '-2147483648'],
  ['text', "'жук 🐛'"],
  ['varchar', "''"],
  ['timestamp', "'2009-02-13T23:31:30.123Z'"],
  ['timeuuid', '50554d6e-29bb-11e5-b345-feff819cdc9f'],
  ['uuid', '12345678-1234-4234-8234-1234567890ab'],
  ['varint', '-340282366920938463463374607431768211456'],
  ['date', "'1969-12-31'", 4],
  ['time', "'12:34:56.789012345'", 4],
  ['smallint', '-32768', 4],
  ['tinyint', '-128', 4],
  ['duration', '1mo2d3h', 5],
]

/** What gocql can't write as it reads it. */
const TUPLES: typeof NATIVE = [
  ['tuple<int, text, frozen<list<int>>>', "(1, 'one', [1, 2])"],
  ['list<frozen<person>>', "[{name: 'A', home: {street: 'Short', numbers: null}}, {name: 'B', home: null}]"],
]
const VECTORS: typeof NATIVE = [['vector<float, 3>', '[0.5, -1, 2]']]

const NESTED: typeof NATIVE = [
  ['list<int>', '[1, -2, 3]'],
  ['set<text>', "{'a', 'b', ''}"],
  ['map<text, int>', "{'x': 1, 'y': 2}"],
  ['frozen<list<frozen<set<int>>>>', '[{1, 2}, {3}]'],
  ['map<int, frozen<map<text, frozen<list<uuid>>>>>', "{1: {'a': [12345678-1234-4234-8234-1234567890ab]}, 2: {}}"],
  ['address', "{street: 'Long', numbers: [7, 8]}"],
]

/** Each type: written as text, read, written by value, and read again; and absent. */
function typed(table: string, columns: typeof NATIVE, more: Expected = {}): Step[] {
  return [3, 4, 5].flatMap((since) => {
    const chosen = columns.filter(([, , from = 3]) => from === since)
    if (chosen.length === 0) return []
    const name = `${table}_${since}`
    const names = chosen.map((_, index) => `c${index}`).join(', ')
    const insert = `INSERT INTO ${name} (k, ${names})`
    const marks = chosen.map(() => '?').join(', ')
    const all = { ...more, since }
    return [
      run(`CREATE TABLE ${name} (k int PRIMARY KEY, ${chosen.map(([type], i) => `c${i} ${type}`).join(', ')})`, more),
      run(`${insert} VALUES (1, ${chosen.map(([, literal]) => literal).join(', ')})`, more),
      run(`INSERT INTO ${name} (k) VALUES (2)`, more),
      copy(`SELECT ${names} FROM ${name} WHERE k = 1`, `${insert} VALUES (3, ${marks})`, all),
      copy(`SELECT ${names} FROM ${name} WHERE k = 2`, `${insert} VALUES (4, ${marks})`, all),
      run(`SELECT ${names} FROM ${name} WHERE k IN (1, 3)`, { rows: 2, same: true, ...all }),
      run(`SELECT ${names} FROM ${name} WHERE k IN (2, 4)`, { rows: 2, same: true, ...all }),
      // Also by who does not know the type.
      run(`SELECT JSON ${names} FROM ${name} WHERE k = 1`, { rows: 1, ...more }),
    ]
  })
}

const INSERT_B = 'INSERT INTO b (k, c, v) VALUES (?, ?, ?)'
const SIZES = [0, 1, 100, 65_000, 65_600, 131_000, 131_071, 131_072, 300_000]
const CREATE_OTHER = `CREATE KEYSPACE "$ks_O" WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}`

export const CASES: readonly Case[] = [
  {
    name: 'schema',
    steps: [
      run('CREATE TABLE s (k int PRIMARY KEY, v text)'),
      run('ALTER TABLE s ADD w int'),
      run("SELECT column_name, type, kind FROM system_schema.columns WHERE keyspace_name = '$ks' AND table_name = 's'", { rows: 3 }), // prettier-ignore
      run('CREATE INDEX s_v ON s (v)'),
      run("INSERT INTO s (k, v, w) VALUES (1, 'a', 2)"),
      run("SELECT w FROM s WHERE v = 'a'", { rows: 1 }),
      run('DROP INDEX s_v'),
      run('CREATE MATERIALIZED VIEW m AS SELECT k, v FROM s WHERE v IS NOT NULL AND k IS NOT NULL PRIMARY KEY (v, k)'),
      run('DROP MATERIALIZED VIEW m'),
      run('DESCRIBE TABLE s', { rows: 1 }),
      run('TRUNCATE s'),
      run('SELECT * FROM s', { rows: 0 }),
      run('DROP TABLE s'),
      run('SELECT * FROM s', { fails: true }),
      run('DROP TABLE IF EXISTS s'),
    ],
  },
  { name: 'native types', steps: typed('n', NATIVE) },
  {
    name: 'collections, tuples and user types',
    steps: [
      run('CREATE TYPE address (street text, numbers frozen<list<int>>)'),
      run('CREATE TYPE person (name text, home frozen<address>)'),
      ...typed('c', NESTED),
      run("UPDATE c_3 SET c0 = c0 + [4], c1 = c1 - {'a'}, c2['z'] = 9, c5.street = 'Other', c0[0] = 8 WHERE k = 1"),
      run('SELECT c0, c1, c2, c5 FROM c_3 WHERE k = 1', { rows: 1 }),
      run('ALTER TYPE address ADD zip int'),
      run('SELECT c5 FROM c_3 WHERE k = 1', { rows: 1 }),
      ...typed('t', TUPLES, { may: true }),
      ...typed('v', VECTORS, { may: true, release: '5.0.9' }),
    ],
  },
  {
    name: 'prepared statements',
    steps: [
      run('CREATE TABLE p (k int PRIMARY KEY, v text)'),
      many(300, 'INSERT INTO p (k, v) VALUES (?, ?)', ['$i', 'v$i']),
      many(300, 'SELECT v FROM p WHERE k = ?', ['$i']),
      run('SELECT * FROM p WHERE k = ?', { values: [7], rows: 1 }),
      run('ALTER TABLE p ADD w int'),
      run('SELECT * FROM p WHERE k = ?', { values: [8], rows: 1 }),
      run('UPDATE p SET v = :v, w = :w WHERE k = :k', { values: ['named', null, 2] }),
      run('SELECT * FROM p WHERE k = ?', { values: [2], rows: 1 }),
      run('DELETE FROM p WHERE k = ?', { values: [1] }),
      run('SELECT v FROM p WHERE k = ?', { values: [1], rows: 0 }),
      run('SELECT nothing FROM p WHERE k = ?', { values: [1], fails: true }),
      run('SELECT v FROM p WHERE k IN ?', { values: [null], fails: true }),
      run('DROP TABLE p'),
      run('SELECT * FROM p WHERE k = ?', { values: [9], fails: true }),
    ],
  },
  {
    name: 'queries',
    steps: [
      run('CREATE TABLE q (k int, c int, d text, s text STATIC, v int, PRIMARY KEY ((k), c, d)) WITH CLUSTERING ORDER BY (c DESC, d ASC)'), // prettier-ignore
      many(60, "INSERT INTO q (k, c, d, s, v) VALUES (1, ?, 'd', 'static', ?)", ['$i', '$i']),
      run("SELECT c, d, s, v FROM q WHERE k = 1 AND c > 10 AND c <= 13 ORDER BY c ASC"),
      run('SELECT c FROM q WHERE k = 1 AND (c, d) >= (57, \'a\')', { rows: 3 }),
      run('SELECT c FROM q WHERE k = ? LIMIT ?', { values: [1, 4], rows: 4 }),
      run('SELECT k, count(*), min(c), max(c), avg(v) FROM q GROUP BY k', { rows: 1 }),
      run('SELECT DISTINCT k, s FROM q', { rows: 1 }),
      run('SELECT v FROM q WHERE v = 17 ALLOW FILTERING', { rows: 1 }),
      run('SELECT v FROM q WHERE v = 17', { fails: true }),
      run('SELECT c AS one, token(k), CAST(v AS text) FROM q WHERE k = 1 PER PARTITION LIMIT 1', { rows: 1 }),
      run("INSERT INTO q JSON '{\"k\": 2, \"c\": 1, \"d\": \"x\", \"v\": 5}'"),
      run('SELECT JSON * FROM q WHERE k = 2', { rows: 1 }),
      run("INSERT INTO q (k, c, d, v) VALUES (3, 1, 'x', 1) USING TTL 100000 AND TIMESTAMP 123456"),
      run('SELECT writetime(v) FROM q WHERE k = 3', { rows: 1 }),
      run('/* a comment */ SELECT -- another\n v FROM q WHERE k = 3 // the last\n', { rows: 1 }),
      run('SELECT "v" FROM $ks.q WHERE k = 3;', { rows: 1 }),
      run('SELECT v FROM q WHERE k = 3', { rows: 1, timestamp: 99, consistency: 'LOCAL_QUORUM' }),
      run('CREATE TABLE n (k int PRIMARY KEY, n counter)'),
      many(50, 'UPDATE n SET n = n + ? WHERE k = 1', [2]),
      run('SELECT n FROM n', { rows: 1 }),
    ],
  },
  {
    name: 'batches',
    steps: [
      run('CREATE TABLE b (k int, c int, v text, PRIMARY KEY (k, c))'),
      run('CREATE TABLE bc (k int PRIMARY KEY, n counter)'),
      {
        do: 'batch',
        kind: 'logged',
        statements: Array.from({ length: 300 }, (_, c) => ({ cql: INSERT_B, values: [1, c, `v${c}`] })),
      },
      {
        do: 'batch',
        kind: 'unlogged',
        timestamp: 2_000_000_000_000_000,
        statements: [{ cql: INSERT_B, values: [2, 1, null] }, { cql: 'DELETE FROM b WHERE k = 1 AND c = 3' }],
      },
      { do: 'batch', kind: 'counter', statements: [{ cql: 'UPDATE bc SET n = n + ? WHERE k = 1', values: [5] }] },
      { do: 'batch', kind: 'unlogged', statements: Array.from({ length: 40 }, (_, k) => ({ cql: INSERT_B, values: [k + 100, 1, 'w'] })) }, // prettier-ignore
      { do: 'batch', kind: 'logged', statements: [{ cql: 'SELECT * FROM b' }], fails: true },
      { do: 'batch', kind: 'logged', statements: [{ cql: `${INSERT_B} IF NOT EXISTS`, values: [1, 1, 'x'] }] },
      { do: 'batch', kind: 'logged', statements: [], may: true },
      run("BEGIN BATCH INSERT INTO b (k, c, v) VALUES (3, 1, 'a'); UPDATE b SET v = 'b' WHERE k = 3 AND c = 2; APPLY BATCH"), // prettier-ignore
      run('BEGIN UNLOGGED BATCH INSERT INTO b (k, c, v) VALUES (?, 1, ?); DELETE FROM b WHERE k = ? AND c = 2 APPLY BATCH', { values: [4, 'x', 3] }), // prettier-ignore
      run('SELECT count(*) FROM b', { rows: 1 }),
      run('SELECT n FROM bc', { rows: 1 }),
    ],
  },
  {
    name: 'paging',
    steps: [
      run('CREATE TABLE g (k int, c int, v text, PRIMARY KEY (k, c))'),
      many(195, 'INSERT INTO g (k, c, v) VALUES (?, ?, ?)', [1, '$i', 'v$i']),
      run('SELECT c FROM g WHERE k = 1', { page: 17, rows: 195 }),
      run('SELECT c, v FROM g WHERE k = ?', { page: 50, values: [1], rows: 195 }),
      run('SELECT c FROM g WHERE k = 1', { page: 195, rows: 195 }),
      run('SELECT c FROM g WHERE k = 5', { page: 10, rows: 0 }),
    ],
  },
  {
    name: 'light-weight transactions',
    steps: [
      run('CREATE TABLE l (k int PRIMARY KEY, v int)'),
      run('INSERT INTO l (k, v) VALUES (?, ?) IF NOT EXISTS', { values: [1, 1], rows: 1 }),
      run('INSERT INTO l (k, v) VALUES (?, ?) IF NOT EXISTS', { values: [1, 2], rows: 1 }),
      run('UPDATE l SET v = ? WHERE k = 1 IF v = ?', { values: [5, 2], rows: 1 }),
      run('UPDATE l SET v = ? WHERE k = 1 IF v = ?', { values: [5, 1], rows: 1 }),
      run('DELETE FROM l WHERE k = 1 IF EXISTS', { rows: 1 }),
      run('DELETE FROM l WHERE k = 1 IF EXISTS', { rows: 1 }),
    ],
  },
  {
    name: 'functions and aggregates',
    steps: [
      run('CREATE TABLE f (k int PRIMARY KEY, v int)'),
      many(10, 'INSERT INTO f (k, v) VALUES (?, ?)', ['$i', '$i']),
      run("CREATE FUNCTION twice (v int) RETURNS NULL ON NULL INPUT RETURNS int LANGUAGE java AS 'return v * 2;'", { may: true }), // prettier-ignore
      run('SELECT twice(v) FROM f WHERE k = 4', { may: true }),
      run("CREATE FUNCTION plus (a int, b int) CALLED ON NULL INPUT RETURNS int LANGUAGE java AS 'return a + b;'", { may: true }), // prettier-ignore
      run('CREATE AGGREGATE total (int) SFUNC plus STYPE int INITCOND 0', { may: true }),
      run('SELECT total(v) FROM f', { may: true }),
      run('SELECT nothing(v) FROM f', { fails: true }),
      run('DROP AGGREGATE total', { may: true }),
      run('DROP FUNCTION twice', { may: true }),
    ],
  },
  {
    name: 'errors',
    steps: [
      run('SELEC 1', { fails: true }),
      run('', { fails: true }),
      run('SELECT * FROM nothing', { fails: true }),
      run('SELECT * FROM nothing.nothing', { fails: true }),
      run("CREATE KEYSPACE $ks WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}", { fails: true }), // prettier-ignore
      run("CREATE KEYSPACE bad WITH replication = {'class': 'Nothing'}", { fails: true }),
      run('CREATE TABLE e (k int PRIMARY KEY)'),
      run('CREATE TABLE e (k int PRIMARY KEY)', { fails: true }),
      run('INSERT INTO e (k) VALUES (1)', { fails: true, consistency: 'THREE' }),
      run("INSERT INTO e (k) VALUES ('a')", { fails: true }),
      run('SELECT k FROM e', { rows: 0 }),
    ],
  },
  {
    name: 'tracing, warnings and payloads',
    steps: [
      run('CREATE TABLE w (k int PRIMARY KEY, v int)'),
      run('SELECT * FROM w', { trace: true }),
      run('SELECT * FROM w WHERE k = ?', { values: [1], trace: true, payload: { a: 'payload' }, since: 4 }),
      run('SELECT * FROM w', { payload: { a: 'one', b: '' }, since: 4 }),
      run('SELECT count(*) FROM w'),
      {
        do: 'batch',
        kind: 'unlogged',
        trace: true,
        payload: { b: 'batch' },
        since: 4,
        statements: Array.from({ length: 40 }, (_, k) => ({ cql: `INSERT INTO w (k, v) VALUES (${k}, 0)` })),
      },
      run('INSERT INTO w (k, v) VALUES (100, 1)', { timestamp: 1234 }),
      run('SELECT writetime(v) FROM w WHERE k = 100', { rows: 1 }),
    ],
  },
  {
    name: 'two thousand requests at once',
    steps: [
      run('CREATE TABLE many (k int PRIMARY KEY, v text)'),
      many(2000, 'INSERT INTO many (k, v) VALUES (?, ?)', ['$i', 'value $i']),
      many(2000, 'SELECT v FROM many WHERE k = ?', ['$i']),
      run('SELECT count(*) FROM many', { rows: 1 }),
    ],
  },
  {
    name: 'large values',
    steps: [
      run('CREATE TABLE large (k int PRIMARY KEY, v blob)'),
      ...SIZES.map((blob, k) => run('INSERT INTO large (k, v) VALUES (?, ?)', { values: [k, { blob }] })),
      ...SIZES.map((_, k) => run('SELECT v FROM large WHERE k = ?', { values: [k], rows: 1 })),
      run('INSERT INTO large (k, v) VALUES (?, ?)', { values: [100, { blob: 10_000_000 }] }),
      run('SELECT v FROM large WHERE k = 100', { rows: 1 }),
      many(2, 'SELECT v FROM large WHERE k = ?', [100]),
      many(30, 'SELECT v FROM large WHERE k = ?', [3]),
      run('INSERT INTO large (k, v) VALUES (?, ?)', { values: [101, { blob: 17_000_000 }], fails: true }),
      run('SELECT k FROM large WHERE k = 3', { rows: 1 }),
    ],
  },
  {
    name: 'keyspaces',
    steps: [
      run(CREATE_OTHER),
      run('CREATE TABLE who (k int PRIMARY KEY, v text)'),
      run('CREATE TABLE "$ks_O".who (k int PRIMARY KEY, v text)'),
      { do: 'open', name: 'other', keyspace: '$ks_O' },
      many(400, 'INSERT INTO who (k, v) VALUES (?, ?)', ['$i', 'v$i'], ['main', 'other']),
      many(400, 'SELECT v FROM who WHERE k = ?', ['$i'], ['main', 'other']),
      run('SELECT count(*) FROM who', { rows: 1 }),
      run('SELECT count(*) FROM who', { rows: 1, on: 'other' }),
      run('SELECT v FROM $ks.who WHERE k = ?', { values: [4], rows: 1, on: 'other' }),
      run('USE nothing', { fails: true, on: 'other' }),
      run('USE system', { may: true, on: 'other' }),
      run('SELECT key FROM local', { may: true, on: 'other' }),
      { do: 'close', name: 'other' },
      { do: 'open', name: 'nowhere', keyspace: 'nowhere', may: true },
      run('SELECT v FROM who WHERE k = 4', { rows: 1 }),
      run('DROP KEYSPACE "$ks_O"'),
    ],
  },
  {
    name: 'events',
    steps: [
      { do: 'event', cql: 'CREATE TABLE announced (k int PRIMARY KEY)', table: 'announced' },
      run('SELECT * FROM announced', { rows: 0 }),
    ],
  },
  {
    name: 'users',
    where: 'password',
    steps: [
      run("CREATE ROLE $ks_u WITH PASSWORD = 'one' AND LOGIN = true"),
      run('CREATE TABLE u (k int PRIMARY KEY, v text)'),
      run('CREATE TABLE closed (k int PRIMARY KEY, v text)'),
      run('GRANT SELECT ON TABLE u TO $ks_u'),
      { do: 'open', name: 'wrong', user: '$ks_u', password: 'two', fails: true },
      { do: 'open', name: 'nobody', user: 'nobody', password: 'one', fails: true },
      { do: 'open', name: 'user', user: '$ks_u', password: 'one', keyspace: '$ks' },
      many(100, 'INSERT INTO u (k, v) VALUES (?, ?)', ['$i', 'v$i']),
      many(200, 'SELECT v FROM u WHERE k = ?', ['$i'], ['main', 'user']),
      run("INSERT INTO u (k, v) VALUES (1, 'x')", { fails: true, on: 'user' }),
      run('SELECT * FROM closed', { fails: true, on: 'user' }),
      run('SELECT * FROM closed', { rows: 0 }),
      run('INSERT INTO closed (k) VALUES (?)', { values: [1], fails: true, on: 'user' }),
      run('LIST ROLES OF $ks_u', { rows: 1 }),
      { do: 'close', name: 'user' },
      run('DROP ROLE $ks_u'),
    ],
  },
]
