import { setTimeout as sleep } from 'node:timers/promises'
import { Probe, between, distribution, epochMs, type Distribution } from '../load/probe.ts'
import { startRedis } from '../targets/redis.ts'
import { startOurs } from '../targets/shotover.ts'
import type { Stage } from '../targets/topology.ts'
import { held, ms } from './bar.ts'
import type { Bar } from './bar.ts'

const CLIENTS = [1, 8]
const WARM_MS = 300
const WINDOW_MS = 1200
const ROUNDS = 7
const FACTOR_MAX = 1.05

/** What `clients` without pipelining see, each in a thread of its own. */
async function seenBy(clients: number, port: number): Promise<Distribution> {
  const options = { port, args: ['GET', 'bench:ready'], pipeline: 1, gapMs: 0 }
  const probes = await Promise.all(Array.from({ length: clients }, () => Probe.start(options)))
  await sleep(WARM_MS)
  const from = epochMs()
  await sleep(WINDOW_MS)
  const to = epochMs()
  const samples = await Promise.all(probes.map((probe) => probe.stop()))
  return distribution(Float64Array.from(samples.flatMap((each) => [...between(each, from, to)])))
}

/** The middle round by p99. */
const middle = (rounds: Distribution[]): Distribution =>
  rounds.toSorted((a, b) => a.p99Ms - b.p99Ms)[rounds.length >> 1]
const line = (of: Distribution): string =>
  `p50 ${of.p50Ms.toFixed(3)} ms, p99 ${of.p99Ms.toFixed(3)} ms (${of.count} requests)`

export const tee: Bar = {
  name: 'tee',
  title: 'clients without pipelining, with a Tee that ignores and without, in turns',
  async run({ processes, redis, log }) {
    const shadow = await startRedis(processes, log)
    const sink = { name: 'shadow', remote_address: `127.0.0.1:${shadow.port}`, connect_timeout_ms: 3000 }
    const stage: Stage = ['Tee', { behavior: 'Ignore', chain: [{ ValkeySinkSingle: sink }] }]
    const around = { processes, backendPort: redis.port, log }
    const without = await startOurs('without', [], around, 1)
    const withTee = await startOurs('with', [stage], around, 1)
    const figures: string[] = []
    const verdicts = []
    try {
      for (const clients of CLIENTS) {
        const plain: Distribution[] = []
        const teed: Distribution[] = []
        for (let round = 0; round < ROUNDS; round++) {
          plain.push(await seenBy(clients, without.port))
          teed.push(await seenBy(clients, withTee.port))
          log(`${clients} clients, round ${round + 1}: with ${line(teed[round])}; without ${line(plain[round])}`)
        }
        const limit = FACTOR_MAX * middle(plain).p99Ms
        const p99 = middle(teed).p99Ms
        figures.push(`${clients} clients: with ${line(middle(teed))}; without ${line(middle(plain))}`)
        verdicts.push(
          held(`${clients} clients: p99 ${ms(p99)} of at most ${FACTOR_MAX} x without, ${ms(limit)}`, p99 <= limit),
        )
      }
    } finally {
      for (const { running } of [withTee, without, shadow]) await running.stop()
    }
    return { figures, verdicts }
  },
}
