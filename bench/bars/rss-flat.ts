import { RssSampler } from '../harness/proc.ts'
import { startLoad } from '../load/redis-benchmark.ts'
import { held, mb } from './bar.ts'
import type { Bar } from './bar.ts'

const CHUNKS = 20
const CHUNK = 500_000
const WARM_CHUNKS = 4
const RSS_BYTES_MAX = 120e6
/** A heap breathes; what piles up grows with every request. */
const DRIFT_BYTES_MAX = 8e6

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length

export const rssFlat: Bar = {
  name: 'rss-flat',
  title: 'memory over ten million requests',
  async run({ start, benchmark, log }) {
    const target = await start()
    const peaks: number[] = []
    for (let chunk = 0; chunk < CHUNKS; chunk++) {
      const command = chunk % 2 === 0 ? ['SET', 'bench:key', 'x'.repeat(100)] : ['GET', 'bench:key']
      // P=1 now and then: another path through the outbox and the pool than deep pipelines.
      const pipeline = chunk % 5 === 4 ? 1 : 64
      const rss = new RssSampler(target.running.pid, 50)
      const load = { port: target.port, command, connections: 50, pipeline, requests: CHUNK }
      await startLoad(benchmark, load, 120_000).done.finally(() => rss.stop())
      peaks.push(rss.max)
      log(`${((chunk + 1) * CHUNK) / 1e6} M requests: at most ${mb(rss.max)}`)
    }
    const quarter = (CHUNKS - WARM_CHUNKS) / 4
    const drift = mean(peaks.slice(-quarter)) - mean(peaks.slice(WARM_CHUNKS, WARM_CHUNKS + quarter))
    const most = Math.max(...peaks)
    return {
      figures: [
        `peaks of every ${CHUNK / 1e6} M requests, MB: ${peaks.map((bytes) => Math.round(bytes / 1e6)).join(' ')}`,
      ],
      verdicts: [
        held(`RSS at most ${mb(most)} of ${mb(RSS_BYTES_MAX)}`, most <= RSS_BYTES_MAX),
        held(
          `flat after ${(WARM_CHUNKS * CHUNK) / 1e6} M: ${mb(drift)} more at the end, of at most ${mb(DRIFT_BYTES_MAX)}`,
          drift <= DRIFT_BYTES_MAX,
        ),
      ],
    }
  },
}
