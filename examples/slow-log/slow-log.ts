import { around, transform } from 'shotover'

/** Logs the requests of a batch that took long, from here to the server and back. */
export default transform({
  type: 'SlowLog',
  doc: 'Logs requests whose replies took long to come.',
  options: (z) =>
    z.strictObject({
      slower_than_ms: z.int().positive().describe('Milliseconds that a reply may take without being logged.'),
    }),
  create({ slower_than_ms }, { log, world }) {
    return ({ protocol, clientAddress }) =>
      around(async (batch, next) => {
        const since = world.clock.now()
        await next(batch)
        const ms = Math.round(world.clock.now() - since)
        if (ms <= slower_than_ms) return
        for (const { request } of batch) log.warn(`${ms} ms: ${protocol.describe(request)} of ${clientAddress}`)
      })
  },
})
