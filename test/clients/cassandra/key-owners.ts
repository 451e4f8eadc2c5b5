import { isDeepStrictEqual } from 'node:util'
import type { CassandraCluster, ClusterNodeServer } from './cluster-server.ts'
import { answerOf, type KeyCase } from './key-cases.ts'
import type { RawClient } from './raw.ts'

// Who has a key, by nodetool.

/** Ranges of tokens of a keyspace, and who has each: `nodetool describering`. */
export class Described {
  readonly #ranges: readonly { readonly after: bigint; readonly to: bigint; readonly hosts: readonly string[] }[]

  constructor(text: string) {
    const pattern = /start_token:(-?\d+), end_token:(-?\d+), endpoints:\[([^\]]*)\]/g
    this.#ranges = [...text.matchAll(pattern)].map(([, after, to, endpoints]) => {
      return { after: BigInt(after!), to: BigInt(to!), hosts: endpoints!.split(', ').map(hostOf) }
    })
  }

  hosts(token: bigint): readonly string[] {
    const isIn = ({ after, to }: { after: bigint; to: bigint }) =>
      after < to ? token > after && token <= to : token > after || token <= to
    return this.#ranges.find(isIn)!.hosts
  }
}

/** Without its port. */
function hostOf(endpoint: string): string {
  return endpoint.slice(0, endpoint.lastIndexOf(':'))
}

/** Who has a key, by nodetool: of what it takes no key of, by the token that the server tells. */
export class Truth {
  readonly #cluster: CassandraCluster
  readonly #node: ClusterNodeServer
  readonly #client: RawClient
  readonly #rings = new Map<string, Described>()
  /** Keys that nodetool itself was asked for. */
  asked = 0

  constructor(cluster: CassandraCluster, node: ClusterNodeServer, client: RawClient) {
    this.#cluster = cluster
    this.#node = node
    this.#client = client
  }

  /** By its token. The row must be there. */
  async byToken(key: KeyCase): Promise<readonly string[]> {
    const answer = await answerOf(this.#client, key.tokenQuery())
    const token = answer.type === 'rows' ? answer.rows[0]?.[0] : null
    if (!token) throw new Error(`${key.name}: no row is there whose key is ${JSON.stringify(key.values)}`)
    const { keyspace } = key.table
    let ring = this.#rings.get(keyspace)
    if (ring === undefined) {
      ring = new Described(await this.#cluster.nodetool(this.#node, 'describering', keyspace))
      this.#rings.set(keyspace, ring)
    }
    return ring.hosts(token.readBigInt64BE())
  }

  async replicas(key: KeyCase): Promise<readonly string[]> {
    const { text, table } = key
    const byToken = await this.byToken(key)
    if (text === null) return byToken
    this.asked++
    const told = await this.#cluster.nodetool(this.#node, 'getendpoints', table.keyspace, table.name, text)
    const hosts = told.split(' ').map(hostOf)
    if (!isDeepStrictEqual(hosts, byToken)) throw new Error(`${key.name} ${text}: nodetool getendpoints says ${hosts.join()}, describering ${byToken.join()}`) // prettier-ignore
    return hosts
  }
}
