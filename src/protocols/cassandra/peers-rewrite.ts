// Hot path
import type { Batch, Exchange } from '../../core/exchange.ts'
import type { Frame } from '../../core/frame.ts'
import { transform } from '../../core/kind.ts'
import type { Link } from '../../core/transform.ts'
import { UNPARSED_METRIC } from './cql/unparsed.ts'
import { RESULT } from './opcodes.ts'
import { PeersPort, type PeersQuery } from './peers-port.ts'

/** Tells clients that all nodes listen on one port, that of the proxy. */
export const cassandraPeersRewrite = transform({
  type: 'CassandraPeersRewrite',
  doc: 'Tells clients that all other nodes listen on one port: in the rows of `system.peers_v2`, and in events of nodes that come and go, up or down.',
  protocols: ['cassandra'],
  options: (z) =>
    z.strictObject({
      port: z
        .int()
        .min(1)
        .max(65535)
        .describe('The port that clients are told, of this proxy or of those beside the nodes.'),
    }),
  example: { port: 9042 },
  metrics: [UNPARSED_METRIC],
  create({ port }, { metrics, chain }) {
    const unparsed = metrics.counter(UNPARSED_METRIC, { chain, transform: 'CassandraPeersRewrite' })
    const peers = new PeersPort(port, () => unparsed.add(1))
    return () => {
      /** What was asked of peers, and is not answered. */
      const open = new Map<Exchange, PeersQuery>()
      /** Those of them that are about peers for certain. */
      let certain = 0
      const taken = (exchange: Exchange): PeersQuery | undefined => {
        const asked = open.get(exchange)
        if (asked !== undefined && open.delete(exchange) && asked.unsure === null) certain--
        return asked
      }
      const forget = (exchange: Exchange) => void taken(exchange)
      return {
        onRequests(batch: Batch, link: Link) {
          for (let i = 0; i < batch.length; i++) {
            const exchange = batch[i]!
            const asked = peers.asked(exchange.request)
            if (asked === null) continue
            open.set(exchange, asked)
            if (asked.unsure === null) certain++
            else exchange.request = peers.telling(exchange.request)
          }
          link.forward(batch)
        },
        onResponses(batch: Batch, link: Link) {
          for (let i = 0; i < batch.length && open.size !== 0; i++) {
            const exchange = batch[i]!
            const asked = taken(exchange)
            if (asked !== undefined) exchange.response = peers.rewritten(exchange.response!, asked)
          }
          link.reply(batch)
        },
        onPush(push: Frame, link: Link) {
          link.push(peers.rewrittenPush(push))
        },
        // The peers of a large cluster, with their tokens, come in parts.
        wants: (kind: number) => (kind === RESULT && certain !== 0 ? 'whole' : 'head'),
        onCancel: forget,
        onSilent: forget,
      }
    }
  },
})
