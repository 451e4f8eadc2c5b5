import type { Frame } from '../../core/frame.ts'
import type { Protocol, WireOptions } from '../../core/protocol.ts'
import { bodyOf, encodeBody, type Body } from './body/body.ts'
import { describe } from './describe.ts'
import { retagged } from './envelope.ts'
import { failureOf, isError } from './failure.ts'
import { PreparedStatements } from './prepared.ts'
import { queriesOf } from './queries.ts'
import { splice } from './splice.ts'
import { typedRequest } from './typed-request.ts'
import { ClientWire } from './wire-client.ts'
import { ServerWire } from './wire-server.ts'

/** What was prepared on this thread. */
export const prepared = new PreparedStatements()

/** The CQL native protocol, versions 3 to 5: native_protocol_v3.spec, _v4.spec and _v5.spec of Apache Cassandra. */
export const cassandra: Protocol<Body> = {
  name: 'cassandra',
  orderToClient: 'any',
  versions: ['v3', 'v4', 'v5'],
  clientWire: ({ cutThroughBytes }: WireOptions) => new ClientWire(cutThroughBytes, prepared),
  serverWire: ({ cutThroughBytes }: WireOptions) => new ServerWire(cutThroughBytes),
  body: bodyOf,
  encode: encodeBody,
  splice,
  retag(frame: Frame, stream: number): void {
    const tagged = retagged(frame, stream)
    frame.bytes = tagged.bytes
    frame.start = tagged.start
    frame.end = tagged.end
    frame.stream = stream
  },
  failure: failureOf(prepared),
  isError,
  typedRequest,
  describe,
  queries: queriesOf(prepared),
}
