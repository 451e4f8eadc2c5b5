import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LIMITS } from '../core/kind.ts'
import { runSeed, type MakeProxy } from './run.ts'
import { drawLimits, valkeyProxy } from './valkey-proxy.ts'

const SEEDS = 100

const defaults: MakeProxy = (world, upstream, listen) => valkeyProxy(world, upstream, listen, [], LIMITS)
const drawn: MakeProxy = (world, upstream, listen) => valkeyProxy(world, upstream, listen, [], drawLimits(world))

const CASES: [name: string, proxy: MakeProxy, calm: boolean][] = [
  ['in a calm world, with the default bounds', defaults, true],
  ['in a calm world, with bounds that are often met', drawn, true],
  ['whatever breaks, with the default bounds', defaults, false],
  ['whatever breaks, with bounds that are often met', drawn, false],
]

for (const [name, proxy, calm] of CASES)
  test(`the proxy keeps every promise ${name}`, async () => {
    const broken: string[] = []
    let sent = 0
    for (let seed = 1; seed <= SEEDS; seed++) {
      const result = await runSeed(seed, proxy, { calm })
      sent += result.sent
      if (result.violation !== null) broken.push(`seed ${seed}: ${result.violation}`)
    }
    assert.ok(broken.length === 0, `${broken.length} of ${SEEDS} seeds, the first:\n${broken[0]}`)
    assert.ok(sent > 30 * SEEDS, `${sent} writes sent`)
  })
