import { transform, type Zod } from '../core/kind.ts'
import { ComparingTee, type OnMismatch } from './tee-comparing.ts'
import { IgnoringTee } from './tee-ignoring.ts'
import { RESULT_SOURCE_BYTES, ResultSource } from './tee-result-source.ts'
import { Pump } from './tee-pump.ts'
import { switchControl } from './tee-switch.ts'

const METRIC = 'shotover_tee_dropped_messages_count'
const BUFFER_SIZE = 5

const chain = (z: Zod) => z.array(z.unknown())

/** Sends requests to two places. */
export const tee = transform({
  type: 'Tee',
  doc: 'Sends a copy of every request down a chain of its own, and compares the replies or does not care about them.',
  options: (z) =>
    z.strictObject({
      behavior: z
        .union([
          z.enum(['Ignore', 'LogWarningOnMismatch', 'FailOnMismatch']),
          z.strictObject({
            SubchainOnMismatch: z.strictObject({
              chain: chain(z).describe('Where requests go whose replies differ; its replies go nowhere.'),
            }),
          }),
        ])
        .default('Ignore')
        .describe(
          'What becomes of the replies of the chain: Ignore, which waits for none of them; LogWarningOnMismatch, which logs where they differ; FailOnMismatch, which gives clients an error there; or SubchainOnMismatch, which sends the request down another chain.',
        ),
      timeout_micros: z
        .int()
        .nonnegative()
        .optional()
        .describe(
          'Ignore: microseconds that a copy waits for room in the buffer before it is left out; where absent it is left out at once. Clients never wait.',
        ),
      chain: chain(z).describe('The chain that gets the copies.'),
      buffer_size: z
        .int()
        .min(1)
        .default(BUFFER_SIZE)
        .describe('Ignore: batches of one client that may wait while the chain takes no more.'),
      switch_port: z
        .int()
        .min(0)
        .max(65535)
        .optional()
        .describe('Port at 127.0.0.1 where operators ask and say which replies clients get; absent: none.'),
    }),
  subChains: ({ behavior }, name) => [
    { place: 'chain', names: [name], isDetached: behavior === 'Ignore' },
    ...(typeof behavior === 'string'
      ? []
      : [{ place: 'behavior.SubchainOnMismatch.chain', names: [`${name}.mismatch`] }]),
  ],
  example: { behavior: 'Ignore', buffer_size: 10, chain: [{ NullSink: { name: 'shadow' } }] },
  metrics: [METRIC],
  sharedBytes: () => RESULT_SOURCE_BYTES,
  control: ({ switch_port: port }, shared) =>
    port === undefined ? null : switchControl(port, new ResultSource(shared)),
  create(options, { world, metrics, log, limits, name, chains, shared }) {
    const { behavior } = options
    const source = new ResultSource(shared)
    const [factory] = chains['chain']!
    const dropped = metrics.counter(METRIC, { chain: 'Tee', name })
    if (behavior === 'Ignore') {
      const { buffer_size: bufferSize, timeout_micros: timeoutMicros = 0 } = options
      const timeoutMs = timeoutMicros / 1000
      const settings = { world, limits, bufferSize, timeoutMs, dropped, pump: new Pump(world) }
      return (session) => new IgnoringTee(factory!, session, source, log, { ...settings, protocol: session.protocol })
    }
    const [mismatch = null] = chains['behavior.SubchainOnMismatch.chain'] ?? []
    const onMismatch: OnMismatch =
      behavior === 'LogWarningOnMismatch' ? 'log' : behavior === 'FailOnMismatch' ? 'fail' : 'send'
    const settings = { limits, log, source, onMismatch, mismatch }
    return (session) => new ComparingTee(factory!, session, settings)
  },
})
