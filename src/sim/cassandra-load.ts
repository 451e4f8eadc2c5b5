import type { Address } from '../world/world.ts'
import type { CassandraSession } from './cassandra-session.ts'
import type { SimWorld } from './world.ts'

const LOAD_MS = 600_000

/** Runs the sessions until all are through. */
export async function runSessions(
  sim: SimWorld,
  sessions: readonly CassandraSession[],
  address: Address,
  eventsMax: number,
): Promise<void> {
  for (const session of sessions) sim.schedule.add(sim.nowMs + sim.random.next() * 100, () => void session.run(address))
  const deadlineMs = sim.nowMs + LOAD_MS
  const isOver = () => sessions.every(({ through, client }) => through && client.closed)
  await sim.run(() => isOver() || sim.nowMs > deadlineMs, eventsMax)
  for (const { trouble } of sessions) if (trouble !== null) throw trouble
  const hanging = sessions.filter(({ through }) => !through)
  if (hanging.length > 0) throw new Error(`no end in sight: ${hanging.map((session) => session.state).join('; ')}`)
}
