import assert from 'node:assert/strict'
import { test } from 'node:test'
import { play } from '../../test/core/chain-play.ts'
import type { Transform } from './transform.ts'

/** A stage that hears of the end, and says whether the session is to go on. */
function hearing(verdict: boolean): Transform & { heard: string[] } {
  const heard: string[] = []
  return {
    heard,
    onEnding(reason, error) {
      heard.push(error === null ? reason : `${reason}: ${error.message}, ${(error.cause as Error).message}`)
      return verdict
    },
  }
}

test('what ends the session further down is told upwards, until a stage would have it go on', () => {
  const [first, second, third] = [hearing(false), hearing(true), hearing(false)]
  const { send, sink, top } = play([first, second, third])
  send('a')
  sink.link.fail(new Error('no luck'))
  sink.link.end('quit')
  sink.link.close('slow-reader')
  const all = ['failed: Transform Kind named sink failed in chain main, no luck', 'quit', 'slow-reader']
  assert.deepEqual([first.heard, second.heard, third.heard], [[], all, all])
  assert.deepEqual(top.told, [])
})

test('without one the session ends', () => {
  const { send, sink, top } = play([hearing(false), {}])
  send('a')
  sink.link.end('quit')
  sink.link.close('slow-reader')
  assert.deepEqual(top.told, ['end: quit', 'abort: slow-reader'])
})

test('a stage is not asked about ends of its own, or of those above', () => {
  const below = hearing(true)
  const ending: Transform = { onRequests: (_batch, link) => link.end('enough'), onEnding: () => true, holds: true }
  const { send, top } = play([ending, below])
  send('a')
  assert.deepEqual(top.told, ['end: enough'])
  assert.deepEqual(below.heard, [])
})

test('a stage that throws when it is asked is as one that is not there', () => {
  const throwing: Transform = {
    onEnding() {
      throw new Error('thrown on purpose')
    },
  }
  const { send, sink, top, errors } = play([throwing])
  send('a')
  sink.link.end('quit')
  assert.deepEqual(top.told, ['end: quit'])
  assert.match(errors[0]!, /thrown on purpose/)
})
