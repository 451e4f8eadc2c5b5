import { transform } from 'shotover'
import { encodeReply, mapBytes, replyOf, REQUEST } from 'shotover/valkey'

/** Whoever reads through this source sees `***` where the server has an e-mail address. */
export default transform({
  type: 'MaskValues',
  doc: 'Replaces what matches a pattern in every string of a reply.',
  protocols: ['valkey'],
  options: (z) =>
    z.strictObject({
      pattern: z
        .string()
        .refine(isPattern, 'is no regular expression')
        .describe('Regular expression of what nobody may read.'),
    }),
  create({ pattern }) {
    const secret = new RegExp(pattern, 'g')
    const mask = (bytes: Buffer) => {
      const text = bytes.toString('latin1')
      const masked = text.replace(secret, '***')
      return masked === text ? bytes : Buffer.from(masked, 'latin1')
    }
    return () => ({
      // A value may be large: replies are to come whole, requests need not.
      wants: (kind) => (kind === REQUEST ? 'head' : 'whole'),
      onResponses(batch, link) {
        for (const exchange of batch) {
          const reply = replyOf(exchange.response!)
          const masked = mapBytes(reply, mask)
          if (masked !== reply) exchange.response = encodeReply(masked)
        }
        link.reply(batch)
      },
      // What the server says unasked: a published message. A very large one comes in parts, in which nothing can be found.
      onPush(push, link) {
        if (push.whole) link.push(encodeReply(mapBytes(replyOf(push), mask)))
        else link.close('push-too-large-to-mask')
      },
    })
  },
})

function isPattern(text: string): boolean {
  try {
    return new RegExp(text).source !== ''
  } catch {
    return false
  }
}
