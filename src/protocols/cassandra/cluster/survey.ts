import { ERROR_INVALID } from '../opcodes.ts'
import { textIn, type TableRow } from '../table-rows.ts'
import { AnswerError, type Asking } from './asking.ts'
import { isSameNode, type ClusterNode } from './node.ts'
import { localNode, LOCAL_QUERY, OLD_PEERS_QUERY, PEERS_QUERY, peerNode } from './node-rows.ts'
import { askSchema, type ToldSchema } from './schema-rows.ts'

/** What one node knows of the cluster. */
export interface Survey {
  /** Of all data centres. A node of which nothing has changed is the same object as in the survey before. */
  readonly nodes: readonly ClusterNode[]
  /** Name of a class. */
  readonly partitioner: string
  /** Not all is told yet of some node. */
  readonly isPartial: boolean
  readonly told: ToldSchema
  /** That of the node when the schema was asked for. */
  readonly schemaVersion: string
}

/**
 * Asks a node. The schema is asked for where its version is another one than `before`, or `schemaIsStale`.
 * Rejects where the node does not answer.
 */
export async function survey(asking: Asking, before: Survey | null, schemaIsStale: boolean): Promise<Survey> {
  const { endpoint } = asking
  const [local] = await asking.rows(LOCAL_QUERY)
  if (local === undefined) throw new Error(`${asking.destination} has no row in system.local`)
  const peers = await peerRows(asking)
  const told = [localNode(local, endpoint, peers.length === 0), ...peers.map((row) => peerNode(row, endpoint))]
  const nodes = told.filter((node) => node !== null).map((node) => sameAs(before, node))
  const schemaVersion = textIn(local, 'schema_version')
  const isKnown = before !== null && before.schemaVersion === schemaVersion && !schemaIsStale
  const asksFor = isKnown ? before.told : await askSchema(asking)
  return {
    nodes,
    partitioner: textIn(local, 'partitioner'),
    isPartial: nodes.length < told.length,
    told: before?.told.digest === asksFor.digest ? before.told : asksFor,
    schemaVersion,
  }
}

/** Servers before 4.0 have only the older table. */
async function peerRows(asking: Asking): Promise<TableRow[]> {
  try {
    return await asking.rows(PEERS_QUERY)
  } catch (error) {
    if (!(error instanceof AnswerError) || error.code !== ERROR_INVALID) throw error
    return asking.rows(OLD_PEERS_QUERY)
  }
}

function sameAs(before: Survey | null, node: ClusterNode): ClusterNode {
  return before?.nodes.find((known) => isSameNode(known, node)) ?? node
}
