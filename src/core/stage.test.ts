import assert from 'node:assert/strict'
import { test } from 'node:test'
import { frameOf, play, Waits } from '../../test/core/chain-play.ts'
import type { Batch, Exchange } from './exchange.ts'
import type { Link, Transform } from './transform.ts'

const forward = (batch: Batch, link: Link) => link.forward(batch)
const reply = (batch: Batch, link: Link) => link.reply(batch)

/** Waits in the hooks that are named, then hands on. */
function waiting(down: Waits | null, up: Waits | null): Transform {
  return {
    onRequests: async (batch, link) => {
      await down?.wait()
      link.forward(batch)
    },
    onResponses: async (batch, link) => {
      await up?.wait()
      link.reply(batch)
    },
  }
}

test('without hooks a chain is its sink', () => {
  const { send, sink, top } = play([{}, {}])
  send('a', 'b')
  assert.deepEqual(sink.texts, ['a', 'b'])
  sink.answer(sink.came)
  assert.deepEqual(top.told, ['a=re:a', 'b=re:b'])
})

test('requests go down and replies up through every hook, in order, as one batch', () => {
  const seen: string[] = []
  const spy = (name: string): Transform => ({
    onRequests(batch, link) {
      seen.push(`${name} down ${batch.length}`)
      link.forward(batch)
    },
    onResponses(batch, link) {
      seen.push(`${name} up ${batch.length}`)
      link.reply(batch)
    },
  })
  const { send, sink } = play([spy('a'), {}, spy('b')])
  sink.echo = ''
  send('1', '2', '3')
  assert.deepEqual(seen, ['a down 3', 'b down 3', 'b up 3', 'a up 3'])
})

test('while a hook on the way down waits, later batches wait behind it, and their bytes are their own', async () => {
  const down = new Waits()
  const { send, sink, settle } = play([waiting(down, null)])
  send('1', '2')
  send('3')
  send('4')
  await settle()
  assert.equal(down.count, 1, 'the hook saw the first batch only')
  down.over()
  await settle()
  assert.deepEqual(sink.texts, ['1', '2'])
  down.over()
  await settle()
  down.over()
  await settle()
  assert.deepEqual(sink.texts, ['1', '2', '3', '4'])
})

test('while a hook on the way up waits, later replies and pushes wait behind it, in order', async () => {
  const up = new Waits()
  const { send, sink, top, settle } = play([waiting(null, up)])
  send('1')
  send('2')
  await settle()
  sink.answer([sink.came[0]!])
  sink.push('news')
  sink.answer([sink.came[1]!])
  sink.push('more')
  await settle()
  assert.deepEqual(top.told, [])
  up.over()
  await settle()
  assert.deepEqual(top.told, ['1=re:1', 'push news'])
  up.over()
  await settle()
  assert.deepEqual(top.told, ['1=re:1', 'push news', '2=re:2', 'push more'])
})

test('the two lanes of a stage wait each for itself', async () => {
  const down = new Waits()
  const up = new Waits()
  const { send, sink, top, settle } = play([waiting(down, up)])
  send('1')
  down.over()
  await settle()
  send('2')
  sink.answer([sink.came[0]!])
  up.over()
  await settle()
  assert.deepEqual(top.told, ['1=re:1'], 'the way up is free while the way down is shut')
})

test('a reply that comes at once, while the way up is shut, is neither lost nor taken for dropped', async () => {
  const up = new Waits()
  const { send, sink, top, settle, chain } = play([
    { onRequests: forward, onResponses: waiting(null, up).onResponses! },
  ])
  sink.echo = 're:'
  send('1')
  send('2')
  await settle()
  assert.deepEqual(top.told, [], 'both wait')
  up.over()
  await settle()
  up.over()
  await settle()
  assert.deepEqual(top.told, ['1=re:1', '2=re:2'])
  assert.equal(chain.spec.stats.failures, 0)
})

test('forwarded twice, an exchange goes down once', () => {
  const { send, sink, chain } = play([
    {
      onRequests(batch, link) {
        link.forward(batch)
        link.forward(batch)
      },
    },
  ])
  send('1', '2')
  assert.equal(sink.came.length, 2)
  assert.equal(chain.spec.stats.swallowed, 2)
})

test('standing in a batch twice, an exchange goes down once and comes up once', () => {
  const twice = {
    onRequests: (batch: Batch, link: Link) => link.forward([batch[0]!, batch[0]!, batch[1]!]),
    onResponses: (batch: Batch, link: Link) => link.reply([batch[0]!, batch[1]!, batch[1]!]),
  }
  const { send, sink, top, chain } = play([twice])
  send('1', '2')
  assert.deepEqual(sink.texts, ['1', '2'])
  sink.answer(sink.came)
  assert.deepEqual(top.told, ['1=re:1', '2=re:2'])
  assert.equal(chain.spec.stats.swallowed, 2)
})

test('an exchange that has its reply does not go down again', () => {
  const { send, sink, top, chain } = play([
    { onRequests: (batch, link) => link.forward(batch), onResponses: (batch, link) => link.forward(batch) },
  ])
  send('1')
  sink.answer(sink.came)
  assert.equal(sink.came.length, 1)
  assert.equal(chain.spec.stats.swallowed, 1)
  assert.match(top.told.join(), /^1=-internal 1: .*neither forwarded nor answered/s)
})

test('a timer of a stage fires once, is caught when it throws, and is silent when the session has ended', async () => {
  const fired: string[] = []
  let link!: Link
  const { send, sim, chain } = play([{ holds: true, onRequests: (_, to) => void (link = to) }], { callTimeoutMs: 50 })
  send('1')
  link.after(() => {
    fired.push('thrown')
    throw new Error('in a timer')
  }, 10)
  link.after(() => void fired.push('cancelled'), 10).cancel()
  link.after(() => void fired.push('by default'))
  link.after(() => void fired.push('too late'), 100)
  await sim.run(60)
  assert.deepEqual(fired, ['thrown', 'by default'])
  assert.equal(chain.spec.stats.failures, 1)
  chain.close()
  await sim.run(200)
  assert.deepEqual(fired, ['thrown', 'by default'])
})

test('stages above are told of an exchange without a reply, nearest first, before its owner; a throw stops nobody', () => {
  const told: string[] = []
  const hears = (name: string): Transform => ({
    onRequests: (batch, link) => link.forward(batch),
    onSilent() {
      told.push(`${name} (${top.told.length})`)
      throw new Error('in a hook')
    },
  })
  const { send, sink, top, chain } = play([hears('a'), {}, hears('c')])
  send('1')
  sink.link.silent(sink.came[0]!)
  assert.deepEqual(told, ['c (0)', 'a (0)'])
  assert.deepEqual(top.told, ['1 is silent'])
  assert.equal(chain.spec.stats.failures, 2)
})

test('answered after it was forwarded, an exchange keeps to its way', () => {
  const { send, sink, top, chain } = play([
    {
      onRequests(batch, link) {
        link.forward(batch)
        for (const exchange of batch) exchange.response = frameOf('mine')
        link.reply(batch)
      },
    },
  ])
  send('1')
  assert.equal(chain.spec.stats.swallowed, 1)
  assert.deepEqual(top.told, [])
  assert.equal(sink.came.length, 1)
})

test('what another stage holds is swallowed, wherever it is handed', () => {
  let stolen: Exchange | null = null
  const thief: Transform = {
    holds: true,
    onRequests(batch, link) {
      if (stolen !== null) {
        link.forward([stolen])
        stolen.response = frameOf('stolen')
        link.reply([stolen])
      }
      link.forward(batch)
    },
  }
  const keeper: Transform = {
    holds: true,
    onRequests(batch, link) {
      if (stolen === null) stolen = batch[0]!
      else link.forward(batch)
    },
  }
  const { send, sink, top, chain } = play([thief, keeper])
  send('kept')
  send('next')
  assert.equal(chain.spec.stats.swallowed, 2)
  assert.equal(sink.came.length, 1)
  assert.deepEqual(top.told, [])
})

test('what a hook drops is answered with a failure, the rest of its batch is not touched', () => {
  const { send, sink, top } = play([{ onRequests: (batch, link) => link.forward([batch[0]!, batch[2]!]) }])
  send('1', '2', '3')
  assert.equal(sink.came.length, 2)
  assert.equal(top.told.length, 1)
  assert.match(top.told[0]!, /^2=-internal 2: .*neither forwarded nor answered/s)
})

test('an asynchronous hook that drops is found out when its promise settles', async () => {
  const down = new Waits()
  const { send, top, settle } = play([{ onRequests: () => down.wait() }])
  send('1')
  await settle()
  assert.deepEqual(top.told, [])
  down.over()
  await settle()
  assert.match(top.told[0]!, /^1=-internal 1: /)
})

test('a stage that holds may keep exchanges, whose bytes are then its own', () => {
  const kept: Batch = []
  let link!: Link
  const { send, sink, top } = play([
    {
      holds: true,
      onRequests(batch, mine) {
        link = mine
        kept.push(...batch)
      },
    },
  ])
  send('1', '2')
  send('3')
  assert.deepEqual(top.told, [])
  link.forward(kept.splice(0))
  assert.deepEqual(sink.texts, ['1', '2', '3'])
})

test('a reply without a response is answered with a failure, and what came with it goes on', () => {
  const { send, top } = play([
    {
      onRequests(batch, link) {
        batch[0]!.response = frameOf('good')
        link.reply([batch[0]!])
        link.reply([batch[1]!])
      },
    },
  ])
  send('1', '2')
  assert.equal(top.told[0], '1=good')
  assert.match(top.told[1]!, /^2=-internal 2: .*without a response/s)
})

const throwing: [where: string, transform: Transform][] = [
  [
    'before it handed anything on',
    {
      onRequests() {
        throw new Error('boom')
      },
    },
  ],
  ['in its promise', { onRequests: () => Promise.reject(new Error('boom')) }],
  [
    'after it handed one on',
    {
      onRequests(batch, link) {
        link.forward([batch.shift()!])
        throw new Error('boom')
      },
    },
  ],
]

for (const [where, transform] of throwing) {
  test(`a hook that throws ${where} answers what it still holds of its batch, and nothing else`, async () => {
    let first = true
    const once: Transform = {
      onRequests(batch, link) {
        if (!first) return link.forward(batch)
        first = false
        return transform.onRequests!(batch, link)
      },
    }
    const { send, sink, top, settle, errors, chain } = play([{ onRequests: forward, onResponses: reply }, once])
    send('1', '2')
    send('3')
    await settle()
    const forwarded = where.startsWith('after') ? ['1', '3'] : ['3']
    assert.equal(sink.came.length, forwarded.length)
    assert.equal(top.told.length, where.startsWith('after') ? 1 : 2)
    for (const line of top.told) assert.match(line, /=-internal [12]: .*Kind named b failed in chain main.*boom/s)
    assert.equal(errors.length, 1)
    assert.equal(chain.spec.stats.failures, 1)
  })
}

test('a hook that throws on the way up answers its batch and leaves later replies alone', () => {
  let count = 0
  const { send, sink, top } = play([
    {
      onResponses(batch, link) {
        if (count++ === 0) throw new Error('boom')
        link.reply(batch)
      },
    },
  ])
  const batch = send('1', '2')
  sink.answer([batch[0]!], 'x')
  sink.answer([batch[1]!], 'y')
  assert.match(top.told[0]!, /=-internal .*boom/s)
  assert.match(top.told[1]!, /=y/)
})

test('a gate that stays shut too long opens with a failure for its batch; what waited goes on; late hand-overs are swallowed', async () => {
  const down = new Waits()
  const { send, sink, top, sim, settle, chain } = play([waiting(down, null)], { callTimeoutMs: 100 })
  send('1')
  send('2')
  await sim.run(99)
  assert.deepEqual(top.told, [])
  await sim.run(101)
  assert.match(top.told[0]!, /^1=-timeout 1: .*took too long/s)
  assert.equal(down.count, 2, 'the second batch is in the hook')
  down.over()
  down.over()
  await settle()
  assert.deepEqual(sink.texts, ['2'])
  assert.equal(chain.spec.stats.swallowed, 1)
})
