import assert from 'node:assert/strict'
import { test } from 'node:test'
import { z } from 'zod'
import { play } from '../../test/kit.ts'
import { around } from './around.ts'
import { valkey } from '../protocols/valkey/index.ts'
import { transform, type SessionFactory, type TransformKind } from './kind.ts'
import type { Protocol } from './protocol.ts'
import type { Batch } from './exchange.ts'
import type { Link } from './transform.ts'

const own = (create: (world: { after(ms: number): Promise<void> }) => SessionFactory): TransformKind =>
  transform({
    type: 'Own',
    doc: '',
    options: z.strictObject({}),
    create: (_options, { world }) => create({ after: (ms) => new Promise((go) => void world.clock.after(ms, go)) }),
  }) as TransformKind

/** Puts a word into every key on its way down, and into every reply on its way up. */
const tags = (tag: string) =>
  own(() => ({ protocol }) => ({
    onRequests(batch, link) {
      for (const { request } of batch) protocol.queries!.renameKeys!(request, (key) => `${tag}:${key}`)
      link.forward(batch)
    },
    onResponses(batch, link) {
      for (const exchange of batch) {
        const { text } = protocol.body(exchange.response!) as { text: string }
        exchange.response = protocol.encode({ type: 'simple', text: `${tag} ${text}` }, -1)
      }
      link.reply(batch)
    },
  }))

const passes = own(() => () => ({ onRequests: (batch, link) => link.forward(batch) }))

test('a session with nothing under way has the new version at once, and so have new ones', async () => {
  const p = play(tags('old'), {})
  await p.send(['GET', 'a'])
  p.expectForwarded(['GET', 'old:a'])
  await p.answer('+1\r\n')
  p.expectReplied('+old 1\r\n')
  await p.reload(tags('new'), {})
  for (const client of [p, p.connect()]) {
    await client.send(['GET', 'a'])
    client.expectForwarded(['GET', 'new:a'])
    await client.answer('+1\r\n')
    client.expectReplied('+new 1\r\n')
  }
})

test('what is under way ends with the old version; what is sent meanwhile waits for the new one', async () => {
  const p = play(tags('old'), {})
  await p.send(['GET', 'a'], ['GET', 'b'])
  p.expectForwarded(['GET', 'old:a'], ['GET', 'old:b'])
  await p.reload(tags('new'), {})
  await p.send(['GET', 'c'], ['GET', 'd'])
  await p.answer('+1\r\n')
  await p.advance(1)
  p.expectForwarded()
  await p.answer('+2\r\n')
  await p.advance(1)
  p.expectForwarded(['GET', 'new:c'], ['GET', 'new:d'])
  await p.answer('+3\r\n', '+4\r\n')
  p.expectReplied('+old 1\r\n', '+old 2\r\n', '+new 3\r\n', '+new 4\r\n')
  assert.equal(p.faults, 0)
})

test('who waits for a reply that takes long has the new version once it is there', async () => {
  const p = play(tags('old'), {})
  await p.send(['BLPOP', 'list', '0'])
  await p.reload(tags('new'), {})
  await p.send(['GET', 'a'])
  await p.advance(600_000)
  p.expectForwarded(['BLPOP', 'old:list', '0'])
  await p.answer('+1\r\n')
  await p.advance(50)
  p.expectForwarded(['GET', 'new:a'])
})

test('who waits for long and then has no more to say is heard to the end', async () => {
  const p = play(tags('old'), {})
  await p.send(['BLPOP', 'list', '0'])
  await p.reload(tags('new'), {})
  await p.send(['GET', 'a'])
  await p.finish()
  await p.advance(1)
  p.expectForwarded(['BLPOP', 'old:list', '0'], ['GET', 'old:a'])
  await p.answer('+1\r\n', '+2\r\n')
  await p.advance(1)
  assert.equal(p.closed, true)
})

test('where requests need not wait for one another nobody is held for long, and it is tried again', async () => {
  const p = play(tags('old'), {}, { protocol: { ...valkey, orderToClient: 'any' } as Protocol })
  await p.send(['GET', 'long'])
  await p.reload(tags('new'), {})
  await p.send(['GET', 'a'])
  p.takeForwarded()
  await p.advance(300)
  p.expectForwarded(['GET', 'old:a'])
  await p.answer('+1\r\n', '+2\r\n')
  await p.advance(5000)
  await p.send(['GET', 'b'])
  p.expectForwarded(['GET', 'new:b'])
})

test('a stage that waits for more requests gets them', async () => {
  const pairs = own(() => () => {
    let held: Batch = []
    return {
      holds: true,
      get held() {
        return held.length
      },
      onRequests(batch: Batch, link: Link) {
        held = held.concat(batch)
        if (held.length < 2) return
        link.forward(held)
        held = []
      },
    }
  })
  const p = play(tags('old'), {}, { below: [{ kind: pairs, options: {} }] })
  await p.send(['GET', 'a'])
  await p.reload(tags('new'), {})
  await p.send(['GET', 'b'])
  await p.advance(300)
  p.expectForwarded(['GET', 'old:a'], ['GET', 'old:b'])
  await p.answer('+1\r\n', '+2\r\n')
  await p.advance(5000)
  await p.send(['GET', 'c'], ['GET', 'd'])
  p.expectForwarded(['GET', 'new:c'], ['GET', 'new:d'])
})

test('a gate that is open, a call, and a large request that is still coming are waited for', async () => {
  const waits = own(({ after }) => () => ({
    async onResponses(batch: Batch, link: Link) {
      link.reply(batch)
      await after(20)
    },
  }))
  const p = play(waits, {})
  await p.send(['GET', 'a'])
  await p.answer('+1\r\n')
  await p.reload(tags('new'), {})
  await p.send(['GET', 'b'])
  await p.advance(15)
  assert.equal(p.open.length, 0)
  await p.advance(10)
  p.expectForwarded(['GET', 'a'], ['GET', 'new:b'])

  const large = play(passes, {}, { limits: { cutThroughBytes: 64 } })
  const bytes = `*3\r\n$3\r\nSET\r\n$1\r\na\r\n$300\r\n${'x'.repeat(300)}\r\n`
  await large.send(bytes.slice(0, 150))
  await large.reload(tags('new'), {})
  await large.send(`${bytes.slice(150)}*2\r\n$3\r\nGET\r\n$1\r\nb\r\n`)
  await large.answer('+OK\r\n')
  await large.advance(5)
  assert.deepEqual(
    large.takeForwarded().map(({ bytes: came }) => String(came)),
    [bytes, '*2\r\n$3\r\nGET\r\n$5\r\nnew:b\r\n'],
  )
  large.expectReplied('+OK\r\n')
})

test('hooks that were not there are there, and those that were are gone', async () => {
  const p = play(passes, {})
  await p.send(['GET', 'a'])
  await p.answer('+1\r\n')
  await p.reload(tags('new'), {})
  await p.send(['GET', 'a'])
  await p.answer('+2\r\n')
  await p.reload(
    own(() => () => around(async (batch, next) => await next(batch))),
    {},
  )
  await p.send(['GET', 'a'])
  await p.answer('+3\r\n')
  await p.reload(passes, {})
  await p.send(['GET', 'a'])
  await p.answer('+4\r\n')
  p.expectForwarded(['GET', 'a'], ['GET', 'new:a'], ['GET', 'a'], ['GET', 'a'])
  p.expectReplied('+1\r\n', '+new 2\r\n', '+3\r\n', '+4\r\n')
})

test('a new version is given the instance before it, which is closed when it has been', async () => {
  const events: string[] = []
  const counts = (name: string) =>
    own(() => (_session, previous) => {
      const state = (previous as { state?: { count: number } } | null)?.state ?? { count: 0 }
      const instance = {
        state,
        onRequests(batch: Batch, link: Link) {
          state.count += batch.length
          events.push(`${name} ${state.count}`)
          link.forward(batch)
        },
        close: () => void events.push(`${name} closed`),
      }
      return instance
    })
  const p = play(counts('one'), {})
  await p.send(['PING'])
  await p.answer('+1\r\n')
  await p.reload(counts('two'), {})
  await p.send(['PING'])
  await p.answer('+1\r\n')
  await p.leave()
  assert.deepEqual(events, ['one 1', 'one closed', 'two 2', 'two closed'])
})

test('a session that can not be given the new version keeps the old one', async () => {
  const p = play(tags('old'), {})
  const fails = own(() => () => {
    throw new Error('not for you')
  })
  await p.reload(fails, {})
  await p.send(['GET', 'a'])
  p.expectForwarded(['GET', 'old:a'])
  assert.match(p.logged.join(), /a session keeps the stages that it has.*not for you/)
})

test('many sessions are renewed, and those that leave meanwhile are not waited for', async () => {
  const first = play(tags('old'), {})
  const clients = [first, ...Array.from({ length: 200 }, () => first.connect())]
  for (const client of clients) await client.send(['GET', 'a'])
  await first.reload(tags('new'), {})
  for (const [i, client] of clients.entries()) await (i % 3 === 0 ? client.leave() : client.answer('+1\r\n'))
  await first.advance(20)
  for (const [i, client] of clients.entries()) {
    if (i % 3 === 0) continue
    client.takeForwarded()
    await client.send(['GET', 'b'])
    client.expectForwarded(['GET', 'new:b'])
  }
})

test('a client that always has requests in flight is renewed all the same, within moments', async () => {
  const p = play(tags('old'), {})
  let sent = 0
  const send = () => p.send(['GET', String(sent++)])
  for (let i = 0; i < 8; i++) await send()
  await p.reload(tags('new'), {})
  for (let i = 0; i < 40; i++) {
    if (p.open.length > 0) await p.answer('+1\r\n')
    await send()
    await p.advance(1)
  }
  const forwarded = p.takeForwarded().map(({ bytes }) => String(bytes))
  const at = forwarded.findIndex((bytes) => bytes.includes('new:'))
  assert.ok(at > 0 && at <= 9, `the first with the new version is number ${at}`)
  assert.ok(forwarded.slice(at).every((bytes) => bytes.includes('new:')))
})
