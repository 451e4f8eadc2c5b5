import type { Frame } from '../core/frame.ts'
import { transform } from '../core/kind.ts'
import type { Transform } from '../core/transform.ts'

/** Decodes what passes and does nothing with it, to see what decoding costs, or breaks on. */
export const debugForceParse = transform({
  type: 'DebugForceParse',
  doc: 'Decodes requests, replies or both, and hands them on as they are: shows what decoding costs.',
  options: (z) =>
    z.strictObject({
      parse_requests: z.boolean().describe('Decode requests.'),
      parse_responses: z.boolean().describe('Decode replies.'),
    }),
  example: { parse_requests: true, parse_responses: false },
  create({ parse_requests: parsesRequests, parse_responses: parsesResponses }, { log }) {
    return ({ protocol }) => {
      const parse = (frame: Frame) => {
        // Of a large message that passes in parts, the head alone may be nothing.
        if (!frame.whole) return
        try {
          protocol.body(frame)
        } catch (error) {
          log.error('Failed to parse frame', { error: (error as Error).message })
        }
      }
      const instance: Transform = {}
      if (parsesRequests)
        instance.onRequests = (batch, link) => {
          for (const { request } of batch) parse(request)
          link.forward(batch)
        }
      if (parsesResponses) {
        instance.onResponses = (batch, link) => {
          for (const { response } of batch) parse(response!)
          link.reply(batch)
        }
        instance.onPush = (push, link) => {
          parse(push)
          link.push(push)
        }
      }
      return instance
    }
  },
})
