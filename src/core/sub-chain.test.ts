import assert from 'node:assert/strict'
import { test } from 'node:test'
import { lend, PLAIN, quietLog, sessionInfo, Sink, textOf } from '../../test/core/chain-play.ts'
import { SimWorld } from '../sim/world.ts'
import { chainFactory } from './chain-factory.ts'
import type { StageSpec } from './chain.ts'
import { AT_OWNER, Exchange, PART_TAKEN, type Batch, type Owner } from './exchange.ts'
import { FRAME_HEAD, type Frame } from './frame.ts'
import { LIMITS } from './kind.ts'
import { Parts } from './parts.ts'
import { noStats } from './stats.ts'
import { Lingering } from './lingering.ts'
import type { SubChainUser } from './sub-chain.ts'
import type { Transform } from './transform.ts'

const nobody: Owner = { level: AT_OWNER, onReplies() {}, onReplyPart: () => PART_TAKEN, onSilent() {} }

/** Everything that comes out of a chain within. */
class User implements SubChainUser {
  readonly told: string[] = []
  throws = false

  onReplies(batch: Batch): void {
    if (this.throws) throw new Error('thrown on purpose')
    for (const { request, response } of batch) this.told.push(`${textOf(request)}=${textOf(response)}`)
  }
  onReplyPart(exchange: Exchange, part: Frame): number {
    this.told.push(`${textOf(exchange.request)}+${textOf(part)}`)
    return PART_TAKEN
  }
  onSilent(exchange: Exchange): void {
    this.told.push(`${textOf(exchange.request)} is silent`)
  }
  onPush(push: Frame): void {
    this.told.push(`push ${textOf(push)}`)
  }
  onStop(): void {
    this.told.push('stop')
  }
  onGo(): void {
    this.told.push('go')
  }
  onFail(error: Error, open: Batch): void {
    this.told.push(`failed with ${open.length} open: ${error.message}`)
  }
  onEnd(reason: string): void {
    this.told.push(`end: ${reason}`)
  }
  onClose(reason: string, open: Batch): void {
    this.told.push(`closed with ${open.length} open: ${reason}`)
  }
}

/** A chain within, of these transforms above a sink. */
function within(transforms: Transform[] = []) {
  const sim = new SimWorld({ timerLateMs: 0 })
  const sink = new Sink()
  const user = new User()
  const errors: string[] = []
  const lingering = new Lingering()
  const stage = (transform: Transform): StageSpec => ({ type: 'Kind', name: 'stage', factory: () => transform })
  const build = () => ({ name: 'inner', stages: [...transforms, sink].map(stage), stats: noStats() })
  const factory = chainFactory(build, null, { world: sim.world, limits: LIMITS, lingering })
  const chain = factory.open({ ...sessionInfo(PLAIN), log: quietLog(errors) }, user)
  const outers = (...texts: string[]) => texts.map((text) => new Exchange(lend(text).frame, nobody, 3, 0))
  const copies = (...texts: string[]) => outers(...texts).map((outer) => chain.copyOf(outer))
  return { sim, sink, user, errors, lingering, factory, chain, outers, copies }
}

test('it knows its own name and speaks its own protocol', () => {
  const { chain, factory } = within()
  assert.deepEqual([factory.name, chain.info.chain, chain.info.protocol.name], ['inner', 'inner', 'plain'])
})

test('a copy goes its own way: bytes that were lent, edits, and the rest of a large request', () => {
  const { chain } = within()
  const lent = lend('lent', FRAME_HEAD)
  const outer = new Exchange(lent.frame, nobody, 3, 0)
  outer.requestParts = new Parts()
  lent.frame.stream = 7
  lent.frame.edits = [{ start: 0, end: 1, bytes: Buffer.from('L') }]
  const copy = chain.copyOf(outer)
  lent.frame.edits[0] = { start: 0, end: 1, bytes: Buffer.from('X') }
  outer.request.drop()
  lent.end()
  assert.equal(textOf(copy.request), 'Lent')
  assert.deepEqual([copy.request.stream, copy.request.flags, copy.outer], [7, FRAME_HEAD, outer])
  assert.notEqual(copy.requestParts, outer.requestParts)
  assert.ok(copy.requestParts !== null)
})

test('the numbers of stages in one chain mean nothing in the other', () => {
  const { chain, sink, copies, outers, user } = within()
  const [outer] = outers('outer')
  outer!.at = 0
  chain.send(copies('inner'))
  outer!.response = outer!.request
  sink.link.reply([outer!])
  sink.answer(sink.came)
  assert.deepEqual(user.told, ['inner=re:inner'])
})

test('what it has in flight is what was sent and not answered, but for what a stage keeps of its own accord', () => {
  const keeping = {
    held: 0,
    holds: true,
    onRequests(batch: Batch) {
      keeping.held += batch.length
    },
  }
  const { chain, copies } = within([keeping])
  chain.send(copies('a', 'b'))
  assert.equal(chain.inFlight, 0)
  const other = within()
  other.chain.send(other.copies('a', 'b', 'c'))
  assert.equal(other.chain.inFlight, 3)
  other.sink.answer(other.sink.came.slice(0, 1))
  other.sink.link.silent(other.sink.came[1]!)
  assert.equal(other.chain.inFlight, 1)
})

test('it drains: what stages hold goes on, replies are awaited, then it closes and lingers no more', async () => {
  let link: { forward(batch: Batch): void } | null = null
  let kept: Batch = []
  const holding: Transform = {
    holds: true,
    onRequests(batch, down) {
      link = down
      kept = batch
    },
    onFlush: () => link!.forward(kept),
  }
  const { chain, sink, copies, lingering, user } = within([holding])
  chain.send(copies('a', 'b'))
  chain.drain()
  let gone = false
  void lingering.gone().then(() => (gone = true))
  assert.deepEqual(sink.texts, ['a', 'b'])
  assert.equal(lingering.size, 1)
  assert.throws(() => chain.send(copies('c')), /takes no more/)
  sink.answer(sink.came)
  assert.equal(sink.closed, true)
  assert.equal(lingering.size, 0)
  await Promise.resolve()
  assert.equal(gone, true)
  assert.deepEqual(user.told, ['a=re:a', 'b=re:b'])
})

test('it drains no longer than a call may take', async () => {
  const { chain, sink, sim, copies, lingering } = within()
  chain.send(copies('a'))
  chain.drain()
  await sim.run(LIMITS.callTimeoutMs - 1)
  assert.equal(sink.closed, false)
  await sim.run(LIMITS.callTimeoutMs + 1)
  assert.deepEqual([sink.closed, lingering.size], [true, 0])
})

test('ends of all kinds are told once, with what is left open', () => {
  const cases: [tell: (sink: Sink) => void, told: string[]][] = [
    [(sink) => sink.link.close('slow-reader'), ['closed with 1 open: slow-reader']],
    [
      (sink) => sink.link.fail(new Error('no luck')),
      ['failed with 1 open: Transform Kind named stage failed in chain inner'],
    ],
    [(sink) => sink.link.end('quit'), ['end: quit', 'a=re:a']],
  ]
  for (const [tell, told] of cases) {
    const { chain, sink, copies, user } = within()
    chain.send(copies('a'))
    tell(sink)
    tell(sink)
    sink.answer(sink.came)
    assert.deepEqual(user.told, told)
    assert.equal(sink.closed, true)
  }
})

test('a stop is told once, and taken back when the chain is closed', () => {
  const { chain, sink, copies, user } = within()
  chain.send(copies('a'))
  sink.link.stop()
  sink.link.stop()
  assert.equal(chain.isStopped, true)
  sink.link.go()
  assert.deepEqual(user.told, ['stop'])
  chain.close()
  sink.link.go()
  assert.deepEqual(user.told, ['stop', 'go'])
})

test('a user that throws harms neither the sink nor what it reads from: the chain fails', () => {
  const { chain, sink, copies, user, errors } = within()
  chain.send(copies('a', 'b'))
  user.throws = true
  sink.answer([sink.came[0]!])
  assert.deepEqual(user.told, ['failed with 1 open: thrown on purpose'])
  assert.match(errors[0]!, /chain inner was not taken/)
})
