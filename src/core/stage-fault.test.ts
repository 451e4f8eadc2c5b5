import assert from 'node:assert/strict'
import { test } from 'node:test'
import { play } from '../../test/core/chain-play.ts'
import type { Link } from './transform.ts'

test('what a hook takes out of its array is answered all the same, and what it puts in harms nobody', async () => {
  const { send, sink, top, settle } = play([
    {
      onRequests(batch, link) {
        link.forward([batch.shift()!])
        batch.length = 0
      },
      async onResponses(batch, link) {
        await Promise.resolve()
        link.reply(batch.splice(0, 1))
        batch.length = 0
      },
    },
  ])
  send('1', '2')
  assert.deepEqual(sink.texts, ['1'])
  assert.match(top.told.join(), /^2=-internal 2: .*neither forwarded nor answered/s)
  send('3')
  top.told.length = 0
  sink.answer(sink.came)
  await settle()
  assert.deepEqual(
    top.told.map((text) => text.slice(0, 11)),
    ['1=re:1', '3=-internal'],
  )
})

test('what goes wrong outside a hook is answered with a failure; the rest is not touched', async () => {
  let link!: Link
  const { send, sink, top, chain, errors } = play([
    {
      holds: true,
      onRequests(batch, to) {
        link = to
        to.forward(batch.slice(1))
      },
    },
  ])
  const batch = send('1', '2')
  link.replyFailure(batch, new Error('oh no'))
  assert.match(top.told.join(), /^1=-internal 1: .*oh no/s)
  assert.equal(top.told.length, 1)
  sink.answer(sink.came)
  assert.equal(top.told.at(-1), '2=re:2')
  assert.equal(chain.spec.stats.failures, 1)
  assert.equal(errors.length, 1)
})
