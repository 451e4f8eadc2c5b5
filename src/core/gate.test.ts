import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Gate } from './gate.ts'

interface Play {
  ran: number[]
  gate: Gate<number>
  /** What happens while the item runs. */
  during: Map<number, () => void>
  /** As a stage does: what comes while the gate is shut waits. */
  enter(item: number): void
}

function play(): Play {
  const ran: number[] = []
  const during = new Map<number, () => void>()
  const gate = new Gate<number>((item) => {
    ran.push(item)
    during.get(item)?.()
  })
  return {
    ran,
    gate,
    during,
    enter(item) {
      if (gate.shut) gate.hold(item)
      else {
        ran.push(item)
        during.get(item)?.()
      }
    },
  }
}

test('what comes while the gate is shut goes on in order when it opens', () => {
  const { gate, ran, enter } = play()
  enter(1)
  gate.shutFor()
  for (const item of [2, 3, 4]) enter(item)
  assert.deepEqual(ran, [1])
  gate.open()
  assert.deepEqual(ran, [1, 2, 3, 4])
  assert.equal(gate.shut, false)
})

test('a gate shut twice opens with the second open', () => {
  const { gate, ran, enter } = play()
  gate.shutFor()
  gate.shutFor()
  enter(1)
  gate.open()
  assert.deepEqual(ran, [])
  gate.open()
  assert.deepEqual(ran, [1])
})

test('what comes while the gate is opening stands behind what waited', () => {
  const { gate, ran, during, enter } = play()
  gate.shutFor()
  for (const item of [1, 2, 3]) enter(item)
  during.set(1, () => enter(10))
  during.set(10, () => enter(20))
  gate.open()
  assert.deepEqual(ran, [1, 2, 3, 10, 20])
  assert.equal(gate.shut, false)
})

test('shut again in the middle, it keeps the rest, and what came meanwhile behind it', () => {
  const { gate, ran, during, enter } = play()
  gate.shutFor()
  for (const item of [1, 2, 3]) enter(item)
  during.set(1, () => enter(10))
  during.set(2, () => gate.shutFor())
  gate.open()
  assert.deepEqual(ran, [1, 2])
  assert.equal(gate.shut, true)
  enter(11)
  gate.open()
  assert.deepEqual(ran, [1, 2, 3, 10, 11])
})

test('shut and opened again while an item runs, it goes on as if nothing had been', () => {
  const { gate, ran, during, enter } = play()
  gate.shutFor()
  for (const item of [1, 2, 3]) enter(item)
  during.set(1, () => {
    gate.shutFor()
    enter(10)
    gate.open()
  })
  gate.open()
  assert.deepEqual(ran, [1, 2, 3, 10])
  assert.equal(gate.shut, false)
})

test('closed while it opens, nothing more runs; closed while shut, nothing ever does', () => {
  const opening = play()
  opening.gate.shutFor()
  for (const item of [1, 2, 3]) opening.enter(item)
  opening.during.set(2, () => opening.gate.close())
  opening.gate.open()
  assert.deepEqual(opening.ran, [1, 2])

  const shut = play()
  shut.gate.shutFor()
  shut.enter(1)
  shut.gate.close()
  shut.enter(2)
  shut.gate.open()
  assert.deepEqual(shut.ran, [])
})

test('a thousand items wait without a recursion', () => {
  const { gate, ran, during, enter } = play()
  gate.shutFor()
  for (let i = 0; i < 1000; i++) {
    enter(i)
    // Each is one that shuts the gate for a moment, as a hook whose promise settles at once.
    during.set(i, () => {
      gate.shutFor()
      gate.open()
    })
  }
  gate.open()
  assert.equal(ran.length, 1000)
  assert.deepEqual(
    ran,
    ran.toSorted((a, b) => a - b),
  )
})
