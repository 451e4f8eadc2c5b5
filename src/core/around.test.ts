import assert from 'node:assert/strict'
import { test } from 'node:test'
import { frameOf, play, textOf, Waits } from '../../test/core/chain-play.ts'
import { around } from './around.ts'
import type { Batch, Exchange } from './exchange.ts'
import type { Link } from './transform.ts'

const passing = () => around((batch, next) => next(batch))
const requests = (batch: Batch) => batch.map(({ request }) => textOf(request)).join(' ')

test('before next stand the requests, after it the replies, both halves in one hand', async () => {
  const seen: string[] = []
  const { send, sink, top, settle } = play([
    around(async (batch, next) => {
      seen.push(`down ${requests(batch)}`)
      const replies = await next(batch)
      assert.deepEqual(replies, batch)
      for (const { request, response } of batch) seen.push(`${textOf(request)}=${textOf(response)}`)
    }),
  ])
  send('1', '2')
  assert.deepEqual(sink.texts, ['1', '2'])
  sink.answer(sink.came)
  assert.deepEqual(top.told, [], 'bytes that are lent must outlive the hook')
  await settle()
  assert.deepEqual(seen, ['down 1 2', '1=re:1', '2=re:2'])
  assert.deepEqual(top.told, ['1=re:1', '2=re:2'])
})

test('batches overlap: the next one goes down while the first waits for its replies', async () => {
  const { send, sink, top, settle } = play([passing()])
  send('1')
  send('2')
  assert.deepEqual(sink.texts, ['1', '2'])
  sink.answer([sink.came[1]!])
  await settle()
  assert.deepEqual(top.told, ['2=re:2'])
  sink.answer([sink.came[0]!])
  await settle()
  assert.deepEqual(top.told, ['2=re:2', '1=re:1'])
})

test('a batch waits until everything of the one before was handed on, so that requests keep their order', async () => {
  const waits = new Waits()
  const { send, sink, settle } = play([
    around(async (batch, next) => {
      await next(batch.slice(0, 1))
      await waits.wait()
      await next(batch.slice(1))
    }),
  ])
  send('1', '2')
  send('3', '4')
  assert.deepEqual(sink.texts, ['1'])
  sink.answer([sink.came[0]!])
  await settle()
  assert.deepEqual(sink.texts, ['1'])
  waits.over()
  await settle()
  assert.deepEqual(sink.texts, ['1', '2', '3'])
})

test('a batch waits while an onion waits before next', async () => {
  const waits = new Waits()
  const { send, sink, settle } = play([
    around(async (batch, next) => {
      await waits.wait()
      return next(batch)
    }),
  ])
  send('1')
  send('2')
  await settle()
  assert.equal(waits.count, 1)
  waits.over()
  await settle()
  assert.deepEqual(sink.texts, ['1'])
  waits.over()
  await settle()
  assert.deepEqual(sink.texts, ['1', '2'])
})

test('an onion answers a part itself and hands on the rest', async () => {
  const { send, sink, top, settle, chain } = play([
    around(async (batch, next) => {
      const rest = batch.filter((exchange) => textOf(exchange.request) !== 'mine')
      for (const exchange of batch) if (!rest.includes(exchange)) exchange.response = frameOf('here')
      await next(rest)
    }),
  ])
  send('1', 'mine', '2')
  assert.deepEqual(sink.texts, ['1', '2'])
  sink.answer(sink.came)
  await settle()
  assert.deepEqual(top.told, ['1=re:1', 'mine=here', '2=re:2'])
  send('mine')
  await settle()
  assert.equal(top.told.at(-1), 'mine=here')
  assert.equal(chain.spec.stats.failures, 0)
})

test('an onion may change replies, and replace them', async () => {
  const { send, sink, top, settle } = play([
    around(async (batch, next) => {
      await next(batch)
      for (const exchange of batch) exchange.response = frameOf(textOf(exchange.response).toUpperCase())
    }),
  ])
  send('a', 'b')
  sink.answer(sink.came)
  await settle()
  assert.deepEqual(top.told, ['a=RE:A', 'b=RE:B'])
})

test('a batch that goes on in several parts comes back whole, in whatever order the replies come', async () => {
  const { send, sink, top, settle } = play([
    around(async (batch, next) => {
      await Promise.all([next(batch.slice(2)), next(batch.slice(0, 2))])
    }),
  ])
  send('1', '2', '3', '4')
  assert.deepEqual(sink.texts, ['3', '4', '1', '2'])
  const [three, four, one, two] = sink.came as [Exchange, Exchange, Exchange, Exchange]
  for (const exchange of [two, four, three]) {
    sink.answer([exchange])
    await settle()
    assert.deepEqual(top.told, [])
  }
  sink.answer([one])
  await settle()
  assert.deepEqual(top.told, ['1=re:1', '2=re:2', '3=re:3', '4=re:4'])
})

test('what an onion drops is answered with a failure, the rest as it should be', async () => {
  const { send, sink, top, settle, chain } = play([around(async (batch, next) => next(batch.slice(1)))])
  send('1', '2')
  sink.answer(sink.came)
  await settle()
  assert.deepEqual(top.told[0], '2=re:2')
  assert.match(top.told[1]!, /^1=-internal 1: .*its onion gave no response/s)
  assert.equal(top.told.length, 2)
  assert.equal(chain.spec.stats.failures, 1)
})

test('an onion that does not wait for its replies lets them pass', async () => {
  const { send, sink, top, settle } = play([around(async (batch, next) => void next(batch))])
  send('1', '2')
  await settle()
  sink.answer([sink.came[1]!])
  assert.deepEqual(top.told, ['2=re:2'])
  sink.answer([sink.came[0]!])
  assert.deepEqual(top.told, ['2=re:2', '1=re:1'])
})

test('what an onion does to its arrays harms nobody', async () => {
  const { send, sink, top, settle } = play([
    around(async (batch, next) => {
      const replies = next(batch)
      batch.length = 0
      ;(await replies).length = 0
    }),
  ])
  send('1', '2')
  sink.answer(sink.came)
  await settle()
  assert.deepEqual(top.told, ['1=re:1', '2=re:2'])
})

test('an exchange without a reply does not hold up its batch', async () => {
  const seen: string[] = []
  const { send, sink, top, settle } = play([
    around(async (batch, next) => {
      seen.push(requests(await next(batch)))
    }),
  ])
  send('1', '2', '3')
  sink.answer([sink.came[0]!])
  sink.link.silent(sink.came[1]!)
  sink.answer([sink.came[2]!])
  await settle()
  assert.deepEqual(seen, ['1 3'])
  assert.deepEqual(top.told, ['2 is silent', '1=re:1', '3=re:3'])
})

test('a batch of which nothing has a reply comes to its end', async () => {
  let ended = false
  const { send, sink, top, settle, chain } = play([
    around(async (batch, next) => {
      assert.deepEqual(await next(batch), [])
      ended = true
    }),
  ])
  send('1')
  sink.link.silent(sink.came[0]!)
  await settle()
  assert.equal(ended, true)
  assert.deepEqual(top.told, ['1 is silent'])
  assert.equal(chain.spec.stats.failures, 0)
})

test('an exchange that is cancelled does not hold up its batch, whether its reply is there or not', async () => {
  for (const cancelled of [0, 1]) {
    const { send, sink, top, settle, chain } = play([passing()])
    send('1', '2', '3')
    sink.answer([sink.came[0]!])
    chain.cancel(sink.came[cancelled]!)
    await settle()
    assert.equal(top.told.length, 0)
    sink.answer(sink.came.slice(cancelled === 0 ? 1 : 2))
    await settle()
    assert.ok(top.told.includes('3=re:3'))
    assert.equal(chain.spec.stats.failures, 0)
  }
})

test('what is cancelled before it is handed on stays away from the server', async () => {
  const waits = new Waits()
  const { send, sink, top, settle, chain } = play([
    around(async (batch, next) => {
      await waits.wait()
      return next(batch)
    }),
  ])
  const [first] = send('1', '2')
  chain.cancel(first!)
  waits.over()
  await settle()
  assert.deepEqual(sink.texts, ['2'])
  sink.answer(sink.came)
  await settle()
  assert.deepEqual(top.told, ['2=re:2'])
})

test('a push keeps its place behind the replies that came before it', async () => {
  const waits = new Waits()
  const { send, sink, top, settle } = play([
    around(async (batch, next) => {
      await next(batch)
      await waits.wait()
    }),
  ])
  sink.link = null as unknown as Link
  send('1')
  sink.push('a')
  assert.deepEqual(top.told, ['push a'], 'nothing is in hand')
  send('2', '3')
  sink.answer(sink.came.slice(0, 2))
  sink.push('b')
  await settle()
  sink.push('c')
  assert.deepEqual(top.told, ['push a'])
  waits.over()
  await settle()
  assert.deepEqual(top.told, ['push a', '1=re:1'])
  sink.answer(sink.came.slice(2))
  await settle()
  waits.over()
  await settle()
  assert.deepEqual(top.told, ['push a', '1=re:1', '2=re:2', '3=re:3', 'push b', 'push c'])
  sink.push('d')
  assert.equal(top.told.at(-1), 'push d')
})

test('onions stand in each other, and beside hooks', async () => {
  const trail: string[] = []
  const layer = (name: string) =>
    around(async (batch, next) => {
      trail.push(`${name} down ${requests(batch)}`)
      await next(batch)
      trail.push(`${name} up ${requests(batch)}`)
    })
  const hooks = {
    onRequests: (batch: Batch, link: Link) => link.forward(batch),
    onResponses: (batch: Batch, link: Link) => link.reply(batch),
  }
  const { send, sink, top, settle } = play([layer('a'), hooks, layer('b')])
  sink.echo = 're:'
  send('1', '2')
  await settle()
  assert.deepEqual(trail, ['a down 1 2', 'b down 1 2', 'b up 1 2', 'a up 1 2'])
  assert.deepEqual(top.told, ['1=re:1', '2=re:2'])
})

test('an onion may ask the rest of the chain something of its own', async () => {
  const { send, sink, top, settle } = play([
    around(async (batch, next, link) => {
      const asked = await link.call(frameOf('own'))
      await next(batch)
      for (const exchange of batch) exchange.response = frameOf(`${textOf(asked)},${textOf(exchange.response)}`)
    }),
  ])
  send('1')
  sink.answer(sink.came)
  await settle()
  sink.answer(sink.came.slice(1))
  await settle()
  assert.deepEqual(top.told, ['1=re:own,re:1'])
})
