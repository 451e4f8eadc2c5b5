import assert from 'node:assert/strict'
import { openSync } from 'node:fs'
import { test } from 'node:test'
import { descriptorLimit, Descriptors } from './descriptors.ts'

test('the limit of this process is read', () => {
  const limit = descriptorLimit()
  if (process.platform === 'linux') assert.ok(limit !== null && limit > 0)
  else assert.equal(limit, null)
})

/** Opens real ones, as long as `left` are. */
function limited(code = 'EMFILE') {
  const system = { left: Infinity, opened: 0 }
  const open = () => {
    if (system.left === 0) throw Object.assign(new Error(code), { code })
    system.left--
    system.opened++
    return openSync('/dev/null', 'r')
  }
  return { system, descriptors: new Descriptors(open) }
}

test('descriptors are short when fewer than 32 are left', () => {
  for (const [left, short] of [
    [32, false],
    [31, true],
    [0, true],
  ] as const) {
    const { system, descriptors } = limited()
    system.left = left
    assert.equal(descriptors.short(), short, String(left))
  }
})

test('where nothing can be opened for another reason nothing is known', () => {
  const { system, descriptors } = limited('ENOENT')
  system.left = 0
  assert.equal(descriptors.short(), false)
})

test('what was opened to find out is closed again', () => {
  const { system, descriptors } = limited()
  for (let i = 0; i < 3000; i++) assert.equal(descriptors.short(), false)
  assert.equal(system.opened, 3000 * 32)
  const lowest = openSync('/dev/null', 'r')
  assert.ok(lowest < 1000, String(lowest))
})

test('as clients come it looks with the first and then with every eighth', () => {
  const { system, descriptors } = limited()
  for (let i = 0; i < 17; i++) assert.equal(descriptors.shortAfterClient(), false)
  assert.equal(system.opened, 3 * 32)
  system.left = 3
  assert.deepEqual(
    Array.from({ length: 8 }, () => descriptors.shortAfterClient()),
    [false, false, false, false, false, false, false, true],
  )
})
