import { setTimeout as sleep } from 'node:timers/promises'
import { executed, RespClient } from '../load/resp-client.ts'
import { startOurs } from '../targets/shotover.ts'
import { held } from './bar.ts'
import type { Bar, BarContext } from './bar.ts'

const LIMIT = 5000
const THREADS = [1, 2, 4]
const CLIENTS = 16
const PIPELINE = 16
const GAP_MS = 5
/** The burst is used up by then. */
const WARM_MS = 1500
const WINDOW_MS = 10_000
const OFF_BY_MAX = 0.01

/** Asks for more than passes, until it is told to stop. */
async function press(port: number, stop: AbortSignal): Promise<void> {
  const client = await RespClient.connect(port)
  while (!stop.aborted) {
    await Promise.all(Array.from({ length: PIPELINE }, () => client.request('GET', 'bench:ready')))
    await sleep(GAP_MS)
  }
  client.close()
}

/** Requests a second that the server saw. */
async function passed({ processes, redis, log }: BarContext, threads: number): Promise<number> {
  const stages = [['RequestThrottling', { max_requests_per_second: LIMIT }]] as const
  const ours = await startOurs(`throttle-${threads}`, stages, { processes, backendPort: redis.port, log }, threads)
  const stop = new AbortController()
  const clients = Array.from({ length: CLIENTS }, () => press(ours.port, stop.signal))
  const count = async () => ({ requests: await executed(redis.port, 'GET'), at: performance.now() })
  await sleep(WARM_MS)
  const from = await count()
  await sleep(WINDOW_MS)
  const to = await count()
  stop.abort()
  await Promise.all(clients)
  await ours.running.stop()
  return ((to.requests - from.requests) * 1000) / (to.at - from.at)
}

export const throttle: Bar = {
  name: 'throttle',
  title: `a limit of ${LIMIT} requests a second, which all threads share, over ${WINDOW_MS / 1000} s`,
  async run(context) {
    const figures: string[] = []
    const verdicts = []
    for (const threads of THREADS) {
      const rate = await passed(context, threads)
      const offBy = Math.abs(rate / LIMIT - 1)
      context.log(`${threads} threads: ${rate.toFixed(0)} a second`)
      figures.push(`${threads} threads: ${rate.toFixed(1)} a second passed`)
      const text = `${threads} threads: off by ${(offBy * 100).toFixed(2)} % of at most ${OFF_BY_MAX * 100} %`
      verdicts.push(held(text, offBy <= OFF_BY_MAX))
    }
    return { figures, verdicts }
  },
}
