import { hostAndPort } from '../../base/host-and-port.ts'
import { transform, type Env, type SessionFactory } from '../../core/kind.ts'
import { Lane } from '../../core/lane.ts'
import { openPool } from '../../core/pool.ts'
import { POOL_METRICS } from '../../core/stats.ts'
import { connectorOf, sinkTls } from '../../core/tls.ts'
import { routeBy } from '../../core/route.ts'
import { CONNECTION_IDS_BYTES, ConnectionIds } from './connection-ids.ts'
import { Guests, GUESTS_BYTES } from './guests.ts'
import { valkey } from './index.ts'
import { ValkeySharing } from './sharing.ts'

/** Sends everything to one server. Sessions share connections to it where that can't be told from having one of their own. */
export const valkeySinkSingle = transform({
  type: 'ValkeySinkSingle',
  doc: 'Sends all requests to one Valkey or Redis server.',
  terminating: true,
  protocols: ['valkey'],
  options: (z) =>
    z.strictObject({
      remote_address: z
        .string()
        .refine((text) => hostAndPort(text) !== null, 'must follow the format host:port e.g. 10.0.0.1:6379')
        .describe('Where the server listens, host:port.'),
      connect_timeout_ms: z.int().nonnegative().describe('Milliseconds that connecting to the server may take.'),
      tls: sinkTls(z).optional(),
    }),
  example: { remote_address: '10.0.0.1:6379', connect_timeout_ms: 3000 },
  metrics: POOL_METRICS,
  sharedBytes: () => CONNECTION_IDS_BYTES + GUESTS_BYTES,
  route({ remote_address }, session) {
    const sharing = new ValkeySharing(new ConnectionIds(), new Guests(), session)
    return (exchange) => routeBy(sharing, remote_address, exchange)
  },
  create(options, env: Env): SessionFactory {
    const pool = openPool(env, {
      endpoint: hostAndPort(options.remote_address)!,
      connectTimeoutMs: options.connect_timeout_ms,
      protocol: valkey,
      connector: connectorOf(options.tls, env),
    })
    const ids = new ConnectionIds(env.shared, env.world.clock.wall())
    const guests = new Guests(env.shared, CONNECTION_IDS_BYTES)
    return (session) => new Lane(pool, new ValkeySharing(ids, guests, session), env, session, 'ValkeySinkSingle')
  },
})
