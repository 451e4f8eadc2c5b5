import { transform } from '../../src/core/kind.ts'

/** What a user's transform costs, written as hooks: it reads the name of every command and the first byte of every reply. */
export default transform({
  type: 'FirstWordHooks',
  doc: 'Answers FLUSHALL and FLUSHDB with an error, and counts error replies.',
  needs: ['queries'],
  options: (z) => z.strictObject({}),
  create(_options, { metrics, name }) {
    const errors = metrics.counter('bench_error_replies', { transform: name })
    return ({ protocol }) => {
      return {
        onRequests(batch, link) {
          let refused = false
          for (const exchange of batch) {
            const name = protocol.queries!.name(exchange.request)
            if (name !== 'FLUSHALL' && name !== 'FLUSHDB') continue
            exchange.response = protocol.failure(exchange.request, 'rejected', 'this proxy flushes nothing')
            refused = true
          }
          if (!refused) return link.forward(batch)
          link.reply(batch.filter(({ response }) => response !== null))
          link.forward(batch.filter(({ response }) => response === null))
        },
        onResponses(batch, link) {
          let count = 0
          for (const { response } of batch) if (response!.bytes[response!.start] === 0x2d) count++
          if (count > 0) errors.add(count)
          link.reply(batch)
        },
      }
    }
  },
})
