import assert from 'node:assert/strict'
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Counts } from './run-tests.ts'

const PASSES = `import { test } from 'node:test'\ntest('holds', () => {})\n`

const files: [what: string, source: string, counts: Counts, says: RegExp][] = [
  ['passes', PASSES, { passed: 1, failed: 0 }, /✓/],
  ['fails', `${PASSES}test('does not', () => { throw new Error('no') })`, { passed: 1, failed: 1 }, /does not\n.*no/],
  ['is skipped in part', `${PASSES}test.skip('later', () => {})`, { passed: 1, failed: 1 }, /later\n.*skipped/],
  ['throws before its first test', `throw new Error('no')\n${PASSES}`, { passed: 0, failed: 1 }, /Error: no/],
  ['throws behind a test', `${PASSES}throw new Error('no')`, { passed: 1, failed: 1 }, /to its end\n.*Error: no/],
  ['rejects behind a test', `${PASSES}await Promise.reject(new Error('no'))`, { passed: 1, failed: 1 }, /Error: no/],
  ['imports what is not there', `${PASSES}import './not-there.ts'`, { passed: 0, failed: 1 }, /ERR_MODULE_NOT_FOUND/],
]

for (const [what, source, expected, says] of files) {
  test(`of a test file that ${what}, ${expected.passed} passed and ${expected.failed} failed`, async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'run-tests-'))
    t.after(() => rmSync(folder, { recursive: true }))
    writeFileSync(join(folder, 'it.test.ts'), source)
    const child = fork(join(import.meta.dirname, 'run-tests.ts'), ['none', join(folder, 'it.test.ts')], {
      silent: true,
    })
    let said = ''
    child.stdout!.setEncoding('utf8').on('data', (text: string) => (said += text))
    const [[counts]] = await Promise.all([once(child, 'message'), once(child, 'close')])
    assert.deepEqual(counts, expected, said)
    assert.match(said, says)
  })
}
