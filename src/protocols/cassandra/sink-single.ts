import { hostAndPort } from '../../base/host-and-port.ts'
import { transform, type Env, type SessionFactory } from '../../core/kind.ts'
import { Lane } from '../../core/lane.ts'
import { openPool } from '../../core/pool.ts'
import { POOL_METRICS } from '../../core/stats.ts'
import { connectorOf, sinkTls } from '../../core/tls.ts'
import { routeBy } from '../../core/route.ts'
import { READY } from '../../core/upstream.ts'
import { cassandra, prepared } from './index.ts'
import { CassandraSharing } from './sharing.ts'
import { typedStartup } from './typed-request.ts'

/** Sends everything to one node. Sessions share connections to it where that can't be told from having one of their own. */
export const cassandraSinkSingle = transform({
  type: 'CassandraSinkSingle',
  doc: 'Sends all requests to one Cassandra node.',
  terminating: true,
  protocols: ['cassandra'],
  options: (z) =>
    z.strictObject({
      remote_address: z
        .string()
        .refine((text) => hostAndPort(text) !== null, 'must follow the format host:port e.g. 10.0.0.1:9042')
        .describe('Where the node listens, host:port.'),
      connect_timeout_ms: z.int().nonnegative().describe('Milliseconds that connecting to the node may take.'),
      read_timeout: z
        .int()
        .min(1)
        .describe('Seconds in which the node must say something where it owes an answer; any time where absent.')
        .optional(),
      tls: sinkTls(z).optional(),
    }),
  example: { remote_address: '10.0.0.1:9042', connect_timeout_ms: 3000 },
  metrics: POOL_METRICS,
  route({ remote_address }) {
    const sharing = CassandraSharing.started(typedStartup())
    return (exchange) => routeBy(sharing, remote_address, exchange)
  },
  create(options, env: Env): SessionFactory {
    const pool = openPool(env, {
      endpoint: hostAndPort(options.remote_address)!,
      connectTimeoutMs: options.connect_timeout_ms,
      ...(options.read_timeout === undefined ? {} : { readTimeoutMs: options.read_timeout * 1000 }),
      protocol: cassandra,
      connector: connectorOf(options.tls, env),
    })
    const stands = (key: string) => pool.find(key)?.state === READY
    return (session) => new Lane(pool, new CassandraSharing(stands, prepared), env, session, 'CassandraSinkSingle')
  },
})
