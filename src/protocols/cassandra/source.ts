import type { SourceKind } from '../../core/kind.ts'
import { cassandra } from './index.ts'

/** Accepts clients that speak the CQL native protocol. */
export const cassandraSource: SourceKind = {
  type: 'Cassandra',
  doc: 'Accepts Cassandra clients: the CQL native protocol, versions 3, 4 and 5.',
  protocol: cassandra,
  fields: (z) => ({ transport: z.literal('Tcp').describe('How clients connect; there is no other way.').optional() }),
}
