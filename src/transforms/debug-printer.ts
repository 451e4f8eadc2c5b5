import { transform } from '../core/kind.ts'

/** Logs every request and reply that passes, decoded. Of a large one that passes in parts it shows the beginning. */
export const debugPrinter = transform({
  type: 'DebugPrinter',
  doc: 'Logs every request and every reply that passes, for debugging.',
  options: (z) => z.strictObject({}),
  create(_options, { log }) {
    return ({ protocol }) => ({
      onRequests(batch, link) {
        for (const { request } of batch) log.info(`Request: ${protocol.describe(request)}`)
        link.forward(batch)
      },
      onResponses(batch, link) {
        for (const { response } of batch) log.info(`Response: ${protocol.describe(response!)}`)
        link.reply(batch)
      },
      onPush(push, link) {
        log.info(`Response: ${protocol.describe(push)}`)
        link.push(push)
      },
    })
  },
})
