import { FRAME_LAST, Frame } from '../../src/core/frame.ts'
import type { FailureKind, Protocol, WireOptions } from '../../src/core/protocol.ts'
import {
  encode,
  ERROR,
  GET,
  HEAD,
  HEADER_BYTES,
  KIND_NAMES,
  NOTE,
  CANCEL,
  ROWS,
  SLOWLY,
  STEP,
  type Order,
} from './format.ts'
import { replyFrame } from './leaving.ts'
import { ClientWire } from './wire-client.ts'
import { ServerWire } from './wire-server.ts'

const IDEMPOTENT = new Set([GET, HEAD, ROWS, SLOWLY])
/** What has no reply, or not always one, gets no error either. */
const WITHOUT_REPLY = new Set([NOTE, CANCEL, STEP])

export function payloadOf(frame: Frame): string {
  return frame.toBuffer().toString('latin1', HEADER_BYTES)
}

/** With streams replies come in any order, and ids tell whose they are; without, in the order of the requests. */
export function hardProtocol(order: Order): Protocol<string> {
  const hasStreams = order !== 'request-order'
  const interleaves = order === 'streams'
  return {
    name: 'hard',
    orderToClient: hasStreams ? 'any' : 'request-order',
    interleaves,
    clientWire: ({ cutThroughBytes }: WireOptions) =>
      new ClientWire(interleaves ? Infinity : cutThroughBytes, hasStreams),
    serverWire: ({ cutThroughBytes }: WireOptions) =>
      new ServerWire(interleaves ? Infinity : cutThroughBytes, hasStreams),
    body: payloadOf,
    encode: (body, stream) => replyFrame(GET, body, stream),
    splice(frame, _path, bytes) {
      const length = Buffer.alloc(4)
      length.writeUInt32BE(bytes.length)
      frame.edits = [
        { start: 4, end: HEADER_BYTES, bytes: length },
        { start: HEADER_BYTES, end: frame.end - frame.start, bytes },
      ]
    },
    retag() {},
    failure(request: Frame, kind: FailureKind, message: string) {
      if (WITHOUT_REPLY.has(request.kind)) return null
      const bytes = encode(ERROR, `${kind}: ${message.replaceAll('\n', ' ')}`, request.stream)
      const frame = new Frame(bytes, 0, bytes.length, ERROR, 1, false)
      frame.stream = request.stream
      frame.flags |= FRAME_LAST
      return frame
    },
    isError: (reply) => reply.kind === ERROR,
    describe: (frame) => `${KIND_NAMES[frame.kind]} ${payloadOf(frame).slice(0, 40)}`,
    queries: {
      name: (frame) => KIND_NAMES[frame.kind]!,
      names(frame, into) {
        into.push(KIND_NAMES[frame.kind]!)
        return 1
      },
      metricType: 'hard',
      type: (frame) => (IDEMPOTENT.has(frame.kind) ? 'Read' : 'Write'),
      keys: (frame) => [payloadOf(frame).split('=')[0]!],
      cost: () => 1,
      idempotent: (frame) => IDEMPOTENT.has(frame.kind),
    },
  }
}
