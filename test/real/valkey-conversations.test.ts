import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { test } from 'node:test'
import { request } from '../valkey/talk.ts'
import { CONVERSATIONS } from '../valkey/conversations.ts'
import { startRedis } from './servers.ts'

/** Longest that a server may take to say what it is expected to say. */
const ANSWER_MS = 10_000

/** Without what differs from run to run: HELLO's reply, time and address of MONITOR's lines, the order of channels given up. */
function normal(text: string): string {
  return text
    .replace(/%7\r\n[^]*?\r\n\*0\r\n/, '%1\r\n$5\r\nproto\r\n:3\r\n')
    .replace(/\+\d+\.\d{6} \[(\d) [^\]]*\]/g, '+1700000000.123456 [$1 127.0.0.1:5000]')
    .replace(/(unsubscribe\r\n\$\d+\r\n)[^\r]*/g, '$1?')
}

/** A connection of which nothing that came is lost. */
class Client {
  readonly socket: Socket
  #text = ''

  constructor(port: number, host: string) {
    this.socket = connect(port, host)
    this.socket.on('data', (chunk: Buffer) => (this.#text += chunk.toString('latin1')))
  }

  send(lines: readonly string[]): void {
    this.socket.write(Buffer.concat(lines.map((line) => request(line).toBuffer())))
  }

  /** What came, once it is as long as `expected`. */
  async read(expected: string): Promise<string> {
    const signal = AbortSignal.timeout(ANSWER_MS)
    while (normal(this.#text).length < expected.length && !signal.aborted) {
      await once(this.socket, 'data', { signal }).catch(() => null)
    }
    const text = normal(this.#text)
    this.#text = ''
    return text
  }
}

test('what the recorded conversations say is what a server says', async () => {
  await using server = await startRedis()
  const other = new Client(server.port, server.host)
  for (const [name, steps] of Object.entries(CONVERSATIONS)) {
    other.send(['FLUSHALL'])
    assert.equal(await other.read('+OK\r\n'), '+OK\r\n')
    const client = new Client(server.port, server.host)
    for (const step of steps) {
      if (step.other !== undefined) {
        other.send([step.other])
        assert.notEqual(await other.read('any'), '')
      }
      if (step.sent !== undefined) client.send(step.sent)
      assert.equal(await client.read(normal(step.received)), normal(step.received), name)
    }
    client.socket.destroy()
  }
  other.socket.destroy()
})
