import assert from 'node:assert/strict'
import fc from 'fast-check'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { ConfigError } from '../../src/config/diagnostics.ts'
import { checkTopology } from '../../src/config/topology.ts'
import { TEST_KINDS } from './kinds.ts'

const FOLDER = join(import.meta.dirname, 'topologies')
const TEXTS = globSync(join(FOLDER, '*.yaml')).map((file) => readFileSync(file, 'utf8'))

/** What a slip of the hand, or of a template, puts into a file. */
const PIECES = [
  '',
  ' ',
  '\n',
  '\t',
  ':',
  ': ',
  '- ',
  '{',
  '}',
  '[',
  ']',
  '"',
  "'",
  '#',
  '&a ',
  '*a',
  '!x ',
  '---\n',
  '~',
  'null',
  '1e999',
  '0x',
  '|\n',
  '? ',
  '<<: ',
  ',',
  '\0',
  '\u{1f600}',
  '__proto__: ',
  'constructor: ',
]

const slip = fc.record({ at: fc.nat(), removed: fc.nat(30), piece: fc.constantFrom(...PIECES) })

test('whatever is done to a topology, it is accepted or refused with a place in the file', async () => {
  let refused = 0
  const property = fc.asyncProperty(
    fc.constantFrom(...TEXTS),
    fc.array(slip, { minLength: 1, maxLength: 4 }),
    async (original, slips) => {
      let text = original
      for (const { at, removed, piece } of slips) {
        const start = at % (text.length + 1)
        text = text.slice(0, start) + piece + text.slice(start + removed)
      }
      try {
        await checkTopology('t.yaml', text, { kinds: TEST_KINDS, directory: FOLDER })
      } catch (error) {
        assert.ok(error instanceof ConfigError, `${String(error)} for\n${text}`)
        refused++
        assert.ok(error.problems.length > 0)
        const lines = text.split('\n')
        for (const { line, column } of error.problems) {
          assert.ok(line >= 1 && line <= lines.length, `line ${line} of\n${text}`)
          assert.ok(column >= 1 && column <= lines[line - 1].length + 1, `column ${column} in line ${line} of\n${text}`)
        }
      }
    },
  )
  await fc.assert(property, { numRuns: 1000 })
  assert.ok(refused > 100)
})
