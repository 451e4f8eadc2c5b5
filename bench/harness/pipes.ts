import { Budget } from '../../src/core/budget.ts'
import { LIMITS, type Env, type Log, type SessionFactory } from '../../src/core/kind.ts'
import { Scratch } from '../../src/core/outbox.ts'
import type { Protocol } from '../../src/core/protocol.ts'
import { Source } from '../../src/core/source.ts'
import { noStats, UNOBSERVED } from '../../src/core/stats.ts'
import type { Connection, ConnectionHandler, Task, World } from '../../src/world/world.ts'

// A world without sockets, in which a source and its sink run: what they cost is all that a measurement sees.

/** The proxy's end of a connection; what it writes is counted, and goes nowhere. */
export class Pipe implements Connection {
  handler!: ConnectionHandler
  readonly remoteAddress = '127.0.0.1'
  readonly remotePort = 1
  readonly localAddress = '127.0.0.1'
  readonly localPort = 2
  readonly unsentBytes = 0
  written = 0
  writes = 0
  write(bytes: Buffer): boolean {
    this.writes++
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
/** The connection to the server that was opened last. */
export let server: Pipe | null = null
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

export function endTurn(): void {
  nowMs += 0.1
  for (const task of works.splice(0)) task.run()
  for (let i = 0; i < flushes.length; i++) flushes[i]!.run()
  flushes.length = 0
}

const none = (): void => {}
const log: Log = { debug: none, info: none, warn: none, error: none }
const unmeasured = () => ({ add: none, set: none, observe: none })
/** What a sink is given. */
export const env: Env = {
  world,
  metrics: { counter: unmeasured, gauge: unmeasured, summary: () => UNOBSERVED },
  log,
  limits: LIMITS,
  name: 'sink',
  chain: 'main',
  chains: {},
  pools: [],
  // More than any sink asks for.
  shared: new SharedArrayBuffer(16 * 1024 * 1024),
  onClose: none,
} as unknown as Env

/** A source with a chain, and its clients. */
export function open(clients: number, protocol: Protocol, chain: readonly SessionFactory[]): Pipe[] {
  const stages = chain.map((factory, at) => ({ type: 'Stage', name: `stage-${at}`, factory }))
  const source = new Source({
    name: 'source',
    protocol,
    chain: { name: 'main', stages, stats: noStats() },
    limits: LIMITS,
    world,
    log,
    idleTimeoutMs: null,
    scratch: new Scratch(),
    budget: new Budget(LIMITS.processBytesMax),
  })
  return Array.from({ length: clients }, () => {
    const pipe = new Pipe()
    source.accept(pipe)
    return pipe
  })
}

/** As in a read buffer, which is lent: what comes is copied into it. */
const slab = Buffer.alloc(64 * 1024)

/** Bytes come on a connection, in reads of at most 64 KiB. */
export function bring(bytes: Buffer, pipe: Pipe): void {
  for (let at = 0; at < bytes.length; at += slab.length) {
    const end = Math.min(bytes.length, at + slab.length)
    bytes.copy(slab, 0, at, end)
    pipe.handler.onData(slab, 0, end - at)
  }
}

/** Each client sends, and then the server answers all of it. */
export function turn(clients: readonly Pipe[], asked: Buffer, answered: Buffer): void {
  for (let i = 0; i < clients.length; i++) bring(asked, clients[i]!)
  endTurn()
  if (server !== null) bring(answered, server)
  endTurn()
}

const ROUNDS = 5

/** Nanoseconds of CPU a request, the median of several rounds of so many seconds. One turn has `requests` of them. */
export function nanoseconds(seconds: number, requests: number, run: () => void): number {
  const results: number[] = []
  for (let round = 0; round < ROUNDS + 1; round++) {
    const before = process.threadCpuUsage().user
    let done = 0
    let took = 0
    for (; took < seconds * 1e6; took = process.threadCpuUsage().user - before) {
      for (let i = 0; i < 10; i++) run()
      done += 10 * requests
    }
    // The first warms up.
    if (round > 0) results.push((took * 1000) / done)
  }
  return results.sort((a, b) => a - b)[ROUNDS >> 1]!
}
