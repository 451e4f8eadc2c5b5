import { transform, type Counter } from 'shotover'

/** Tenants are told by what stands before the separator in their keys: `GET acme:cart` is a request of `acme`. */
export default transform({
  type: 'CountByTenant',
  doc: 'Counts requests by tenant, in the metric tenant_requests_count.',
  needs: ['queries'],
  options: (z) =>
    z.strictObject({
      separator: z.string().min(1).describe('What stands behind the tenant in a key.').default(':'),
      tenants_max: z.int().positive().describe('Tenants that are told apart; those beyond are `other`.').default(100),
    }),
  create({ separator, tenants_max }, { metrics }) {
    // Shared by all clients of a thread. Anybody can make up a key: without a bound they could fill the memory.
    const counters = new Map<string, Counter>()
    const counterOf = (tenant: string) => {
      let counter = counters.get(tenant)
      if (counter === undefined) {
        if (counters.size >= tenants_max) tenant = 'other'
        counter = metrics.counter('tenant_requests_count', { tenant })
        if (tenant !== 'other') counters.set(tenant, counter)
      }
      return counter
    }
    return ({ protocol }) => ({
      onRequests(batch, link) {
        for (const { request } of batch) {
          const [key] = protocol.queries!.keys(request)
          const end = key?.indexOf(separator) ?? -1
          counterOf(end < 0 ? 'none' : key!.slice(0, end)).add(1)
        }
        link.forward(batch)
      },
    })
  },
})
