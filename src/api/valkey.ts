/** What a transform that reads Valkey's messages imports: `import { replyOf } from 'shotover/valkey'`. */
export { argumentsOf, replyOf } from '../protocols/valkey/body.ts'
export { encodeReply } from '../protocols/valkey/encode-reply.ts'
export { encodeRequest } from '../protocols/valkey/encode.ts'
export { mapBytes } from '../protocols/valkey/map-bytes.ts'
export { REQUEST } from '../protocols/valkey/resp.ts'
export type { Reply, Request } from '../protocols/valkey/values.ts'
