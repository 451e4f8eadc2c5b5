/** What a transform of a user's own imports: `import { transform } from 'shotover'`. What a protocol's messages hold: `shotover/valkey`. */
export { around } from './core/around.ts'
export type { Next, Onion } from './core/around.ts'
export { Branch } from './core/branch.ts'
export { PART_FULL, PART_SLOW, PART_TAKEN } from './core/exchange.ts'
export type { Batch, Exchange } from './core/exchange.ts'
export { FRAME_HEAD, FRAME_LAST, FRAME_WHOLE } from './core/frame.ts'
export type { Frame } from './core/frame.ts'
export { transform } from './core/kind.ts'
export type {
  ChainFactory,
  Counter,
  Env,
  Gauge,
  Limits,
  Log,
  Metrics,
  OptionsSchema,
  SessionFactory,
  SubChainPlace,
  Summary,
  TransformKind,
  Zod,
} from './core/kind.ts'
export type { Route, Way } from './core/route.ts'
export type { FailureKind, Protocol, QueryCodes, QueryFacet, QueryType } from './core/protocol.ts'
export type { SubChain, SubChainUser } from './core/sub-chain.ts'
export type { Link, SessionInfo, Transform } from './core/transform.ts'
export type { Reply as ValkeyReply, Request as ValkeyRequest } from './protocols/valkey/values.ts'
export type { Clock, Random, Timer, World } from './world/world.ts'
