import { transform } from 'shotover'

/** Answers writes to keys with one of the prefixes by an error; the server never sees them. */
export default transform({
  type: 'ProtectKeys',
  doc: 'Refuses writes to keys that begin with one of the prefixes.',
  needs: ['queries'],
  options: (z) =>
    z.strictObject({
      prefixes: z.array(z.string()).min(1).describe('Beginnings of the keys that nobody may write.'),
    }),
  // Once per topology; what is made here is shared by all its clients.
  create({ prefixes }, { log }) {
    const isProtected = (key: string) => prefixes.some((prefix) => key.startsWith(prefix))
    // Once per client.
    return ({ protocol, clientAddress }) => ({
      // A key may stand behind a value of many megabytes: MSET has to be seen whole.
      wants: () => 'whole',
      onRequests(batch, link) {
        const allowed = []
        const refused = []
        for (const exchange of batch) {
          const queries = protocol.queries!
          const reads = queries.type(exchange.request) === 'Read'
          if (reads || !queries.keys(exchange.request).some(isProtected)) {
            allowed.push(exchange)
            continue
          }
          exchange.response = protocol.failure(exchange.request, 'rejected', 'this key is protected')
          refused.push(exchange)
        }
        if (refused.length > 0) log.info(`refused ${refused.length} writes of ${clientAddress}`)
        // Replies reach the client in the order of its requests, whatever comes first here.
        link.reply(refused)
        link.forward(allowed)
      },
    })
  },
})
