import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { test } from 'node:test'

// What is measured without sockets builds on the proxy's inner parts: it must go on running as these change.

for (const args of [
  ['core.ts', '0.001'],
  ['wires.ts', '1'],
  ['routing.ts', '100'],
])
  test(`bench/${args.join(' ')} measures`, () => {
    const argv = [join(import.meta.dirname, args[0]!), ...args.slice(1)]
    const { status, stdout, stderr } = spawnSync(process.execPath, argv, { encoding: 'utf8', timeout: 60_000 })
    assert.equal(status, 0, stderr)
    const lines = stdout.trim().split('\n')
    for (const line of lines) assert.match(line, / [\d.]+ ns$/)
  })
