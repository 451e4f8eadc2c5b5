import { once } from 'node:events'
import { RssSampler, rssBytes } from '../harness/proc.ts'
import { startLoad } from '../load/redis-benchmark.ts'
import { Probe, distribution } from '../load/probe.ts'
import { RespClient, ask } from '../load/resp-client.ts'
import { ReplyReader, encodeRequest } from '../load/resp-reader.ts'
import { held, mb, ms } from './bar.ts'
import type { Bar, BarContext } from './bar.ts'

const VALUE_BYTES = 512 * 1024 * 1024
const PATTERN_BYTES = 1024 * 1024
const KEY = 'bench:large'
const ROUNDS = 3
const PING_GAP_MS = 1
const TIMEOUT_MS = 60_000
const GROWTH_BYTES_MAX = 64e6
const PING_FACTOR_MAX = 1.5
const WARM_REQUESTS = 40_000

/** A megabyte in which no short run of bytes repeats, so that bytes out of place are seen. */
const pattern = Buffer.from(
  Uint32Array.from({ length: PATTERN_BYTES / 4 }, (_, index) => Math.imul(index + 1, 0x9e3779b1)).buffer,
)

async function limited<T>(what: string, client: RespClient, work: Promise<T>): Promise<T> {
  const timer = setTimeout(
    () => client.socket.destroy(new Error(`${what} of 512 MB took more than ${TIMEOUT_MS / 1000} s`)),
    TIMEOUT_MS,
  )
  const gone = client.closed.then((reason) => Promise.reject(new Error(`${what} of 512 MB: ${reason}`)))
  try {
    return await Promise.race([work, gone])
  } finally {
    clearTimeout(timer)
  }
}

async function writeLarge(port: number): Promise<void> {
  const client = await RespClient.connect(port)
  const { socket } = client
  const body = async (): Promise<string> => {
    const reply = client.expect()
    socket.write(`*3\r\n$3\r\nSET\r\n$${KEY.length}\r\n${KEY}\r\n$${VALUE_BYTES}\r\n`)
    for (let sent = 0; sent < VALUE_BYTES; sent += PATTERN_BYTES)
      if (!socket.write(pattern)) await once(socket, 'drain')
    socket.write('\r\n')
    return (await reply).text
  }
  const text = await limited('SET', client, body())
  client.close()
  if (text !== 'OK') throw new Error(`SET of 512 MB was answered ${text}`)
}

async function readLarge(port: number): Promise<void> {
  const client = await RespClient.connect(port)
  const { socket } = client
  socket.removeAllListeners('data')
  const body = new Promise<void>((resolve, reject) => {
    let good = true
    const onPart = (part: Buffer, offset: number): void => {
      for (let at = 0; at < part.length && good;) {
        const from = (offset + at) % PATTERN_BYTES
        const size = Math.min(part.length - at, PATTERN_BYTES - from)
        good = part.compare(pattern, from, from + size, at, at + size) === 0
        at += size
      }
    }
    const reader = new ReplyReader(
      (reply) => {
        if (reply.length !== VALUE_BYTES)
          reject(new Error(`GET of 512 MB was answered ${reply.type}${reply.text}, ${reply.length} B`))
        else if (!good) reject(new Error('GET of 512 MB gave other bytes than were written'))
        else resolve()
      },
      1024,
      onPart,
    )
    socket.on('data', (chunk) => reader.push(chunk as Buffer))
    socket.write(encodeRequest(['GET', KEY]))
  })
  await limited('GET', client, body).finally(() => client.close())
}

interface Round {
  readonly worstPingMs: number
  readonly growthBytes: number
  readonly seconds: number
}

async function round({ redis }: BarContext, port: number, pid: number): Promise<Round> {
  const before = rssBytes(pid)
  const rss = new RssSampler(pid, 20)
  const probe = await Probe.start({ port, args: ['GET', 'bench:ready'], pipeline: 1, gapMs: PING_GAP_MS })
  const from = performance.now()
  await writeLarge(port)
  await readLarge(port)
  const seconds = (performance.now() - from) / 1000
  const samples = await probe.stop()
  await ask(redis.port, 'UNLINK', KEY)
  return { worstPingMs: distribution(samples.latenciesMs).maxMs, growthBytes: rss.stop() - before, seconds }
}

const middle = (rounds: Round[]): Round => rounds.toSorted((a, b) => a.worstPingMs - b.worstPingMs)[rounds.length >> 1]
const line = (of: Round): string => `worst ping ${ms(of.worstPingMs)}, SET and GET took ${of.seconds.toFixed(1)} s`

export const large: Bar = {
  name: 'large',
  title: 'a value of 512 MB written and read while another client asks for a small one',
  async run(context) {
    const { redis, start, benchmark, log } = context
    const target = await start()
    const warm = {
      port: target.port,
      command: ['GET', 'bench:ready'],
      connections: 50,
      pipeline: 1,
      requests: WARM_REQUESTS,
    }
    await startLoad(benchmark, warm, TIMEOUT_MS).done
    // The first large value makes the machine find half a gigabyte of memory, which is nobody's merit or fault.
    await round(context, redis.port, redis.running.pid)
    const own: Round[] = []
    const direct: Round[] = []
    for (let count = 0; count < ROUNDS; count++) {
      direct.push(await round(context, redis.port, redis.running.pid))
      own.push(await round(context, target.port, target.running.pid))
      log(
        `round ${count + 1}: through ${line(own[count])}, RSS +${mb(own[count].growthBytes)}; direct ${line(direct[count])}`,
      )
    }
    const growth = Math.max(...own.map(({ growthBytes }) => growthBytes))
    const limit = PING_FACTOR_MAX * middle(direct).worstPingMs
    const worst = middle(own).worstPingMs
    return {
      figures: [`through: ${line(middle(own))}, RSS +${mb(growth)}`, `redis-server itself: ${line(middle(direct))}`],
      verdicts: [
        held(`RSS grew by ${mb(growth)} of at most ${mb(GROWTH_BYTES_MAX)}`, growth <= GROWTH_BYTES_MAX),
        held(`worst ping ${ms(worst)} of at most ${PING_FACTOR_MAX} x the server's own, ${ms(limit)}`, worst <= limit),
      ],
    }
  },
}
