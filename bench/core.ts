/**
 * What a request costs in the proxy, without sockets: nanoseconds of CPU from a client's bytes to the server's, and back.
 * `node bench/core.ts [seconds a row]`. Many clients send in each turn, and the server answers all of them in one read.
 */
import { Budget } from '../src/core/budget.ts'
import { LIMITS, type Env, type Log } from '../src/core/kind.ts'
import { Scratch } from '../src/core/outbox.ts'
import { Source } from '../src/core/source.ts'
import { noStats, UNOBSERVED } from '../src/core/stats.ts'
import { encodeRequest } from '../src/protocols/valkey/encode.ts'
import { valkey } from '../src/protocols/valkey/index.ts'
import { valkeySinkSingle } from '../src/protocols/valkey/sink-single.ts'
import type { Connection, ConnectionHandler, Task, World } from '../src/world/world.ts'

const CLIENTS = 50
const ROUNDS = 5
const seconds = Number(process.argv[2] ?? 0.4)

class Pipe implements Connection {
  handler!: ConnectionHandler
  readonly remoteAddress = '127.0.0.1'
  readonly remotePort = 1
  readonly localAddress = '127.0.0.1'
  readonly localPort = 2
  readonly unsentBytes = 0
  written = 0
  write(bytes: Buffer): boolean {
    this.written += bytes.length
    return true
  }
  pause(): void {}
  resume(): void {}
  end(): void {}
  destroy(): void {}
  reset(): void {}
}

const works: Task[] = []
const flushes: Task[] = []
let nowMs = 0
let server: Pipe | null = null
const world: World = {
  clock: { now: () => nowMs, exact: () => nowMs, wall: () => nowMs, after: () => ({ cancel() {} }) },
  net: {
    connect: (_address, _timeoutMs, done) => done(null, (server = new Pipe())),
    listen: () => Promise.reject(new Error('nobody comes')),
  },
  turn: {
    isSlow: false,
    computedMs: () => 0,
    work: (task) => void works.push(task),
    flush: (task) => void flushes.push(task),
  },
  random: { next: Math.random, bytes: (count) => Buffer.alloc(count) },
}

function endTurn(): void {
  nowMs += 0.1
  for (const task of works.splice(0)) task.run()
  for (let i = 0; i < flushes.length; i++) flushes[i]!.run()
  flushes.length = 0
}

const none = (): void => {}
const log: Log = { debug: none, info: none, warn: none, error: none }
const unmeasured = () => ({ add: none, set: none, observe: none })
const env: Env = {
  world,
  metrics: { counter: unmeasured, gauge: unmeasured, summary: () => UNOBSERVED },
  log,
  limits: LIMITS,
  name: 'sink',
  chain: 'main',
  chains: {},
  pools: [],
  onClose: none,
} as unknown as Env

function clients(): Pipe[] {
  const factory = valkeySinkSingle.create({ remote_address: '127.0.0.1:6379', connect_timeout_ms: 1000 }, env)
  const source = new Source({
    name: 'source',
    protocol: valkey,
    chain: { name: 'main', stages: [{ type: 'ValkeySinkSingle', name: 'sink', factory }], stats: noStats() },
    limits: LIMITS,
    world,
    log,
    idleTimeoutMs: null,
    scratch: new Scratch(),
    budget: new Budget(LIMITS.processBytesMax),
  })
  return Array.from({ length: CLIENTS }, () => {
    const pipe = new Pipe()
    source.accept(pipe)
    return pipe
  })
}

/** Median of several rounds, in nanoseconds a request. */
function measure(pipeline: number, request: Buffer, reply: Buffer): number {
  const all = clients()
  // As in a read buffer, which is lent: what comes is copied into it.
  const slab = Buffer.alloc(4 * 1024 * 1024)
  const asked = Buffer.concat(Array.from({ length: pipeline }, () => request))
  const answered = Buffer.concat(Array.from({ length: pipeline * CLIENTS }, () => reply))
  const turn = () => {
    for (let i = 0; i < CLIENTS; i++) {
      asked.copy(slab)
      all[i]!.handler.onData(slab, 0, asked.length)
    }
    endTurn()
    for (let at = 0; at < answered.length; at += 65536) {
      const end = Math.min(answered.length, at + 65536)
      answered.copy(slab, 0, at, end)
      server!.handler.onData(slab, 0, end - at)
    }
    endTurn()
  }
  turn()
  const expected = all[0]!.written
  if (expected !== reply.length * pipeline) throw new Error(`${expected} bytes of replies to ${pipeline} requests`)
  const results: number[] = []
  for (let round = 0; round < ROUNDS + 1; round++) {
    const before = process.threadCpuUsage().user
    let requests = 0
    let took = 0
    for (; took < seconds * 1e6; took = process.threadCpuUsage().user - before) {
      for (let i = 0; i < 10; i++) turn()
      requests += 10 * pipeline * CLIENTS
    }
    // The first warms up.
    if (round > 0) results.push((took * 1000) / requests)
  }
  return results.sort((a, b) => a - b)[ROUNDS >> 1]!
}

const get = encodeRequest(['GET', 'key:000000000001']).toBuffer()
const set = encodeRequest(['SET', 'key:000000000001', 'x'.repeat(100)]).toBuffer()
const bulk = Buffer.from(`$100\r\n${'x'.repeat(100)}\r\n`)
for (const pipeline of [1, 16, 64]) {
  const gets = measure(pipeline, get, bulk)
  const sets = measure(pipeline, set, Buffer.from('+OK\r\n'))
  console.log(`P=${pipeline}: GET ${gets.toFixed(0)} ns, SET ${sets.toFixed(0)} ns`)
}
