import { setTimeout as sleep } from 'node:timers/promises'
import { startRedis } from '../targets/redis.ts'
import { held, ms } from './bar.ts'
import type { Bar } from './bar.ts'
import { KillClient } from './kill-client.ts'

const CLIENTS = 20
const KILLS = 3
const LOAD_MS = 1500
const DOWN_MS = 700
const RESUME_MAX_MS = 1000
/** How long after the server's return a client is waited for at all. */
const GIVE_UP_MS = 8000

/** Milliseconds from the server's return until every client had a good round; Infinity when some never had. */
async function resumed(clients: readonly KillClient[], returnedAt: number): Promise<number> {
  while (performance.now() - returnedAt < GIVE_UP_MS) {
    if (clients.every(({ lastGood }) => lastGood > returnedAt)) return performance.now() - returnedAt
    await sleep(1)
  }
  return Infinity
}

export const kill: Bar = {
  name: 'kill',
  title: `the server is killed under the load of ${CLIENTS} clients and started again, ${KILLS} times`,
  async run({ processes, redis, start, log }) {
    const target = await start()
    let kills = 0
    let server = redis.running
    const clients = Array.from({ length: CLIENTS }, (_, id) => new KillClient(target.port, id, () => kills))
    const resumeMs: number[] = []
    try {
      for (let count = 0; count < KILLS; count++) {
        await sleep(LOAD_MS)
        kills++
        server.signal('SIGKILL')
        await server.exited
        await sleep(DOWN_MS)
        server = (await startRedis(processes, log, redis.port)).running
        resumeMs.push(await resumed(clients, performance.now()))
        kills++ // A round that began while the server was down may have met both servers.
        log(`kill ${count + 1}: every client served again ${ms(resumeMs[count])} after the server's return`)
      }
      await sleep(LOAD_MS)
    } finally {
      for (const client of clients) client.stop()
      await Promise.all(clients.map(({ done }) => done))
      await server.stop()
    }
    const sum = (of: (client: KillClient) => number): number => clients.reduce((total, client) => total + of(client), 0)
    const crossed = clients.flatMap(({ seen }) => seen.crossed)
    const lost = sum(({ seen }) => seen.connectionsLost)
    const hangs = sum(({ seen }) => seen.hangs)
    const worst = Math.max(...resumeMs)
    return {
      figures: [
        `${sum(({ seen }) => seen.rounds)} rounds of three requests, ${sum(({ seen }) => seen.errors)} with an error reply, served again after ${resumeMs.map(ms).join(', ')}`,
        ...crossed.slice(0, 3).map((text) => `crossed: ${text}`),
      ],
      verdicts: [
        held(`${crossed.length} crossed replies`, crossed.length === 0),
        held(`${hangs} requests without a reply for 5 s`, hangs === 0),
        held(`${lost} client connections lost or refused`, lost === 0),
        held(`served again after ${ms(worst)} of at most ${ms(RESUME_MAX_MS)}`, worst <= RESUME_MAX_MS),
      ],
    }
  },
}
