import { transform, type Transform } from 'shotover'
import { encodeReply, replyOf } from 'shotover/valkey'

interface Cached {
  readonly bytes: Buffer
  readonly until: number
}

/** What the instance of one client has to pass on. */
interface Instance extends Transform {
  /** The client sees what all others see. */
  isPlain: boolean
}

/** After one of these a client may see other data than the others do, or other replies: from then on it is left alone. */
const OWN_VIEW = [
  'SELECT',
  'AUTH',
  'HELLO',
  'RESET',
  'MULTI',
  'WATCH',
  'CLIENT',
  'SUBSCRIBE',
  'PSUBSCRIBE',
  'SSUBSCRIBE',
  'MONITOR',
]

/** Answers `GET` from memory for a short while. What is written past this proxy, or through another thread of it, is seen late. */
export default transform({
  type: 'CacheReads',
  doc: 'Keeps the values that GET read for a short while.',
  protocols: ['valkey'],
  needs: ['queries'],
  options: (z) =>
    z.strictObject({
      keep_ms: z.int().positive().describe('Milliseconds for which a value is kept.'),
      values_max: z.int().positive().describe('Values that are kept at once.').default(10_000),
    }),
  create({ keep_ms, values_max }, { world }) {
    const cache = new Map<string, Cached>()
    // A reply that was on its way when something was written may be older than that.
    let writes = 0
    // `previous` is the instance before this one, where this file was saved while the client was connected.
    return ({ protocol }, previous) => {
      const queries = protocol.queries!
      const asked = new Map<object, { key: string; writes: number }>()
      const instance: Instance = {
        isPlain: (previous as Instance | null)?.isPlain ?? true,
        wants: () => 'whole',
        onRequests(batch, link) {
          for (const exchange of batch) {
            const { request } = exchange
            const name = queries.name(request)
            if (OWN_VIEW.includes(name)) instance.isPlain = false
            const keys = queries.keys(request)
            if (name !== 'GET' || keys.length !== 1) {
              if (!queries.idempotent(request)) {
                writes++
                if (keys.length === 0) cache.clear()
                for (const key of keys) cache.delete(key)
              }
            } else if (instance.isPlain) {
              const found = cache.get(keys[0]!)
              if (found !== undefined && found.until > world.clock.now()) {
                exchange.response = encodeReply({ type: 'bulk', bytes: found.bytes })
                link.reply([exchange])
                continue
              }
              asked.set(exchange, { key: keys[0]!, writes })
            }
            link.forward([exchange])
          }
        },
        onResponses(batch, link) {
          for (const exchange of batch) {
            const question = asked.get(exchange)
            if (question === undefined) continue
            asked.delete(exchange)
            const reply = replyOf(exchange.response!)
            if (reply.type !== 'bulk' || question.writes !== writes) continue
            if (cache.size >= values_max) cache.delete(cache.keys().next().value!)
            cache.set(question.key, { bytes: reply.bytes, until: world.clock.now() + keep_ms })
          }
          link.reply(batch)
        },
        onSilent: (exchange) => void asked.delete(exchange),
        onCancel: (exchange) => void asked.delete(exchange),
      }
      return instance
    }
  },
})
