import type { Frame } from '../core/frame.ts'
import { transform } from '../core/kind.ts'
import type { Transform } from '../core/transform.ts'

/** Decodes what passes and hands on what its encoding gives. Of a message that passes in parts the bytes stay. */
export const debugForceEncode = transform({
  type: 'DebugForceEncode',
  doc:
    'Decodes requests, replies or both, and encodes them again, as a transform that changes them does: shows what that costs. ' +
    'Messages that pass in parts stay as they are.',
  options: (z) =>
    z.strictObject({
      encode_requests: z.boolean().describe('Encode requests anew.'),
      encode_responses: z.boolean().describe('Encode replies anew.'),
    }),
  example: { encode_requests: true, encode_responses: true },
  create({ encode_requests: encodesRequests, encode_responses: encodesResponses }, { log }) {
    return ({ protocol }) => {
      const anew = (frame: Frame): Frame => {
        if (!frame.whole) return frame
        try {
          return protocol.encode(protocol.body(frame), frame.stream)
        } catch (error) {
          log.error('Failed to parse frame', { error: (error as Error).message })
          return frame
        }
      }
      const instance: Transform = {}
      if (encodesRequests)
        instance.onRequests = (batch, link) => {
          for (const exchange of batch) exchange.request = anew(exchange.request)
          link.forward(batch)
        }
      if (encodesResponses) {
        instance.onResponses = (batch, link) => {
          for (const exchange of batch) exchange.response = anew(exchange.response!)
          link.reply(batch)
        }
        instance.onPush = (push, link) => link.push(anew(push))
      }
      return instance
    }
  },
})
