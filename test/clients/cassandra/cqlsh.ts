import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Program } from '../programs.ts'
import type { Place } from './suite.ts'

// A script for cqlsh, directly and through the proxy, and its whole output compared.

const KEYSPACE = 'with_cqlsh'
const CQLSH_MS = 120_000

const SCRIPT = `CREATE KEYSPACE ${KEYSPACE} WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1};
USE ${KEYSPACE};
CREATE TYPE address (street text, numbers frozen<list<int>>);
CREATE TABLE t (k int, c text, v map<text, int>, a frozen<address>, d duration, PRIMARY KEY (k, c)) WITH comment = 'a table';
CREATE INDEX t_c ON t (c);
INSERT INTO t (k, c, v, a, d) VALUES (1, 'жук', {'x': 1}, {street: 'Long', numbers: [1, 2]}, 1mo2d3h);
BEGIN BATCH INSERT INTO t (k, c) VALUES (1, 'b') INSERT INTO t (k, c) VALUES (2, 'c') APPLY BATCH;
SELECT * FROM t;
SELECT count(*) FROM t;
INSERT INTO t (k, c) VALUES (1, 'b') IF NOT EXISTS;
CONSISTENCY QUORUM
SELECT c FROM t WHERE k = 1;
PAGING 1
SELECT k FROM t;
EXPAND ON
SELECT * FROM t LIMIT 1;
EXPAND OFF
SELECT nothing FROM t;
SELEC;
DESCRIBE KEYSPACE ${KEYSPACE};
DESCRIBE TABLES;
DESCRIBE TABLE t;
LIST ROLES;
SHOW HOST
TRUNCATE t;
SELECT * FROM t;
DROP KEYSPACE ${KEYSPACE};
`

/** What is different, and how many lines are the same. */
export async function compareCqlsh(
  program: Program,
  version: number,
  place: Place,
): Promise<{ problems: string[]; same: number }> {
  const folder = mkdtempSync(join(tmpdir(), 'shotover-cqlsh-'))
  try {
    const script = join(folder, 'script.cql')
    writeFileSync(script, SCRIPT)
    const authority = place.authority === null ? '' : `[ssl]\ncertfile = ${place.authority}\nvalidate = true\n`
    writeFileSync(join(folder, 'cqlshrc'), authority)
    const outputs: string[] = []
    // One behind the other: they use the same names.
    for (const [name, port] of Object.entries(place.ports)) {
      const output = await run(program, version, place, port, folder)
      if (!output.includes('a table')) return { problems: [`${name}: ${output}`], same: 0 }
      outputs.push(output.replaceAll(String(port), 'PORT'))
    }
    const [direct, ...through] = outputs.map((output) => output.split('\n'))
    const problems = through.flatMap((lines) =>
      Array.from({ length: Math.max(lines.length, direct!.length) }, (_, at) => at)
        .filter((at) => lines[at] !== direct![at])
        .map((at) => `line ${at + 1}: ${lines[at]}\n  directly: ${direct![at]}`),
    )
    return { problems: problems.slice(0, 10), same: direct!.length * through.length - problems.length }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function run(program: Program, version: number, place: Place, port: number, folder: string): Promise<string> {
  const { credentials, authority } = place
  const args = [
    ...program.args,
    '127.0.0.1',
    String(port),
    ...['--cqlshrc', join(folder, 'cqlshrc'), '--protocol-version', String(version), '--request-timeout', '60'],
    ...(authority === null ? [] : ['--ssl']),
    ...(credentials === null ? [] : ['-u', credentials.user, '-p', credentials.password]),
    ...['--no-color', '--file', join(folder, 'script.cql')],
  ]
  // Its history goes into the folder of the one who runs it.
  const env = { ...program.env, HOME: folder, COLUMNS: '200' }
  return new Promise((resolve) =>
    execFile(program.command, args, { env, timeout: CQLSH_MS, killSignal: 'SIGKILL' }, (error, stdout, stderr) =>
      resolve([stdout, stderr, error === null ? '' : error.message].join('\n')),
    ),
  )
}
