import type { Member } from '../../../core/cluster.ts'
import type { Frame } from '../../../core/frame.ts'
import { unpreparedId } from '../result.ts'
import type { CassandraSharing } from '../sharing.ts'
import type { Hub } from './hub.ts'
import type { SystemQuery } from './system-select.ts'
import { internalQueries, rewritten } from './system-tables.ts'

/**
 * Asks a node what a client wants to know of the nodes, and what else that takes, and answers with the proxies in their place. Rejects where
 * the node can't be asked.
 */
export async function fleetAnswer(
  hub: Hub,
  sharing: CassandraSharing,
  member: Member,
  request: Frame,
  asked: SystemQuery,
): Promise<Frame> {
  const askThere = (frame: Frame) => hub.askOn(member, sharing.within(sharing.keyspace), frame)
  const more = internalQueries(asked, sharing.login.version).map(askThere)
  // Whichever fails first is what is told.
  const [first, ...internals] = await Promise.all([askThere(request), ...more])
  const unprepared = unpreparedId(first)
  const statement = unprepared === null ? null : hub.statements.find(unprepared)
  const isPrepared = statement !== null && (await hub.prepareOn(member, statement, sharing))
  const reply = isPrepared ? await askThere(request) : first
  return rewritten(asked, reply, internals, hub.surroundings)
}
