import { execFile } from 'node:child_process'
import { join } from 'node:path'
import fc from 'fast-check'
import { SIMPLE_TYPES, type SimpleType } from '../../../src/protocols/cassandra/body/cql-type.ts'
import { parseStatement } from '../../../src/protocols/cassandra/cql/parse.ts'
import { OTHER_STATEMENTS, REFUSED, STATEMENTS } from '../../../src/protocols/cassandra/cql/statements.table.ts'
import type { Insert } from '../../../src/protocols/cassandra/cql/tree.ts'
import { parseReplication, ReplicaMap, Ring } from '../../../src/protocols/cassandra/replicas.ts'
import { MURMUR3, RANDOM } from '../../../src/protocols/cassandra/token.ts'
import { encodeLiteral } from '../../../src/protocols/cassandra/values/literal.ts'
import { fetchJars, javaOptions } from './server.ts'

// What is understood of CQL, tokens and replicas, against the classes of Cassandra that decide it: no node, only its jars.

/** A question in the words of Answers.java, and what is wrong with its answer; null where nothing is. */
interface Question {
  readonly asked: string
  judge(answer: string): string | null
}

/** The same every time. */
const SEED = 7
const sample = <T>(arbitrary: fc.Arbitrary<T>, numRuns: number) => fc.sample(arbitrary, { numRuns, seed: SEED })
const hex = (text: string) => Buffer.from(text).toString('hex')
const isRefusal = (answer: string) => answer.startsWith('!')

const texts = (table: typeof STATEMENTS) => Object.values(table).flatMap((rows) => rows.map(([text]) => text))

/** What the server takes has to be parsed; of what it refuses, only what is known to be refused. */
function statement(text: string, isKnown: boolean | null): Question {
  return {
    asked: `statement ${hex(text)}`,
    judge(answer) {
      // What a grammar takes may still name a keyspace that has to be there.
      const isTaken = !isRefusal(answer) || /doesn't exist|qualified by a keyspace/.test(answer)
      if (isKnown !== null && isTaken !== isKnown) return `${text}: the server says ${answer}`
      const parsed = parseStatement(Buffer.from(text))
      return isTaken && !isRefusal(answer) && parsed.type === 'unparsed' ? `${text}: ${parsed.reason}` : null
    },
  }
}

function statements(): Question[] {
  const known = texts(STATEMENTS)
  const words = (text: string) => text.split(/(?<=\W)|(?=\W)/)
  const pool = [...known, ...texts(OTHER_STATEMENTS)]
  const others = fc.array(fc.constantFrom(...new Set(pool.flatMap(words))), { maxLength: 2 })
  const mutated = fc
    .tuple(fc.constantFrom(...pool), fc.nat(), fc.nat({ max: 2 }), others)
    .map(([text, at, gone, by]) => {
      const parts = words(text)
      parts.splice(at % parts.length, gone, ...by)
      return parts.join('')
    })
  return [
    ...known.map((text) => statement(text, true)),
    ...REFUSED.map((text) => statement(text, false)),
    ...sample(mutated, 20_000).map((text) => statement(text, null)),
  ]
}

function literals(): Question[] {
  const text = fc.oneof(
    ...[
      /^-?\d{1,20}$/,
      /^-?\d{1,9}(\.\d{0,9})?([eE][+-]?\d{1,3})?$/,
      /^'\d{4}-[01]\d-[0-3]\d([ T][012]\d:[0-5]\d(:[0-5]\d)?(\.\d{1,3})?)?(Z|[+-][01]\d[0-5]\d)?'$/,
      /^'[012]\d:[0-6]\d:[0-6]\d(\.\d{1,9})?'$/,
      /^'([12]?\d\d?\.){3}[12]?\d\d?'$/,
      /^'([0-9a-f]{0,4}:){1,7}[0-9a-f]{0,4}'$/,
      /^-?(\d{1,4}(y|mo|w|d|h|m|s|ms|us|ns)){1,3}$/,
      /^-?P\dY(\d\dM)?(\dD)?(T\dH)?$/,
      /^0x([0-9a-f]{2}){0,5}$/,
    ].map((pattern) => fc.stringMatching(pattern)),
  )
  const types = Object.keys(SIMPLE_TYPES) as SimpleType[]
  return sample(fc.tuple(fc.constantFrom(...types), text), 20_000).map(([type, literal]) => ({
    asked: `literal ${type} ${hex(literal)}`,
    judge(answer) {
      const bytes = Buffer.from(`INSERT INTO t (k) VALUES (${literal})`)
      const parsed = parseStatement(bytes)
      const value = parsed.type === 'insert' ? encodeLiteral(bytes, (parsed as Insert).values[0]!, { type }) : undefined
      // What is left to the server may be anything.
      if (value === undefined || value === null || value.toString('hex') === answer) return null
      return `${literal} as ${type} is ${value.toString('hex')}; the server says ${answer}`
    },
  }))
}

function tokens(): Question[] {
  return sample(fc.uint8Array({ maxLength: 100, size: 'max' }), 5000).map((bytes) => {
    const key = Buffer.from(bytes)
    const own = `${MURMUR3.token(key)} ${RANDOM.token(key)}`
    return {
      asked: `token ${key.toString('hex')}`.trim(),
      judge: (answer) => (answer === own ? null : `the token of ${key.toString('hex')} is ${own}, not ${answer}`),
    }
  })
}

const token = fc.bigInt({ min: -(2n ** 63n) + 1n, max: 2n ** 63n - 1n })

function replicas(): Question[] {
  const node = fc.record({
    datacenter: fc.constantFrom('dc1', 'dc2', 'dc3'),
    rack: fc.constantFrom('r1', 'r2', 'r3'),
    tokens: fc.uniqueArray(token, { minLength: 1, maxLength: 6 }),
  })
  const factor = fc.integer({ min: 1, max: 5 })
  const options = fc.oneof(
    factor.map((each) => [['replication_factor', String(each)]]),
    fc.array(factor, { minLength: 1, maxLength: 3 }).map((all) => all.map((each, i) => [`dc${i + 1}`, String(each)])),
  ) as fc.Arbitrary<[string, string][]>
  const clusters = fc.tuple(fc.array(node, { minLength: 1, maxLength: 9 }), fc.array(fc.tuple(token, options), { minLength: 10, maxLength: 10 })) // prettier-ignore
  return sample(clusters, 300).flatMap(([nodes, asked]) => {
    const ring = new Ring(nodes.flatMap((each) => each.tokens.map((at) => ({ token: at, node: each }))))
    const told = nodes.map((each) => [each.datacenter, each.rack, ...each.tokens].join(':')).join(' ')
    const made: Question = { asked: `ring ${told}`, judge: (answer) => (isRefusal(answer) ? answer : null) }
    return [made, ...asked.map(([at, each]) => replicasOf(ring, nodes, at, each))]
  })
}

function replicasOf<N extends { datacenter: string; rack: string }>(
  ring: Ring<N>,
  nodes: readonly N[],
  at: bigint,
  options: readonly [string, string][],
): Question {
  const name = options[0]![0] === 'replication_factor' ? 'SimpleStrategy' : 'NetworkTopologyStrategy'
  const replication = parseReplication(new Map([['class', name], ...options]))!
  const own = ['nodes', ...new ReplicaMap(ring, replication).of(at).map((node) => nodes.indexOf(node))].join(' ')
  const asked = `replicas ${at} ${options.map((pair) => pair.join('=')).join(' ')}`
  return { asked, judge: (answer) => (answer === own ? null : `${asked}: ${own}, not ${answer}`) }
}

export interface Comparison {
  readonly name: string
  readonly cases: number
  readonly problems: readonly string[]
}

const ASK_MS = 300_000
const PROBLEMS_TOLD = 10

/** Asks Cassandra's classes about all of it. */
export async function compareAnswers(): Promise<Comparison[]> {
  const groups: readonly [name: string, questions: Question[]][] = [
    ['what the server takes for CQL is parsed', statements()],
    ['literals are the bytes that the server makes of them', literals()],
    ['tokens are those of the server', tokens()],
    ['replicas are those of the server', replicas()],
  ]
  const answers = await ask(groups.flatMap(([, questions]) => questions.map(({ asked }) => asked)))
  let at = 0
  return groups.map(([name, questions]) => {
    const problems = questions.map((question) => question.judge(answers[at++] ?? '! nothing')).filter((each) => each !== null) // prettier-ignore
    return { name, cases: questions.length - problems.length, problems: problems.slice(0, PROBLEMS_TOLD) }
  })
}

async function ask(questions: readonly string[]): Promise<string[]> {
  const jars = await fetchJars()
  const args = [...javaOptions(jars), '-Xmx400M', '-cp', join(jars, '*'), join(import.meta.dirname, 'Answers.java')]
  const stdout = await new Promise<string>((resolve, reject) => {
    const options = { timeout: ASK_MS, killSignal: 'SIGKILL', maxBuffer: 256 * 1024 * 1024 } as const
    const program = execFile('java', args, options, (error, told) => (error === null ? resolve(told) : reject(error)))
    program.stdin!.end(`${questions.join('\n')}\n`)
  })
  return stdout.trimEnd().split('\n')
}
