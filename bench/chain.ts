/**
 * What stages cost: microseconds of CPU a batch and stage, without sockets and servers. `node bench/chain.ts [ROWS [SIZES]]`:
 * all rows, or those whose name has the word; batches of 1, 16 and 64, or of these sizes, separated by commas.
 *
 * Each row sends batches through a chain of the same stage, several times, above a sink whose replies come a moment later, and takes
 * off what the sink alone costs. The frames lie in a lent buffer, and latencies are measured, as in the proxy.
 */
import { Chain, type ChainTop, type StageSpec } from '../src/core/chain.ts'
import { ANSWERING, AT_OWNER, DONE, Exchange, PART_TAKEN, type Batch } from '../src/core/exchange.ts'
import { FRAME_WHOLE, Frame } from '../src/core/frame.ts'
import { LIMITS, type Env, type Log, type TransformKind } from '../src/core/kind.ts'
import { noStats, StageStats } from '../src/core/stats.ts'
import type { Link, SessionInfo, Transform } from '../src/core/transform.ts'
import { Registry } from '../src/observability/metrics.ts'
import { encodeRequest } from '../src/protocols/valkey/encode.ts'
import { valkey } from '../src/protocols/valkey/index.ts'
import { queryCounter } from '../src/transforms/query-counter.ts'
import { requestThrottling } from '../src/transforms/request-throttling.ts'
import { queryTypeFilter } from '../src/transforms/query-type-filter.ts'
import { nodeWorld } from '../src/world/node.ts'
import firstWordHooks from './transforms/first-word-hooks.ts'
import firstWordOnion from './transforms/first-word-onion.ts'

const ROUNDS = 7
const ROUND_MS = 120
const STAGES = 5
const REPLY = Buffer.from(`$100\r\n${'x'.repeat(100)}\r\n`)

const silent = () => {}
const log: Log = {
  debug: silent,
  info: silent,
  warn: silent,
  error: (message, fields) => console.error(message, fields),
}
const info: SessionInfo = {
  id: 1,
  protocol: valkey,
  source: 'bench',
  chain: 'bench',
  log,
  clientAddress: '127.0.0.1',
  clientPort: 1,
  localAddress: '127.0.0.1',
  localPort: 2,
}

/** The session: takes replies. */
class Top implements ChainTop {
  readonly level = AT_OWNER
  readonly keepsRequests = false
  readonly info = info
  replies = 0

  onReplies(batch: Batch): void {
    this.replies += batch.length
  }
  onReplyPart(): number {
    return PART_TAKEN
  }
  onSilent(): void {}
  onPush(): void {}
  stop(): void {}
  go(): void {}
  fail(error: Error): void {
    throw error
  }
  end(): void {}
  abort(): void {}
}

/** Answers when it is told to, as a read from a server would. */
class Sink implements Transform {
  readonly holds = true
  #link: Link | null = null
  readonly #came: Batch = []

  onRequests(batch: Batch, link: Link): void {
    this.#link = link
    for (let i = 0; i < batch.length; i++) this.#came.push(batch[i]!)
  }

  answer(): void {
    const batch = this.#came.splice(0)
    for (let i = 0; i < batch.length; i++) {
      const exchange = batch[i]!
      const reply = new Frame(REPLIES, i * REPLY.length, (i + 1) * REPLY.length, 0x24, 0, true)
      reply.flags = FRAME_WHOLE
      exchange.state = ANSWERING
      exchange.response = reply
      exchange.state = DONE
    }
    this.#link!.reply(batch)
  }
}

const REQUEST = encodeRequest(['GET', 'key:000000000001'])
const REQUESTS = Buffer.concat(Array.from({ length: 64 }, () => REQUEST.toBuffer()))
const REPLIES = Buffer.concat(Array.from({ length: 64 }, () => REPLY))

interface Play {
  readonly chain: Chain
  readonly top: Top
  readonly sink: Sink
}

function play(kind: TransformKind<never> | null, options: unknown, stages: number): Play {
  const registry = new Registry()
  const top = new Top()
  const sink = new Sink()
  const world = nodeWorld()
  const specs: StageSpec[] = []
  for (let i = 0; i < stages; i++) {
    const env: Env = {
      world,
      metrics: registry,
      log,
      limits: LIMITS,
      name: `s${i}`,
      chain: 'bench',
      chains: {},
      shared: new SharedArrayBuffer(kind!.sharedBytes?.(options as never) ?? 0),
      pools: [],
      onClose: silent,
    }
    const factory = kind!.create(options as never, env)
    const latency = registry.summary('shotover_transform_latency_seconds', { transform: `s${i}` })
    specs.push({ type: 'Kind', name: `s${i}`, factory, stats: new StageStats(latency) })
  }
  specs.push({ type: 'Sink', name: 'sink', factory: () => sink })
  const chain = new Chain({ name: 'bench', stages: specs, stats: noStats() }, top, world, LIMITS, log)
  return { chain, top, sink }
}

/** Sends one batch and waits until it was answered. */
async function round({ chain, top, sink }: Play, size: number): Promise<void> {
  const batch: Batch = new Array<Exchange>(size)
  const since = chain.world.clock.now()
  const { length } = REQUEST.toBuffer()
  for (let i = 0; i < size; i++) {
    const frame = new Frame(REQUESTS, i * length, (i + 1) * length, REQUEST.kind, REQUEST.code, true)
    frame.flags = FRAME_WHOLE
    batch[i] = new Exchange(frame, top, AT_OWNER, since)
  }
  chain.down(batch)
  const due = top.replies + size
  await null
  sink.answer()
  for (let turns = 0; top.replies < due; turns++) {
    if (turns > 100) throw new Error('a reply is missing')
    await null
  }
}

/** Microseconds of CPU a batch, median of several rounds. */
async function measure(played: Play, size: number): Promise<number> {
  const results: number[] = []
  for (let i = 0; i < ROUNDS + 2; i++) {
    const before = process.threadCpuUsage()
    const end = performance.now() + ROUND_MS
    let batches = 0
    while (performance.now() < end) for (let k = 0; k < 20; k++, batches++) await round(played, size)
    const { user, system } = process.threadCpuUsage(before)
    // The first two warm up.
    if (i > 1) results.push((user + system) / batches)
  }
  return results.sort((a, b) => a - b)[ROUNDS >> 1]!
}

const forward = {
  create: () => () => ({ onRequests: (batch: Batch, link: Link) => link.forward(batch) }),
} as unknown as TransformKind<never>
const both = {
  create: () => () => ({
    onRequests: (batch: Batch, link: Link) => link.forward(batch),
    onResponses: (batch: Batch, link: Link) => link.reply(batch),
  }),
} as unknown as TransformKind<never>

const ROWS: readonly (readonly [name: string, kind: TransformKind<never>, options: unknown])[] = [
  ['hook that forwards', forward, {}],
  ['hooks that forward and reply', both, {}],
  ['QueryCounter', queryCounter as unknown as TransformKind<never>, { counter_name: 'bench' }],
  ['QueryTypeFilter', queryTypeFilter as unknown as TransformKind<never>, { DenyList: ['PubSubMessage'] }],
  ['RequestThrottling', requestThrottling as unknown as TransformKind<never>, { max_requests_per_second: 2 ** 32 - 1 }],
  [
    'RequestThrottling per user',
    requestThrottling as unknown as TransformKind<never>,
    { max_requests_per_second: 2 ** 32 - 1, per_user: 2 ** 32 - 1 },
  ],
  [
    'RequestThrottling per command',
    requestThrottling as unknown as TransformKind<never>,
    { max_requests_per_second: 2 ** 32 - 1, per_command: { KEYS: 5 } },
  ],
  ["a user's hooks", firstWordHooks as unknown as TransformKind<never>, {}],
  ["a user's onion", firstWordOnion as unknown as TransformKind<never>, {}],
]

const [word = '', asked = '1,16,64'] = process.argv.slice(2)
const sizes = asked.split(',').map(Number)
const alone = new Map<number, number>()
for (const size of sizes) alone.set(size, await measure(play(null, {}, 0), size))
console.log(`${'us of CPU a batch'.padEnd(34)}${sizes.map((size) => `batch ${size}`.padStart(10)).join('')}`)
console.log(`${'no stage'.padEnd(34)}${sizes.map((size) => alone.get(size)!.toFixed(2).padStart(10)).join('')}`)
for (const [name, kind, options] of ROWS) {
  if (!name.includes(word)) continue
  const cells: string[] = []
  for (const size of sizes) {
    const us = (await measure(play(kind, options, STAGES), size)) - alone.get(size)!
    cells.push((us / STAGES).toFixed(2).padStart(10))
  }
  console.log(`${`each ${name}`.padEnd(34)}${cells.join('')}`)
}
