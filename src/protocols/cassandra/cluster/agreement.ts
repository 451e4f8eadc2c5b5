import { ask } from '../../../core/ask.ts'
import type { Member } from '../../../core/cluster.ts'
import type { CassandraSharing } from '../sharing.ts'
import type { Hub } from './hub.ts'
import { isAgreed, tableOf } from './system-rows.ts'
import { allOf } from './system-tables.ts'

const POLL_MS = 100
/** Drivers wait as long, unless they are told otherwise. */
const WAIT_MS = 10_000

/**
 * Resolves when all nodes that are up have one schema, as the node sees it that changed it; after ten seconds in any case. Rejects where that
 * node can't be asked.
 */
export async function agreement(hub: Hub, sharing: CassandraSharing, member: Member): Promise<void> {
  const { clock } = hub.env.world
  const { version } = sharing.login
  for (const deadline = clock.now() + WAIT_MS; clock.now() < deadline;) {
    const upstream = member.pool.share(sharing.key, () => sharing.handshake())
    const asked = ['system.local', 'system.peers'].map((table) => ask(upstream, allOf(table, version), hub.env.limits.frameBytesMax)) // prettier-ignore
    const tables = (await Promise.all(asked)).map(tableOf)
    // What is not told there, as to who may not ask, is not waited for.
    if (tables.includes(null) || isAgreed(tables.flatMap((table) => table!.rows), hub.surroundings)) return // prettier-ignore
    await new Promise<void>((resolve) => void clock.after(POLL_MS, resolve))
  }
}
