import { Budget } from '../core/budget.ts'
import type { StageSpec } from '../core/chain.ts'
import { LIMITS, type Env, type Limits, type Log, type Metrics, type TransformKind } from '../core/kind.ts'
import { Scratch } from '../core/outbox.ts'
import type { Pool } from '../core/pool.ts'
import { Source } from '../core/source.ts'
import { noStats } from '../core/stats.ts'
import { valkeySinkSingle } from '../protocols/valkey/sink-single.ts'
import { valkeySource } from '../protocols/valkey/source.ts'
import type { Address, World } from '../world/world.ts'
import type { SimProxy } from './run.ts'

const silent: Log = { debug() {}, info() {}, warn() {}, error() {} }
const uncounted: Metrics = {
  counter: () => ({ add() {} }),
  gauge: () => ({ set() {}, add() {} }),
  summary: () => ({ observe() {} }),
}

/** Bounds that a run draws: small ones are met often. */
export function drawLimits(world: World): Limits {
  const pick = (choices: readonly number[]) => choices[Math.floor(world.random.next() * choices.length)]!
  return {
    ...LIMITS,
    cutThroughBytes: pick([100, 4096, LIMITS.cutThroughBytes]),
    quantumFrames: pick([1, 16, LIMITS.quantumFrames]),
    sessionInFlightMax: pick([1, 8, LIMITS.sessionInFlightMax]),
    sessionUnsentBytes: pick([4096, LIMITS.sessionUnsentBytes]),
  }
}

/** A stage of the chain that the proxy is to have above its sink. */
export interface SimStage {
  readonly kind: TransformKind<never>
  readonly options: unknown
}

/** Milliseconds between renewals, at most. */
const RENEWAL_MS = 60

/** The proxy itself: a Valkey source, a chain, and one server behind it. So often, the stages above the sink are made anew meanwhile. */
export async function valkeyProxy(
  world: World,
  upstream: Address,
  listen: Address,
  above: readonly SimStage[] = [],
  limits: Limits = drawLimits(world),
  renewals = 0,
): Promise<SimProxy> {
  const pools: Pool[] = []
  const closers: (() => void)[] = []
  const sink = { remote_address: `${upstream.host}:${upstream.port}`, connect_timeout_ms: 3000 }
  const kinds = [...above, { kind: valkeySinkSingle as TransformKind<never>, options: sink }]
  const make = ({ kind, options }: SimStage): StageSpec => {
    const env: Env = {
      world,
      metrics: uncounted,
      log: silent,
      limits,
      name: kind.type,
      chain: 'valkey',
      chains: {},
      shared: new SharedArrayBuffer(kind.sharedBytes?.(options as never) ?? 0),
      pools,
      onClose: (close) => void closers.push(close),
    }
    return { type: kind.type, name: kind.type, factory: kind.create(options as never, env) }
  }
  const stages = kinds.map(make)
  const source = new Source({
    name: 'valkey',
    protocol: valkeySource.protocol,
    chain: { name: 'valkey', stages, stats: noStats() },
    limits,
    world,
    log: silent,
    idleTimeoutMs: null,
    scratch: new Scratch(),
    budget: new Budget(limits.processBytesMax),
  })
  const renewIn = (ms: number, left: number) => {
    if (left === 0) return
    world.clock.after(ms, () => {
      source.renew({ ...source.chain, stages: [...above.map(make), stages.at(-1)!] }, () => {})
      renewIn(world.random.next() * RENEWAL_MS, left - 1)
    })
  }
  renewIn(RENEWAL_MS, renewals)
  const listener = await world.net.listen(listen, (connection) => void source.accept(connection))
  return {
    close() {
      void listener.close()
      void source.drain(0)
      for (const close of closers) close()
    },
    check() {
      if (source.sessions.size > 0) throw new Error(`${source.sessions.size} sessions are open although no client is`)
      const inFlight = pools.reduce((sum, pool) => sum + pool.inFlight, 0)
      if (inFlight > 0) throw new Error(`${inFlight} requests are in flight although nobody waits for them`)
      if (source.budget.used !== 0) throw new Error(`${source.budget.used} bytes are held although nobody needs them`)
    },
  }
}
