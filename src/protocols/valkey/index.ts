import type { Frame } from '../../core/frame.ts'
import type { Protocol, WireOptions } from '../../core/protocol.ts'
import { body, type Body } from './body.ts'
import { describe } from './describe.ts'
import { encodeReply } from './encode-reply.ts'
import { encodeRequest } from './encode.ts'
import { failure, isError } from './failure.ts'
import { typedRequest } from './inline.ts'
import { queries } from './queries.ts'
import { splice } from './splice.ts'
import { ClientWire } from './wire-client.ts'
import { ServerWire } from './wire-server.ts'

/** RESP2 and RESP3, as Valkey and Redis speak it: https://valkey.io/topics/protocol/ */
export const valkey: Protocol<Body> = {
  name: 'valkey',
  orderToClient: 'request-order',
  clientWire: ({ cutThroughBytes }: WireOptions) => new ClientWire(cutThroughBytes),
  serverWire: ({ cutThroughBytes }: WireOptions) => new ServerWire(cutThroughBytes),
  body,
  encode(value: Body): Frame {
    return value.type === 'request' ? encodeRequest(value.args) : encodeReply(value)
  },
  splice,
  /** Replies follow the order of requests: there is nothing to retag. */
  retag(): void {},
  failure,
  isError,
  /** A bulk string. */
  textReply(_request: Frame, text: string): Frame {
    return encodeReply({ type: 'bulk', bytes: Buffer.from(text) })
  },
  typedRequest,
  describe,
  queries,
}
