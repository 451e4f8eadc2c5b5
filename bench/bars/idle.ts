import { setTimeout as sleep } from 'node:timers/promises'
import { rssBytes } from '../harness/proc.ts'
import { RespClient } from '../load/resp-client.ts'
import { held, mb } from './bar.ts'
import type { Bar } from './bar.ts'

const CLIENTS = 5000
const AT_ONCE = 50
const SETTLE_MS = 2000
const IDLE_BYTES_MAX = 110e6
const MORE_BYTES_MAX = 50e6

/** Each client asks once, so that everything a session needs is there, and then rests. */
async function connectAll(port: number): Promise<RespClient[]> {
  const clients: RespClient[] = []
  const connectSome = async (): Promise<void> => {
    while (clients.length < CLIENTS) {
      const slot = clients.push(null as never) - 1
      clients[slot] = await RespClient.connect(port)
      const reply = await clients[slot].request('GET', 'bench:ready')
      if (reply.length < 0 || reply.type !== '$')
        throw new Error(`client ${slot} was answered ${reply.type}${reply.text}`)
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, connectSome))
  return clients
}

async function growth(pid: number, port: number): Promise<{ before: number; after: number }> {
  await sleep(SETTLE_MS)
  const before = rssBytes(pid)
  const clients = await connectAll(port)
  await sleep(SETTLE_MS)
  const after = rssBytes(pid)
  for (const client of clients) client.close()
  return { before, after }
}

export const idle: Bar = {
  name: 'idle',
  title: `memory at rest, alone and with ${CLIENTS} idle clients`,
  async run({ redis, start }) {
    const direct = await growth(redis.running.pid, redis.port)
    const target = await start()
    const own = await growth(target.running.pid, target.port)
    const more = own.after - own.before
    const each = (of: { before: number; after: number }): string =>
      `${((of.after - of.before) / CLIENTS / 1000).toFixed(1)} KB a client`
    return {
      figures: [
        `through: ${mb(own.before)}, with clients ${mb(own.after)}, ${each(own)}`,
        `redis-server itself: ${mb(direct.before)}, with clients ${mb(direct.after)}, ${each(direct)}`,
      ],
      verdicts: [
        held(`alone ${mb(own.before)} of at most ${mb(IDLE_BYTES_MAX)}`, own.before <= IDLE_BYTES_MAX),
        held(`${CLIENTS} clients ${mb(more)} more of at most ${mb(MORE_BYTES_MAX)}`, more <= MORE_BYTES_MAX),
      ],
    }
  },
}
