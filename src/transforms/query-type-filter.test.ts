import assert from 'node:assert/strict'
import { test } from 'node:test'
import { play, type Message } from '../../test/kit.ts'
import type { Protocol } from '../core/protocol.ts'
import { valkey } from '../protocols/valkey/index.ts'
import { queryTypeFilter } from './query-type-filter.ts'

const FILTERED = '-ERR Message was filtered out by shotover\r\n'

const lists: [options: unknown, passes: string, filtered: string][] = [
  [{ DenyList: ['Read'] }, 'SET PING MODULE.GET', 'GET MGET APPEND'],
  [{ AllowList: ['Read'] }, 'GET MGET APPEND', 'SET EXISTS TTL PING HELLO MODULE.GET'],
  [{ DenyList: ['Write'] }, 'GET APPEND', 'SET SUBSCRIBE'],
  [{ AllowList: ['Read', 'Write'] }, 'GET SET PING', ''],
  [{ AllowList: [] }, '', 'GET SET'],
  [{ DenyList: [] }, 'GET SET', ''],
  [{ AllowList: ['SchemaChange', 'ReadWrite', 'PubSubMessage'] }, '', 'GET SET SUBSCRIBE'],
]

for (const [options, passes, filtered] of lists) {
  test(`${JSON.stringify(options)} lets ${passes || 'nothing'} through, and not ${filtered || 'nothing'}`, async () => {
    for (const word of passes.split(' ').filter((name) => name !== '')) {
      const p = play(queryTypeFilter, options)
      await p.send([word, 'a'])
      p.expectForwarded([word, 'a'])
      p.expectReplied()
    }
    for (const word of filtered.split(' ').filter((name) => name !== '')) {
      const p = play(queryTypeFilter, options)
      await p.send([word, 'a'])
      p.expectForwarded()
      p.expectReplied(FILTERED)
    }
  })
}

test('errors stand where the replies would have stood', async () => {
  const p = play(queryTypeFilter, { DenyList: ['Read'] })
  const set = (n: number): Message => ['SET', `k${n}`, 'v']
  await p.send(['GET', 'a'], set(1), ['GET', 'b'], set(2), ['GET', 'c'])
  p.expectForwarded(set(1), set(2))
  p.expectReplied(FILTERED)
  await p.answer('+1\r\n')
  p.expectReplied('+1\r\n', FILTERED)
  await p.answer('+2\r\n')
  p.expectReplied('+2\r\n', FILTERED)
  assert.equal(p.faults, 0)
})

test('a read is refused within a transaction too, and the rest of it goes on; one of writes alone is never cut', async () => {
  const p = play(queryTypeFilter, { DenyList: ['Read'] })
  await p.send(['MULTI'], ['SET', 'a', '1'], ['GET', 'a'], ['EXEC'])
  p.expectForwarded(['MULTI'], ['SET', 'a', '1'], ['EXEC'])
  await p.answer('+OK\r\n', '+QUEUED\r\n', '*1\r\n+OK\r\n')
  p.expectReplied('+OK\r\n', '+QUEUED\r\n', FILTERED, '*1\r\n+OK\r\n')
  // Who may not write may not begin one.
  const reader = play(queryTypeFilter, { DenyList: ['Write'] })
  await reader.send(['MULTI'], ['SET', 'a', '1'], ['GET', 'a'], ['EXEC'])
  reader.expectForwarded(['GET', 'a'])
})

test('a large request that is filtered out does not disturb those behind it', async () => {
  const p = play(queryTypeFilter, { DenyList: ['Write'] }, { limits: { cutThroughBytes: 64 } })
  await p.send(['SET', 'a', 'x'.repeat(1000)], ['GET', 'a'])
  p.expectForwarded(['GET', 'a'])
  await p.answer('$-1\r\n')
  p.expectReplied(FILTERED, '$-1\r\n')
})

test('where the code does not tell the type, the frame is asked', async () => {
  const asking: Protocol = { ...(valkey as Protocol), queries: { ...valkey.queries!, codes: undefined } }
  const p = play(queryTypeFilter, { DenyList: ['Read'] }, { protocol: asking })
  await p.send(['GET', 'a'], ['SET', 'a', '1'])
  p.expectForwarded(['SET', 'a', '1'])
})

test('a session whose protocol has no errors ends', async () => {
  const p = play(
    queryTypeFilter,
    { DenyList: ['Read'] },
    { protocol: { ...(valkey as Protocol), failure: () => null } },
  )
  await p.send(['SET', 'a', '1'], ['GET', 'a'])
  p.expectForwarded()
  assert.deepEqual(p.closings, { failed: 1 })
})

test('exactly one list must be there, of types that exist', () => {
  for (const options of [{}, { AllowList: ['Read'], DenyList: ['Write'] }]) {
    assert.throws(() => play(queryTypeFilter, options), /exactly one of these fields/)
  }
  assert.throws(() => play(queryTypeFilter, { AllowList: ['Reads'] }), /AllowList/)
})
