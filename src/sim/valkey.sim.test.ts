import assert from 'node:assert/strict'
import { test } from 'node:test'
import { around } from '../core/around.ts'
import type { Exchange } from '../core/exchange.ts'
import { LIMITS, transform, type TransformKind } from '../core/kind.ts'
import { runSeed, type MakeProxy } from './run.ts'
import { seedsKept } from './seed-run.ts'
import { drawLimits, valkeyProxy } from './valkey-proxy.ts'

const SEEDS = 100
/** Where stages are renewed. */
const RENEWED_SEEDS = 40

const defaults: MakeProxy = (world, upstream, listen) => valkeyProxy(world, upstream, listen, [], LIMITS)
const drawn: MakeProxy = (world, upstream, listen) => valkeyProxy(world, upstream, listen, [], drawLimits(world))

/** Hands everything on, and fails where it is given the reply to what another instance was given. */
const hooks = transform({
  type: 'Hooks',
  doc: 'Hands everything on, in both directions.',
  options: (z) => z.strictObject({}),
  create: () => () => {
    const asked = new Set<Exchange>()
    return {
      onRequests(batch, link) {
        for (const exchange of batch) asked.add(exchange)
        link.forward(batch)
      },
      onResponses(batch, link) {
        for (const exchange of batch) if (!asked.delete(exchange)) throw new Error('it was never asked')
        link.reply(batch)
      },
      onPush: (push, link) => link.push(push),
    }
  },
})
const onion = transform({
  type: 'Onion',
  doc: 'Hands everything on, and waits for the replies.',
  options: (z) => z.strictObject({}),
  create: () => () => around(async (batch, next) => await next(batch)),
})

/** Stages that are made anew again and again, for all sessions. */
const renewed =
  (...kinds: TransformKind[]): MakeProxy =>
  (world, upstream, listen) => {
    const above = kinds.map((kind) => ({ kind: kind as TransformKind<never>, options: {} }))
    return valkeyProxy(world, upstream, listen, above, drawLimits(world), 200)
  }

const CASES: [name: string, proxy: MakeProxy, calm: boolean, seeds?: number][] = [
  ['in a calm world, with the default bounds', defaults, true],
  ['in a calm world, with bounds that are often met', drawn, true],
  ['whatever breaks, with the default bounds', defaults, false],
  ['whatever breaks, with bounds that are often met', drawn, false],
  ['while hooks are renewed, in a calm world', renewed(hooks as TransformKind), true, RENEWED_SEEDS],
  ['while hooks are renewed, whatever breaks', renewed(hooks as TransformKind), false, RENEWED_SEEDS],
  [
    'while an onion above hooks is renewed, whatever breaks',
    renewed(onion as TransformKind, hooks as TransformKind),
    false,
    RENEWED_SEEDS,
  ],
]

for (const [name, proxy, calm, seeds = SEEDS] of CASES)
  test(`the proxy keeps every promise ${name}`, async () => {
    const pushesMayBeLate = name.includes('onion')
    const results = await seedsKept(seeds, (seed) => runSeed(seed, proxy, { calm, pushesMayBeLate }))
    const sent = results.reduce((sum, result) => sum + result.sent, 0)
    assert.ok(sent > 30 * seeds, `${sent} writes sent`)
  })
