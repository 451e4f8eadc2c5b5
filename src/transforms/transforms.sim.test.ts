import assert from 'node:assert/strict'
import { test } from 'node:test'
import { z } from 'zod'
import { around } from '../core/around.ts'
import type { Batch } from '../core/exchange.ts'
import { transform, type TransformKind } from '../core/kind.ts'
import { runSeed, type MakeProxy } from '../sim/run.ts'
import { seedsKept } from '../sim/seed-run.ts'
import { valkeyProxy, type SimStage } from '../sim/valkey-proxy.ts'
import { debugForceEncode } from './debug-force-encode.ts'
import { debugPrinter } from './debug-printer.ts'
import { queryCounter } from './query-counter.ts'
import { queryTypeFilter } from './query-type-filter.ts'
import { requestThrottling } from './request-throttling.ts'

const SEEDS = 40

/** Requests that were not what they had been. */
const changed: string[] = []

const bytesOf = (batch: Batch) => batch.map(({ request }) => request.toBuffer().toString('latin1'))

/** What a batch asks stays readable until the onion is over, whatever waits and whatever breaks. */
const reading = transform({
  type: 'Reading',
  doc: 'Compares requests before and after.',
  options: z.strictObject({ waits: z.boolean() }),
  create({ waits }, { world }) {
    const pause = () => new Promise<void>((resolve) => world.clock.after(world.random.next() * 5, resolve))
    return () =>
      around(async (batch, next) => {
        const before = bytesOf(batch).join('')
        const compare = (when: string) => {
          if (bytesOf(batch).join('') !== before) changed.push(when)
        }
        if (waits) await pause()
        compare('while it waits')
        const half = waits ? Math.floor(batch.length / 2) : 0
        await Promise.all([next(batch.slice(0, half)), next(batch.slice(half))])
        compare('when the replies are there')
        if (waits) await pause()
        compare('at the end')
      })
  },
})

/** Keys that no reply names get another name, so that requests leave in pieces: what came, and what is new in between. */
const renaming = transform({
  type: 'Renaming',
  doc: 'Gives keys a prefix.',
  options: z.strictObject({}),
  create: () => (session) => ({
    wants: () => 'whole',
    onRequests(batch, link) {
      for (const { request } of batch)
        session.protocol.queries!.renameKeys!(request, (key) => (/^s\d+:[^l]/.test(key) ? `tenant:${key}` : key))
      link.forward(batch)
    },
  }),
})

const stage = (kind: TransformKind<never>, options: unknown): SimStage => ({ kind, options })

const CHAINS: [name: string, stages: SimStage[]][] = [
  [
    'counter, filter and printer',
    [
      stage(queryCounter as TransformKind<never>, { counter_name: 'main' }),
      stage(queryTypeFilter as TransformKind<never>, { DenyList: ['SchemaChange'] }),
      stage(debugPrinter as TransformKind<never>, {}),
    ],
  ],
  [
    'limits, and everything encoded anew',
    [
      stage(requestThrottling as TransformKind<never>, {
        max_requests_per_second: 1e9,
        per_user: 1e9,
        per_key_prefix: { k: 1e9 },
      }),
      stage(debugForceEncode as TransformKind<never>, { encode_requests: true, encode_responses: true }),
    ],
  ],
  ['keys that get another name', [stage(renaming as TransformKind<never>, {})]],
  [
    'keys that get another name before somebody else reads them',
    [stage(renaming as TransformKind<never>, {}), stage(reading as TransformKind<never>, { waits: true })],
  ],
  ['an onion', [stage(reading as TransformKind<never>, { waits: false })]],
  ['an onion that waits', [stage(reading as TransformKind<never>, { waits: true })]],
  [
    'onions in onions',
    [
      stage(reading as TransformKind<never>, { waits: true }),
      stage(queryCounter as TransformKind<never>, { counter_name: 'main' }),
      stage(reading as TransformKind<never>, { waits: false }),
    ],
  ],
]

for (const [name, stages] of CHAINS)
  for (const calm of [true, false])
    test(`${name}: the proxy keeps every promise${calm ? '' : ', whatever breaks'}`, async () => {
      const proxy: MakeProxy = (world, up, at) => valkeyProxy(world, up, at, stages)
      // An onion gives the replies of a batch on together.
      const pushesMayBeLate = stages.some(({ kind }) => (kind as TransformKind) === (reading as TransformKind))
      await seedsKept(SEEDS, (seed) => runSeed(seed, proxy, { calm, pushesMayBeLate }))
      assert.deepEqual(changed, [])
    })
