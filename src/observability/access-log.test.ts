import assert from 'node:assert/strict'
import { test } from 'node:test'
import { conformance } from '../../test/conformance.ts'
import { play, type Play } from '../../test/kit.ts'
import { transform } from '../core/kind.ts'
import { accessLogStage } from './access-log.ts'

type Line = Record<string, unknown>

/** The stage as a transform of a chain. */
function accessLog(sample: number, lines: Line[]) {
  return transform({
    type: 'AccessLog',
    doc: '',
    options: (z) => z.strictObject({}),
    create(_options, { world }) {
      const write = (line: string) => {
        assert.ok(line.endsWith('\n') && line.indexOf('\n') === line.length - 1)
        lines.push(JSON.parse(line) as Line)
      }
      return accessLogStage({ world, sample, write }).factory
    },
  })
}

function start(sample = 1): { p: Play; lines: Line[] } {
  const lines: Line[] = []
  return { p: play(accessLog(sample, lines), {}), lines }
}

test('a request has a line once it is answered: who, what, how long, how much; nothing of its keys and values', async () => {
  const { p, lines } = start()
  await p.send(['SET', 'secret-key', 'secret-value'])
  assert.deepEqual(lines, [])
  await p.advance(25)
  await p.answer('+OK\r\n')
  p.expectReplied('+OK\r\n')
  const { timestamp, ...rest }: Line = lines[0]!
  assert.match(String(timestamp), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/)
  assert.deepEqual(rest, {
    source: 'main',
    chain: 'main',
    connection: 1,
    client: '127.0.0.1',
    client_port: rest.client_port,
    query: 'SET',
    outcome: 'answered',
    latency_us: 25_000,
    request_bytes: 49,
    response_bytes: 5,
  })
  assert.ok(!JSON.stringify(lines).includes('secret'))
})

test('an error is told from another reply, and both from none', async () => {
  const { p, lines } = start()
  await p.send(['GET', 'a'])
  await p.answer('-ERR no\r\n')
  await p.send(['CLIENT', 'REPLY', 'SKIP'])
  await p.silence()
  await p.send(['GET', 'b'])
  await p.silence()
  await p.send(['GET', 'c'])
  await p.answer('+c\r\n')
  await p.send(['GET', 'd'])
  await p.leave()
  assert.deepEqual(
    lines.map(({ query, outcome, response_bytes: bytes }) => [query, outcome, bytes]),
    [
      ['GET', 'error', 9],
      ['CLIENT', 'no-reply', null],
      ['GET', 'no-reply', null],
      ['GET', 'answered', 4],
      ['GET', 'given-up', null],
    ],
  )
})

test('of a sample every request has the same chance, and of the others nothing is kept', async () => {
  const { p, lines } = start(0.1)
  for (let i = 0; i < 50; i++) {
    await p.send(...Array.from({ length: 20 }, () => ['GET', 'a']))
    await p.answer(...Array.from({ length: 20 }, () => '+a\r\n'))
  }
  assert.ok(lines.length > 60 && lines.length < 150, String(lines.length))
})

conformance(accessLog(1, []), {})
conformance(accessLog(0.3, []), {})
