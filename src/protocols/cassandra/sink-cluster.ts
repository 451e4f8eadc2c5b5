import { hostAndPort } from '../../base/host-and-port.ts'
import { ClusterSession } from '../../core/cluster-session.ts'
import { Cluster } from '../../core/cluster.ts'
import { transform, type Env, type SessionFactory } from '../../core/kind.ts'
import { routeBy } from '../../core/route.ts'
import { POOL_METRICS } from '../../core/stats.ts'
import { connectorOf, sinkTls } from '../../core/tls.ts'
import { fleetOf } from './cluster/fleet.ts'
import { CassandraGuide } from './cluster/guide.ts'
import { Hub } from './cluster/hub.ts'
import { UNPARSED_METRIC } from './cql/unparsed.ts'
import { destinationOf } from './cluster/destination.ts'
import { cassandra } from './index.ts'
import { CassandraSharing } from './sharing.ts'
import { typedStartup } from './typed-request.ts'

const TYPE = 'CassandraSinkCluster'

/** Sends each request to a node that has what it is about, and makes a fleet of proxies look like the cluster. */
export const cassandraSinkCluster = transform({
  type: TYPE,
  doc: 'Sends each request to a node of a Cassandra cluster that has what it is about, in its own rack where it can. To clients the proxies are the cluster.',
  terminating: true,
  protocols: ['cassandra'],
  options: (z) => {
    const uuid = z.guid().transform((text) => text.toLowerCase())
    const address = z
      .string()
      .refine((text) => hostAndPort(text) !== null, 'must follow the format host:port e.g. 10.0.0.1:9042')
    const node = z.strictObject({
      address: address.describe('Where clients find the proxy, ip:port.'),
      data_center: z.string().describe('The data centre that clients see it in.'),
      rack: z.string().describe('The rack that clients see it in.'),
      host_id: uuid.describe('The UUID that clients know it by.'),
    })
    return z
      .strictObject({
        first_contact_points: z
          .array(address)
          .min(1)
          .describe('Nodes to begin with, host:port each; the others are learnt from them.'),
        local_shotover_host_id: uuid.describe('The `host_id` of the one of `shotover_nodes` that this proxy is.'),
        shotover_nodes: z.array(node).min(1).describe('The proxies in front of the cluster, this one included.'),
        connect_timeout_ms: z.int().nonnegative().describe('Milliseconds that connecting to a node may take.'),
        read_timeout: z
          .int()
          .min(1)
          .describe('Seconds in which a node must say something where it owes an answer; any time where absent.')
          .optional(),
        tls: sinkTls(z).optional(),
      })
      .superRefine(({ local_shotover_host_id: id, shotover_nodes: nodes }, context) => {
        if (nodes.some(({ host_id }) => host_id === id)) return
        const message = `local host_id ${id} was missing in shotover_nodes`
        context.addIssue({ code: 'custom', path: ['local_shotover_host_id'], message })
      })
  },
  example: {
    first_contact_points: ['10.0.0.1:9042', '10.0.0.2:9042'],
    local_shotover_host_id: '2dd022d6-2937-4754-89d6-02d2933a8f7a',
    shotover_nodes: [
      {
        address: '10.0.1.1:9042',
        data_center: 'dc1',
        rack: 'rack1',
        host_id: '2dd022d6-2937-4754-89d6-02d2933a8f7a',
      },
      {
        address: '10.0.1.2:9042',
        data_center: 'dc1',
        rack: 'rack2',
        host_id: '3c3c4e2d-ba74-4f76-b52e-fb5bcee6a9f4',
      },
    ],
    connect_timeout_ms: 3000,
  },
  metrics: [...POOL_METRICS, 'shotover_out_of_rack_requests_count', UNPARSED_METRIC],
  route({ shotover_nodes, local_shotover_host_id }) {
    const { rack } = shotover_nodes.find(({ host_id }) => host_id === local_shotover_host_id)!
    const sharing = CassandraSharing.started(typedStartup())
    return (exchange) => routeBy(sharing, destinationOf(exchange.request, rack), exchange)
  },
  create(options, env: Env): SessionFactory {
    const nodes = options.shotover_nodes.map(({ address, data_center: datacenter, rack, host_id: hostId }) => {
      return { address: hostAndPort(address)!, datacenter, rack, hostId }
    })
    const cluster = new Cluster(env, {
      connectTimeoutMs: options.connect_timeout_ms,
      ...(options.read_timeout === undefined ? {} : { readTimeoutMs: options.read_timeout * 1000 }),
      protocol: cassandra,
      connector: connectorOf(options.tls, env),
    })
    const fleet = fleetOf(nodes, options.local_shotover_host_id)
    const contactPoints = options.first_contact_points.map((text) => hostAndPort(text)!)
    const hub = new Hub(env, TYPE, cluster, fleet, contactPoints)
    return (session) =>
      new ClusterSession(env, session, TYPE, cluster.stats, (clients) => new CassandraGuide(hub, clients))
  },
})
