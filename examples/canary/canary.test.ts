import assert from 'node:assert/strict'
import { test } from 'node:test'
import { conformance } from 'shotover/conformance'
import { play } from 'shotover/kit'
import canary from './canary.ts'

test('a client goes one way or the other, with all that it asks', async () => {
  const first = play(canary, { percent: 50, chain: [] })
  const clients = [first, ...Array.from({ length: 30 }, () => first.connect())]
  let there = 0
  for (const client of clients) {
    await client.send(['GET', 'a'])
    const within = client.within('chain').open.length
    await client.send(['GET', 'b'])
    assert.equal(client.within('chain').open.length, within * 2)
    assert.equal(client.open.length, within === 0 ? 2 : 0)
    there += within
  }
  assert.ok(there > 0 && there < clients.length)
})

test('what the other server says is what its client gets', async () => {
  const p = play(canary, { percent: 100, chain: [] })
  await p.send(['GET', 'a'], ['GET', 'b'])
  await p.within('chain').answer('$1\r\n1\r\n', '$1\r\n2\r\n')
  p.expectReplied('$1\r\n1\r\n', '$1\r\n2\r\n')
  assert.equal(p.faults, 0)
})

conformance(canary, { percent: 0, chain: [] })
conformance(canary, { percent: 100, chain: [] }, { mirrors: ['chain'] })
