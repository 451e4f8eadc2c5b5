import { transform } from '../core/kind.ts'

/** Ends a chain without a server: the same reply to every request, or an error of the chain, which ends the session. */
export const debugReturner = transform({
  type: 'DebugReturner',
  doc: 'Answers every request with the same reply, or fails, for debugging.',
  terminating: true,
  options: (z) =>
    z
      .strictObject({
        Valkey: z
          .string()
          .optional()
          .describe('The bulk string that every request of a Valkey client is answered with.'),
        Fail: z.null().optional().describe('Present, without a value: every request fails, and its session ends.'),
      })
      .refine(({ Valkey, Fail }) => (Valkey === undefined) !== (Fail === undefined), {
        message: 'Need to provide exactly one of these fields:\n* Valkey\n* Fail',
      }),
  example: { Valkey: '42' },
  create({ Valkey: text }) {
    return ({ protocol }) => ({
      onRequests(batch, link) {
        if (text === undefined) return link.fail(new Error('Intentional Fail!'))
        for (const exchange of batch) {
          exchange.response = protocol.textReply?.(exchange.request, text) ?? null
          if (exchange.response === null)
            return link.fail(new Error(`there is no reply for clients that speak ${protocol.name}`))
        }
        link.reply(batch)
      },
    })
  },
})
