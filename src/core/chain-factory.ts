import type { ChainSpec } from './chain.ts'
import type { ChainFactory } from './kind.ts'
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
