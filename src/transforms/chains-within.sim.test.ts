import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TransformKind } from '../core/kind.ts'
import { tagIn } from '../protocols/valkey/model/journal.ts'
import { ValkeyModel } from '../protocols/valkey/model/server.ts'
import { runSeed, type MakeProxy } from '../sim/run.ts'
import { valkeyProxy, type SimChain, type SimStage } from '../sim/valkey-proxy.ts'
import type { Address, World } from '../world/world.ts'
import { coalesce } from './coalesce.ts'
import { connectionBalanceAndPool } from './connection-balance-and-pool.ts'
import { parallelMap } from './parallel-map.ts'
import { tee } from './tee.ts'

const SEEDS = 20
/** Servers of their own, for what must harm nobody. */
const SHADOW: Address = { host: '127.0.0.1', port: 7001 }
const OTHER: Address = { host: '127.0.0.1', port: 7002 }

const stage = (kind: unknown, options: unknown, chain?: SimChain): SimStage => ({
  kind: kind as TransformKind<never>,
  options,
  ...(chain === undefined ? {} : { within: { chain } }),
})

const held = stage(coalesce, { flush_when_buffered_message_count: 7, flush_when_millis_since_last_flush: 15 })
const ignoring = { behavior: 'Ignore', buffer_size: 2, timeout_micros: 5000 }

const CHAINS: [name: string, stages: SimStage[]][] = [
  ['Coalesce', [held]],
  ['a Tee whose shadow is another server', [stage(tee, ignoring, { stages: [], upstream: SHADOW })]],
  ['a Tee whose shadow holds requests', [stage(tee, ignoring, { stages: [held], upstream: SHADOW })]],
  [
    'one in another',
    [stage(tee, ignoring, { stages: [stage(tee, ignoring, { stages: [], upstream: OTHER })], upstream: SHADOW }), held],
  ],
  ['ParallelMap', [stage(parallelMap, { parallelism: 1, ordered_results: true }, { stages: [held] })]],
  ['ConnectionBalanceAndPool', [stage(connectionBalanceAndPool, { max_connections: 3 }, { stages: [] })]],
]

/** A server that must see nothing twice. */
async function startShadow(world: World, address: Address, broken: string[]): Promise<ValkeyModel> {
  const seen = new Set<string>()
  const shadow = new ValkeyModel(world, {
    onExecute(_connection, _database, args) {
      const tag = tagIn(args.at(-1)!.subarray(0, 40).toString('latin1'))
      if (tag === null) return
      if (seen.has(tag)) broken.push(`${tag} came to ${address.port} twice`)
      seen.add(tag)
    },
  })
  await shadow.listen(address)
  return shadow
}

function withShadows(stages: SimStage[], broken: string[]): MakeProxy {
  return async (world, upstream, listen) => {
    const shadows = [await startShadow(world, SHADOW, broken), await startShadow(world, OTHER, broken)]
    const proxy = await valkeyProxy(world, upstream, listen, stages)
    const close = () => {
      proxy.close()
      for (const shadow of shadows) shadow.close()
    }
    return { close, check: () => proxy.check() }
  }
}

/**
 * A session that can't have a server ends with errors for all that was not answered. The sink knows which of them have no reply at all,
 * but not of those that a stage above it still holds.
 */
const KNOWN = /a reply that nobody asked for: -"ERR Internal/

for (const [name, stages] of CHAINS)
  for (const calm of [true, false])
    test(`${name}: the proxy keeps every promise${calm ? '' : ', whatever breaks'}`, async () => {
      const broken: string[] = []
      for (let seed = 1; seed <= SEEDS; seed++) {
        const { violation } = await runSeed(seed, withShadows(stages, broken), { calm })
        if (violation !== null && (calm || !KNOWN.test(violation))) broken.push(`seed ${seed}: ${violation}`)
      }
      assert.ok(broken.length === 0, `${broken.length} of ${SEEDS} seeds, the first:\n${broken[0]}`)
    })
