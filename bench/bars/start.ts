import { startRedis } from '../targets/redis.ts'
import { held, ms } from './bar.ts'
import type { Bar } from './bar.ts'

const STARTS = 5
const LIMIT_MS = 600

const median = (values: number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1]

async function timed(start: () => Promise<void>): Promise<number> {
  const from = performance.now()
  await start()
  return performance.now() - from
}

/** From the start of the process to the first reply from the server behind it; the first start, which fills caches, does not count. */
export const start: Bar = {
  name: 'start',
  title: 'from start to the first reply, warm',
  async run({ processes, log, start: startTarget }) {
    const target: number[] = []
    const redis: number[] = []
    for (let round = 0; round <= STARTS; round++) {
      const took = await timed(async () => void (await startTarget()))
      const direct = await timed(async () => void (await startRedis(processes, log)))
      log(`start ${round}: ${ms(took)}, redis-server ${ms(direct)}`)
      if (round > 0) target.push(took)
      if (round > 0) redis.push(direct)
    }
    const middle = median(target)
    return {
      figures: [`median ${ms(middle)}, worst ${ms(Math.max(...target))}; redis-server itself ${ms(median(redis))}`],
      verdicts: [held(`first reply after ${ms(middle)} of at most ${LIMIT_MS} ms`, middle <= LIMIT_MS)],
    }
  },
}
