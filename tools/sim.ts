import { parseArgs } from 'node:util'
import { runCacheSeed } from '../src/sim/cache-run.ts'
import { runCassandraSeed } from '../src/sim/cassandra-run.ts'
import { runCassandraClusterSeed } from '../src/sim/cassandra-cluster-run.ts'
import { relay } from '../src/sim/relay.ts'
import { runSeed } from '../src/sim/run.ts'
import type { SeedOptions, SeedResult } from '../src/sim/seed-run.ts'
import { drawLimits, valkeyProxy } from '../src/sim/valkey-proxy.ts'

const USAGE = `Runs the proxy in the simulator: server, clients and faults all drawn from a seed.
  --seeds A..B    these seeds (default 1..200)
  --seed N        this one
  --trace         print every event of a run
  --calm          no faults
  --proxy NAME    valkey (default), cassandra, cassandra-cluster (several nodes), cache (Cassandra behind ValkeyCache), or relay: only
                  passes bytes on, to tell faults of the simulator from those of the proxy
  --stop          stop at the first seed that fails`

/** Most seeds in one go. */
const SEEDS_MAX = 100_000

const { values } = parseArgs({
  options: {
    seeds: { type: 'string' },
    seed: { type: 'string' },
    trace: { type: 'boolean', default: false },
    calm: { type: 'boolean', default: false },
    proxy: { type: 'string', default: 'valkey' },
    stop: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})

const RUNS: Record<string, (seed: number, options: SeedOptions) => Promise<SeedResult>> = {
  valkey: (seed, options) => runSeed(seed, valkeyProxy, options),
  cassandra: (seed, options) => runCassandraSeed(seed, drawLimits, options),
  cache: (seed, options) => runCacheSeed(seed, options),
  'cassandra-cluster': (seed, options) => runCassandraClusterSeed(seed, drawLimits, options),
  relay: (seed, options) => runSeed(seed, relay, options),
}

function seedRange(): [first: number, last: number] {
  const match = /^(\d+)(?:\.\.(\d+))?$/.exec(values.seed ?? values.seeds ?? '1..200')
  if (match === null) throw new Error(`seeds must be N or A..B\n${USAGE}`)
  const first = Number(match[1])
  const last = match[2] === undefined ? first : Number(match[2])
  return [first, Math.min(last, first + SEEDS_MAX)]
}

function show(result: SeedResult): void {
  const { seed, violation, hash, events, simulatedMs, sent, executed, faulty } = result
  for (const line of result.trace) console.log(line)
  const summary = `seed ${seed}: ${events} events in ${Math.round(simulatedMs)} ms, ${sent} writes sent, ${executed} executed${faulty ? ', with faults' : ''}, run ${hash}`
  if (violation === null) {
    if (values.seed !== undefined) console.log(`${summary}: all promises kept`)
    return
  }
  console.log(
    `${summary}\n  ${violation.replaceAll('\n', '\n  ')}\n  again: npm run sim -- --seed ${seed}${values.proxy === 'valkey' ? '' : ` --proxy ${values.proxy}`}${values.calm ? ' --calm' : ''} --trace`,
  )
}

async function main(): Promise<number> {
  const run = RUNS[values.proxy]
  if (values.help || run === undefined) {
    console.log(USAGE)
    return values.help ? 0 : 1
  }
  const [first, last] = seedRange()
  let failed = 0
  let events = 0
  for (let seed = first; seed <= last; seed++) {
    const result = await run(seed, { trace: values.trace, calm: values.calm })
    events += result.events
    show(result)
    if (result.violation === null) continue
    failed++
    if (values.stop) break
  }
  console.log(`${last - first + 1} seeds, ${events} events, ${failed} failed`)
  return failed === 0 ? 0 : 1
}

process.exitCode = await main()
