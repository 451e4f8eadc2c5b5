import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SimRandom } from './random.ts'
import { Schedule } from './schedule.ts'

test('events come out by time, those of one time in the order in which they were added', () => {
  const random = new SimRandom(7)
  const schedule = new Schedule()
  const added: [number, number][] = []
  for (let i = 0; i < 2000; i++) {
    const atMs = random.below(50)
    added.push([atMs, i])
    schedule.add(atMs, () => {})
  }
  const seen: [number, number][] = []
  for (let event = schedule.due(Infinity); event !== null; event = schedule.due(Infinity))
    seen.push([event.atMs, event.order])
  assert.deepEqual(
    seen,
    added.sort((a, b) => a[0] - b[0] || a[1] - b[1]),
  )
})

test('a cancelled event neither happens nor holds the clock', () => {
  const schedule = new Schedule()
  schedule.add(1, () => {}).cancel()
  assert.equal(schedule.nextMs(), Infinity)
  assert.equal(schedule.due(5), null)
})

test('an event that is not due stays', () => {
  const schedule = new Schedule()
  schedule.add(10, () => {})
  assert.equal(schedule.due(9.9), null)
  assert.equal(schedule.due(10)?.atMs, 10)
})
