import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { FAMILIES } from './names.ts'

const page = readFileSync(join(import.meta.dirname, '../../docs/observability.md'), 'utf8')

/** Name, type and labels of each metric that the page lists. */
const listed = page
  .split('\n')
  .map((line) => line.split('|').map((cell) => cell.trim()))
  .filter(([, , type]) => ['counter', 'gauge', 'summary'].includes(type))
  .map(([, name, type, labels]) => ({ name: name.replaceAll('`', ''), type, labels: labels.split(', ') }))

test('the page on observability lists every metric with its type, and no others', () => {
  assert.deepEqual(
    listed.map(({ name, type }) => `${name} ${type}`).sort(),
    Object.entries(FAMILIES)
      .map(([name, { type }]) => `${name} ${type}`)
      .sort(),
  )
})

test('an open label is one that the page lists', () => {
  for (const { name, labels } of listed) {
    const { openLabel } = FAMILIES[name]
    assert.ok(openLabel === undefined || labels.includes(openLabel), name)
  }
})

test('help is one sentence', () => {
  for (const [name, { help }] of Object.entries(FAMILIES)) assert.match(help, /^[A-Z][^\n]*\.$/, name)
})
