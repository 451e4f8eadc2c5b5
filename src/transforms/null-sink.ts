// Hot path
import { transform } from '../core/kind.ts'

const MESSAGE = 'Handled by shotover null transform'

/** Ends a chain without a server: every request gets an error, or its session ends where the protocol has none. */
export const nullSink = transform({
  type: 'NullSink',
  doc: 'Answers every request with an error.',
  terminating: true,
  options: (z) => z.strictObject({}),
  create() {
    return ({ protocol }) => ({
      onRequests(batch, link) {
        for (let i = 0; i < batch.length; i++) {
          const exchange = batch[i]!
          exchange.response = protocol.failure(exchange.request, 'internal', MESSAGE)
          if (exchange.response === null) return link.fail(new Error(MESSAGE))
        }
        link.reply(batch)
      },
    })
  },
})
