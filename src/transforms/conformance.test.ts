import { z } from 'zod'
import { conformance } from '../../test/conformance.ts'
import { KINDS } from '../config/kinds.ts'
import { around } from '../core/around.ts'
import { transform, type TransformKind } from '../core/kind.ts'

/** Options of the kinds of the list that the kit can play; a kind with several faces has several. */
const OPTIONS: Record<string, readonly unknown[]> = {
  DebugForceEncode: [{ encode_requests: true, encode_responses: true }],
  DebugForceParse: [{ parse_requests: true, parse_responses: true }],
  DebugPrinter: [{}],
  DebugReturner: [{ Valkey: '42' }, { Fail: null }],
  Loopback: [{}],
  NullSink: [{}],
  QueryCounter: [{ counter_name: 'main' }],
  QueryTypeFilter: [{ DenyList: ['Read'] }, { AllowList: ['Read'] }, { DenyList: [] }],
  RequestThrottling: [
    { max_requests_per_second: 1_000_000 },
    { max_requests_per_second: 50, per_command: { GET: 3 }, per_key_prefix: { k: 5 }, per_user: 20 },
  ],
}
/** Kinds that need a server or chains of their own, and are proved in the simulator; and one that writes files, beside its test. */
const ELSEWHERE = ['CassandraSinkSingle', 'DebugLogToFile', 'ValkeySinkSingle']

for (const [type, load] of Object.entries(KINDS.transforms)) {
  if (ELSEWHERE.includes(type)) continue
  const kind = await load()
  if (OPTIONS[type] === undefined) throw new Error(`no options to play ${type} with`)
  for (const options of OPTIONS[type]) conformance(kind, options)
}

function kindOf(type: string, instance: Parameters<typeof transform>[0]['create']): TransformKind {
  return transform({ type, doc: `${type}, for tests.`, options: z.strictObject({}), create: instance }) as TransformKind
}

/** The ways to write a transform, besides. */
conformance(
  kindOf('Onion', () => () => around((batch, next) => next(batch))),
  {},
)
conformance(
  kindOf(
    'SlowOnion',
    (_options, { world }) =>
      () =>
        around(async (batch, next) => {
          const pause = () => new Promise<void>((resolve) => world.clock.after(world.random.next() * 20, resolve))
          await pause()
          const half = Math.floor(batch.length / 2)
          const first = next(batch.slice(0, half))
          await pause()
          await Promise.all([first, next(batch.slice(half))])
          await pause()
        }),
  ),
  {},
)
conformance(
  kindOf('Whole', () => () => ({
    wants: () => 'whole',
    onRequests: (batch, link) => link.forward(batch),
    onResponses: (batch, link) => link.reply(batch),
  })),
  {},
)
conformance(
  kindOf('Nothing', () => () => ({})),
  {},
)
