import { around } from '../../src/core/around.ts'
import { transform } from '../../src/core/kind.ts'

/** The same as first-word-hooks.ts, written as an onion. */
export default transform({
  type: 'FirstWordOnion',
  doc: 'Answers FLUSHALL and FLUSHDB with an error, and counts error replies.',
  needs: ['queries'],
  options: (z) => z.strictObject({}),
  create(_options, { metrics, name }) {
    const errors = metrics.counter('bench_error_replies', { transform: name })
    return ({ protocol }) => {
      return around(async (batch, next) => {
        let refused = false
        for (const exchange of batch) {
          const name = protocol.queries!.name(exchange.request)
          if (name !== 'FLUSHALL' && name !== 'FLUSHDB') continue
          exchange.response = protocol.failure(exchange.request, 'rejected', 'this proxy flushes nothing')
          refused = true
        }
        const answered = await next(refused ? batch.filter(({ response }) => response === null) : batch)
        let count = 0
        for (const { response } of answered) if (response!.bytes[response!.start] === 0x2d) count++
        if (count > 0) errors.add(count)
      })
    }
  },
})
