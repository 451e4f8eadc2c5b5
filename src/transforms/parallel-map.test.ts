import assert from 'node:assert/strict'
import { test } from 'node:test'
import { play, type Message } from '../../test/kit.ts'
import type { Protocol } from '../core/protocol.ts'
import { valkey } from '../protocols/valkey/index.ts'
import { coalesce } from './coalesce.ts'
import { parallelMap } from './parallel-map.ts'

const options = (parallelism: number, ordered = true) => ({ parallelism, ordered_results: ordered, chain: [] })
const get = (...names: string[]): Message[] => names.map((name) => ['GET', name])
const anyOrder: Protocol = { ...(valkey as Protocol), orderToClient: 'any' }

test('the requests of a batch are dealt to the copies in turn, each batch from the first on', async () => {
  const p = play(parallelMap, options(3))
  await p.send(...get('a', 'b', 'c', 'd', 'e'))
  p.within('chain', 0).expectForwarded(...get('a', 'd'))
  p.within('chain', 1).expectForwarded(...get('b', 'e'))
  p.within('chain', 2).expectForwarded(...get('c'))
  await p.send(...get('f'))
  p.within('chain', 0).expectForwarded(...get('f'))
  assert.equal(p.faults, 0)
})

test('one copy is as good as none', async () => {
  const p = play(parallelMap, options(1))
  await p.send(...get('a', 'b'))
  await p.answer('+a\r\n', '+b\r\n')
  p.expectReplied('+a\r\n+b\r\n')
})

test('replies leave in the order of requests where the protocol wants that, whatever the option says', async () => {
  for (const ordered of [true, false]) {
    const p = play(parallelMap, options(2, ordered))
    await p.send(...get('a', 'b', 'c'))
    await p.within('chain', 1).answer('+b\r\n')
    p.expectReplied()
    await p.within('chain', 0).answer('+a\r\n', '+c\r\n')
    p.expectReplied('+a\r\n+b\r\n+c\r\n')
  }
})

test('where the protocol does not want it, the option decides', async () => {
  const loose = play(parallelMap, options(2, false), { protocol: anyOrder })
  await loose.send(...get('a', 'b'))
  await loose.within('chain', 1).answer('+b\r\n')
  loose.expectReplied('+b\r\n')
  const strict = play(parallelMap, options(2), { protocol: anyOrder })
  await strict.send(...get('a', 'b', 'c', 'd'))
  await strict.within('chain', 1).answer('+b\r\n', '+d\r\n')
  strict.expectReplied()
  await strict.within('chain', 0).silence()
  strict.expectReplied('+b\r\n')
  await strict.within('chain', 0).answer('+c\r\n')
  strict.expectReplied('+c\r\n+d\r\n')
})

test('pushes come up, and a copy that fails fails the session instead of losing replies', async () => {
  const p = play(parallelMap, options(2))
  await p.send(...get('a', 'b'))
  await p.within('chain', 1).push('>2\r\n$1\r\na\r\n$1\r\nb\r\n')
  p.expectReplied('>2\r\n$1\r\na\r\n$1\r\nb\r\n')
  await p.within('chain', 1).fail('out of order')
  assert.match(String(p.takeReplied()), /^-ERR Internal.*out of order.*\r\n-ERR Internal.*out of order/s)
  assert.deepEqual(p.closings, { failed: 1 })
})

test('large requests and replies flow through in parts', async () => {
  const p = play(parallelMap, options(2), { limits: { cutThroughBytes: 64 } })
  const large: Message = ['SET', 'a', 'x'.repeat(1000)]
  await p.send(...get('a'), large)
  p.expectForwarded(...get('a'), large)
  const reply = `$1000\r\n${'y'.repeat(1000)}\r\n`
  await p.answer('+a\r\n', reply)
  p.expectReplied('+a\r\n', reply)
})

test('what the copies hold goes on when the session is to end', async () => {
  const within = { chain: [{ kind: coalesce, options: { flush_when_buffered_message_count: 10 } }] } as never
  const p = play(parallelMap, options(2), { within })
  await p.send(...get('a', 'b'))
  p.expectForwarded()
  await p.drain()
  p.expectForwarded(...get('a', 'b'))
  await p.answer('+a\r\n', '+b\r\n')
  p.expectReplied('+a\r\n+b\r\n')
  assert.equal(p.closed, true)
})

test('what its copies hold counts towards no bound of the session, and goes on when it has too many bytes', async () => {
  const within = { chain: [{ kind: coalesce, options: { flush_when_buffered_message_count: 1000 } }] } as never
  const p = play(parallelMap, options(4), { within, limits: { sessionInFlightMax: 16, sessionUnsentBytes: 1000 } })
  await p.send(...get(...Array.from({ length: 26 }, (_, i) => String(i))))
  await p.advance(1)
  p.expectForwarded()
  const bulky: Message = ['SET', 'a', 'x'.repeat(1000)]
  await p.send(bulky)
  assert.equal(p.open.length, 8)
  assert.equal(p.faults, 0)
})
