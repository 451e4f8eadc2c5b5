import { Branch, transform } from 'shotover'

/** Some clients are served by the server of a chain of its own, from their first request to their last; the others by what follows. */
export default transform({
  type: 'Canary',
  doc: 'Sends all requests of some clients down a chain of its own.',
  options: (z) =>
    z.strictObject({
      percent: z.number().min(0).max(100).describe('How many of a hundred clients go there.'),
      chain: z.array(z.unknown()).describe('Where they go.'),
    }),
  example: { percent: 5, chain: [{ ValkeySinkSingle: { remote_address: '10.0.0.2:6379', connect_timeout_ms: 3000 } }] },
  subChains: (_options, name) => [{ place: 'chain', names: [name] }],
  create({ percent }, { chains, world }) {
    const [chain] = chains.chain!
    return (session) => {
      if (world.random.next() * 100 >= percent) return {}
      const branch = new Branch(chain!, session)
      return {
        // The branch has the requests until its replies come.
        holds: true,
        onRequests: (batch, link) => branch.send(batch, link),
        onPart: (exchange, part) => branch.onPart(exchange, part),
        onCancel: () => branch.cancel(),
        onFlush: () => branch.flush(),
        wants: (kind) => (branch.wantsWhole(kind) ? 'whole' : 'head'),
        close: () => branch.close(),
      }
    }
  },
})
