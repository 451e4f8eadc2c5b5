import type { ChainSpec } from './chain.ts'
import type { ChainFactory, Limits } from './kind.ts'
import type { Protocol } from './protocol.ts'
import { SubChain, type SubChainSettings } from './sub-chain.ts'

/** Makes chains within of what `build` builds; `protocol` is what they speak, null: what the chain around does. */
export function chainFactory(
  build: () => ChainSpec,
  protocol: Protocol | null,
  settings: SubChainSettings,
): ChainFactory {
  const spec = build()
  return {
    name: spec.name,
    open(session, user) {
      const info = { ...session, chain: spec.name, protocol: protocol ?? session.protocol }
      return new SubChain(spec, info, user, settings)
    },
    again: () => chainFactory(build, protocol, settings),
  }
}

/**
 * Bounds within one of `count` chains that share out what a session has in flight: so much of it can be in each at least, when the
 * session takes no more. A detached one has no such bound.
 */
export function limitsWithin(limits: Limits, count: number, isDetached: boolean): Limits {
  const share = Math.max(1, Math.floor(limits.sessionInFlightMax / count))
  return { ...limits, sessionInFlightMax: isDetached ? Number.MAX_SAFE_INTEGER : share }
}
