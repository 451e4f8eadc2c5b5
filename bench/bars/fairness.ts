import { setTimeout as sleep } from 'node:timers/promises'
import { startLoad } from '../load/redis-benchmark.ts'
import { Probe, between, distribution, epochMs } from '../load/probe.ts'
import type { Distribution } from '../load/probe.ts'
import { held, ms } from './bar.ts'
import type { Bar, BarContext } from './bar.ts'

const CLIENTS = 10
const PIPELINE = 5000
const WARM_MS = 1500
const WINDOW_MS = 3000
const ROUNDS = 3
const FACTOR_MAX = 2

/** What a client without pipelining sees beside those that pipeline. */
async function beside({ benchmark }: BarContext, port: number): Promise<Distribution> {
  const command = ['GET', 'bench:ready']
  const load = startLoad(
    benchmark,
    { port, command, connections: CLIENTS, pipeline: PIPELINE, requests: 200_000_000 },
    60_000,
  )
  const problems: Error[] = []
  load.done.catch((error: Error) => problems.push(error))
  const probe = await Probe.start({ port, args: command, pipeline: 1, gapMs: 0 })
  await sleep(WARM_MS)
  const from = epochMs()
  await sleep(WINDOW_MS)
  const samples = await probe.stop()
  for (const problem of problems) throw problem
  load.stop()
  return distribution(between(samples, from, Infinity))
}

/** The middle round by p99: one round alone hangs on how the pipelines happen to be in step. */
const middle = (rounds: Distribution[]): Distribution =>
  rounds.toSorted((a, b) => a.p99Ms - b.p99Ms)[rounds.length >> 1]
const line = (of: Distribution): string =>
  `p50 ${ms(of.p50Ms)}, p99 ${ms(of.p99Ms)}, worst ${ms(of.maxMs)} (${of.count} requests)`

export const fairness: Bar = {
  name: 'fairness',
  title: `a client without pipelining beside ${CLIENTS} that pipeline ${PIPELINE} GETs`,
  async run(context) {
    const { redis, start, log } = context
    const target = await start()
    const own: Distribution[] = []
    const direct: Distribution[] = []
    for (let round = 0; round < ROUNDS; round++) {
      direct.push(await beside(context, redis.port))
      own.push(await beside(context, target.port))
      log(`round ${round + 1}: through ${line(own[round])}; direct ${line(direct[round])}`)
    }
    const limit = FACTOR_MAX * middle(direct).p99Ms
    const p99 = middle(own).p99Ms
    return {
      figures: [`through: ${line(middle(own))}`, `redis-server itself: ${line(middle(direct))}`],
      verdicts: [held(`p99 ${ms(p99)} of at most ${FACTOR_MAX} x the server's own, ${ms(limit)}`, p99 <= limit)],
    }
  },
}
