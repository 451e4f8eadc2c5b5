import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { RssSampler } from '../harness/proc.ts'
import { RespClient } from '../load/resp-client.ts'
import { ReplyReader, encodeRequest } from '../load/resp-reader.ts'
import { held, mb } from './bar.ts'
import type { Bar } from './bar.ts'

const REQUEST_BYTES = 30e6
const REPLY_BYTES = 430e6
const KEYS = 100
const LIMIT_MS = 60_000

const key = (index: number): string => `bench:${String(index).padStart(4, '0')}`

interface Result {
  readonly requests: number
  readonly replies: number
  readonly wrong: string | null
  readonly writtenMs: number
  readonly readMs: number
  readonly rssBytes: number
}

async function writeValues(port: number, valueBytes: number): Promise<Buffer[]> {
  const client = await RespClient.connect(port)
  const values = Array.from({ length: KEYS }, (_, index) =>
    Buffer.from(`${key(index)} `.repeat(valueBytes).slice(0, valueBytes)),
  )
  await Promise.all(values.map((value, index) => client.request('SET', key(index), value)))
  client.close()
  return values
}

/** Writes every request before the first byte is read, then reads and compares each reply with what its key holds. */
async function writeAllThenRead(
  port: number,
  pid: number,
  block: Buffer,
  blocks: number,
  values: readonly Buffer[],
): Promise<Result> {
  const rss = new RssSampler(pid, 50)
  const socket = connect({ port, host: '127.0.0.1' }).pause()
  let ended: string | null = null
  socket.on('error', (error) => (ended ??= error.message))
  socket.on('close', () => (ended ??= 'the connection was closed'))
  const from = performance.now()
  let written = 0
  for (let count = 0; count < blocks; count++) socket.write(block, () => written++)
  while (written < blocks && ended === null && performance.now() - from < LIMIT_MS) await sleep(5)
  const writtenMs = performance.now() - from
  let replies = 0
  let wrong: string | null =
    written < blocks ? (ended ?? `only ${written} of ${blocks} blocks of requests were taken`) : null
  const reader = new ReplyReader((reply) => {
    if (wrong === null && reply.bytes?.equals(values[replies % KEYS]) !== true)
      wrong = `reply ${replies} is not the value of its key: ${reply.type}${reply.text}`
    replies++
  })
  const requests = blocks * KEYS
  if (wrong === null) socket.on('data', (chunk) => reader.push(chunk as Buffer)).resume()
  const readFrom = performance.now()
  while (replies < requests && ended === null && wrong === null && performance.now() - readFrom < LIMIT_MS)
    await sleep(5)
  const readMs = performance.now() - readFrom
  if (replies < requests) wrong ??= ended ?? `no further reply after ${replies}`
  socket.destroy()
  return { requests, replies, wrong, writtenMs, readMs, rssBytes: rss.stop() }
}

function line({ requests, replies, wrong, writtenMs, readMs, rssBytes }: Result): string {
  const seconds = `written in ${(writtenMs / 1000).toFixed(1)} s, read in ${(readMs / 1000).toFixed(1)} s`
  return `${replies} of ${requests} replies, ${seconds}, RSS at most ${mb(rssBytes)}${wrong === null ? '' : `; ${wrong}`}`
}

export const writeAll: Bar = {
  name: 'write-all',
  title: '30 MB of pipelined GETs, 430 MB of replies, written before one byte is read',
  async run({ redis, start }) {
    const requestBytes = encodeRequest(['GET', key(0)]).length
    const blocks = Math.ceil(REQUEST_BYTES / requestBytes / KEYS)
    const replyBytes = Math.round(REPLY_BYTES / (blocks * KEYS))
    const values = await writeValues(redis.port, replyBytes - `$${replyBytes}\r\n\r\n`.length)
    const block = Buffer.concat(values.map((_, index) => encodeRequest(['GET', key(index)])))
    const target = await start()
    const own = await writeAllThenRead(target.port, target.running.pid, block, blocks, values)
    const direct = await writeAllThenRead(redis.port, redis.running.pid, block, blocks, values)
    return {
      figures: [`through: ${line(own)}`, `redis-server itself: ${line(direct)}`],
      verdicts: [
        held(`every reply came, in order: ${own.replies} of ${own.requests}`, own.wrong === null),
        held('the server by itself does the same', direct.wrong === null),
      ],
    }
  },
}
