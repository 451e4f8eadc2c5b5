import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { RssSampler } from '../harness/proc.ts'
import { Probe, between, distribution, epochMs } from '../load/probe.ts'
import { ask } from '../load/resp-client.ts'
import { encodeRequest } from '../load/resp-reader.ts'
import { held, mb, ms } from './bar.ts'
import type { Bar } from './bar.ts'

const READERS = 100
const VALUE_BYTES = 1e6
/** Each asks for so many values at once: more than the kernel's buffers on the way hold. */
const VALUES = 8
const READ_BYTES = 8192
const READ_EVERY_MS = 100
const ALONE_MS = 3000
const BESIDE_MS = 4000
/** `stall_ms` and `process_bytes_max` as they are by default. */
const STALL_MS = 1000
const PROCESS_BYTES_MAX = 1024 ** 3
const SHARE_MIN = 0.9
const KEY = 'bench:slow'
/** So many that the fast client waits for work done, not for cores to wake up. */
const PIPELINE = 16

class SlowReader {
  closed = false
  #socket: Socket
  #timer: NodeJS.Timeout

  constructor(port: number) {
    this.#socket = connect({ port, host: '127.0.0.1' }).pause()
    this.#socket.on('error', () => {}) // 'close' follows, and that is what counts.
    this.#socket.on('close', () => (this.closed = true))
    const request = encodeRequest(['GET', KEY])
    for (let count = 0; count < VALUES; count++) this.#socket.write(request)
    this.#timer = setInterval(() => this.#socket.read(READ_BYTES), READ_EVERY_MS)
  }

  stop(): void {
    clearInterval(this.#timer)
    this.#socket.destroy()
  }
}

interface Result {
  readonly alonePerSecond: number
  readonly besidePerSecond: number
  readonly worstMs: number
  readonly closed: number
  readonly rssBytes: number
}

async function beside(port: number, pid: number): Promise<Result> {
  const rss = new RssSampler(pid, 20)
  const probe = await Probe.start({ port, args: ['GET', 'bench:ready'], pipeline: PIPELINE, gapMs: 0 })
  await sleep(ALONE_MS)
  const from = epochMs()
  const readers = Array.from({ length: READERS }, () => new SlowReader(port))
  await sleep(STALL_MS + BESIDE_MS)
  const to = epochMs()
  const samples = await probe.stop()
  const closed = readers.filter((reader) => reader.closed).length
  for (const reader of readers) reader.stop()
  // The first second alone warms code up and does not count.
  const perSecond = (start: number, end: number): number =>
    ((between(samples, start, end).length * PIPELINE) / (end - start)) * 1000
  return {
    alonePerSecond: perSecond(from - ALONE_MS + 1000, from),
    besidePerSecond: perSecond(from + STALL_MS, to),
    worstMs: distribution(between(samples, from, Infinity)).maxMs,
    closed,
    rssBytes: rss.stop(),
  }
}

function line(of: Result): string {
  const { alonePerSecond, besidePerSecond, worstMs, closed, rssBytes } = of
  const share = ((besidePerSecond / alonePerSecond) * 100).toFixed(0)
  return `${alonePerSecond.toFixed(0)}/s alone, ${besidePerSecond.toFixed(0)}/s beside (${share} %), worst ${ms(worstMs)}, RSS at most ${mb(rssBytes)}, ${closed} readers were closed`
}

export const slowReaders: Bar = {
  name: 'slow-readers',
  title: `${READERS} slow readers of 1 MB values beside one fast client`,
  async run({ redis, start }) {
    await ask(redis.port, 'SET', KEY, Buffer.alloc(VALUE_BYTES, 'v'))
    const target = await start()
    const own = await beside(target.port, target.running.pid)
    const direct = await beside(redis.port, redis.running.pid)
    const share = own.besidePerSecond / own.alonePerSecond
    return {
      figures: [`through: ${line(own)}`, `redis-server itself: ${line(direct)}`],
      verdicts: [
        held(
          `the fast client keeps ${(share * 100).toFixed(0)} % of its rate, of at least ${SHARE_MIN * 100} %`,
          share >= SHARE_MIN,
        ),
        held(`its longest stall is ${ms(own.worstMs)} of at most ${STALL_MS} ms`, own.worstMs <= STALL_MS),
        held(`RSS ${mb(own.rssBytes)} of at most ${mb(PROCESS_BYTES_MAX)}`, own.rssBytes <= PROCESS_BYTES_MAX),
      ],
    }
  },
}
