import { z } from 'zod'
import type { KindList } from '../../src/config/kinds.ts'
import { sinkTls } from '../../src/core/tls.ts'
import { transform, type SourceKind, type TransformKind } from '../../src/core/kind.ts'
import { valkey } from '../../src/protocols/valkey/index.ts'

// A list of kinds that stays as it is, so that what the goldens say does not change whenever a kind is added to the real one. The
// options are those of Shotover's transforms; none of them does anything.

const chain = z.array(z.unknown())

function kind<Options>(
  type: string,
  options: z.ZodType<Options>,
  more: Partial<TransformKind<Options>> = {},
): Record<string, () => Promise<TransformKind>> {
  return {
    [type]: async () => transform({ type, doc: `${type}, for tests.`, options, create: () => () => ({}), ...more }),
  }
}

function source(type: string, queries: boolean): Record<string, () => Promise<SourceKind>> {
  const { queries: facet, ...rest } = { ...valkey, name: type.toLowerCase() }
  // Keys can be renamed only in the one that the facet is of.
  const renameKeys = type === 'Valkey' ? facet!.renameKeys : undefined
  const protocol = queries ? { ...rest, queries: { ...facet!, renameKeys } } : rest
  return { [type]: async () => ({ type, doc: `${type}, for tests.`, protocol }) }
}

const sink = { terminating: true }
const COALESCE_DOCS = 'Check https://shotover.io/docs/latest/transforms.html#coalesce for more information.'

export const TEST_KINDS: KindList = {
  sources: { ...source('Valkey', true), ...source('Cassandra', true), ...source('Opaque', false) },
  transforms: {
    ...kind('NullSink', z.strictObject({}), sink),
    ...kind('DebugPrinter', z.strictObject({})),
    ...kind('DebugReturner', z.strictObject({ Valkey: z.string().optional(), Fail: z.null().optional() }), sink),
    ...kind('QueryCounter', z.strictObject({ counter_name: z.string() }), { needs: ['queries'] }),
    ...kind(
      'QueryTypeFilter',
      z.strictObject({
        DenyList: z.array(z.enum(['Read', 'Write', 'ReadWrite'])).default([]),
        nested: z.strictObject({ a: z.int().optional(), b: z.boolean() }).optional(),
      }),
    ),
    ...kind(
      'ValkeySinkSingle',
      z.strictObject({
        remote_address: z.string().refine((text) => text.includes(':'), 'must follow the format host:port'),
        connect_timeout_ms: z.int().min(0),
        password: z.int().optional(),
        tls: sinkTls(z).optional(),
      }),
      { ...sink, protocols: ['valkey'] },
    ),
    ...kind('CassandraSinkSingle', z.strictObject({ port: z.int().max(65535).optional() }), {
      ...sink,
      protocols: ['Cassandra'],
    }),
    ...kind(
      'Coalesce',
      z
        .strictObject({
          flush_when_buffered_message_count: z.int().optional(),
          flush_when_millis_since_last_flush: z.int().optional(),
        })
        .superRefine((options, context) => {
          if (
            options.flush_when_buffered_message_count === undefined &&
            options.flush_when_millis_since_last_flush === undefined
          ) {
            const message = `Need to provide at least one of these fields:\n* flush_when_buffered_message_count\n* flush_when_millis_since_last_flush\n\nBut none of them were provided.\n${COALESCE_DOCS}`
            context.addIssue({ code: 'custom', message })
          }
        }),
    ),
    ...kind('ParallelMap', z.strictObject({ parallelism: z.int(), chain }), {
      ...sink,
      subChains: ({ parallelism }, name) => [
        { place: 'chain', names: Array.from({ length: parallelism }, (_, index) => `${name}[${index}]`) },
      ],
    }),
    ...kind(
      'Tee',
      z.strictObject({
        chain,
        behavior: z
          .union([
            z.enum(['Ignore', 'LogWarningOnMismatch', 'FailOnMismatch']),
            z.strictObject({ SubchainOnMismatch: z.strictObject({ chain, retries: z.int().optional() }) }),
          ])
          .optional(),
      }),
      {
        subChains: ({ behavior }, name) => [
          { place: 'chain', names: [name], isDetached: behavior === 'Ignore' },
          ...(typeof behavior !== 'object'
            ? []
            : [{ place: 'behavior.SubchainOnMismatch.chain', names: [`${name}.mismatch`] }]),
        ],
      },
    ),
    ...kind('ValkeyCache', z.strictObject({ chain }), {
      protocols: ['Cassandra'],
      subChains: (_, name) => [{ place: 'chain', names: [name], protocol: 'Valkey' }],
    }),
  },
}
