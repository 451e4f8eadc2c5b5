import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { test, type TestContext } from 'node:test'
import { adoptSocket } from '../world/node.ts'
import { readProxyHeader, type Introduced } from './proxy-protocol.ts'

const BOUND = { timeout: 20_000 }

/** A client that connected, and its socket on the other side, not read from. */
async function pair(t: TestContext): Promise<{ client: Socket; accepted: Socket }> {
  const server = createServer({ pauseOnConnect: true, allowHalfOpen: true }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1').on('error', () => {})
  t.after(() => client.destroy())
  const [accepted] = (await once(server, 'connection')) as [Socket]
  t.after(() => accepted.destroy())
  return { client, accepted }
}

/** What comes after the header, as the proxy reads it. */
async function read({ socket }: Introduced, count: number): Promise<string> {
  const connection = adoptSocket(socket)
  let text = ''
  const { promise, resolve } = Promise.withResolvers<void>()
  connection.handler = {
    onData(bytes, start, end) {
      text += bytes.toString('latin1', start, end)
      if (text.length >= count) resolve()
    },
    onDrain() {},
    onEnd: resolve,
    onClose() {},
  }
  connection.resume()
  await promise
  connection.write(Buffer.from('bye'))
  connection.destroy()
  return text
}

for (const [name, chunks] of [
  ['at once', ['PROXY TCP4 192.0.2.7 198.51.100.1 56324 6379\r\nPING\r\n']],
  ['torn', ['PRO', 'XY TCP4 192.0.2.7 198.51.100.1 56', '324 6379\r', '\nPI', 'NG\r\n']],
] as const) {
  test(`what follows a header stays unread, and the client is whom it names: ${name}`, BOUND, async (t) => {
    const { client, accepted } = await pair(t)
    const introduced = readProxyHeader(accepted)
    for (const chunk of chunks) {
      await new Promise((sent) => client.write(chunk, sent))
      await new Promise(setImmediate)
    }
    const answer = once(client, 'data')
    const found = await introduced
    assert.deepEqual(found.client, { address: '192.0.2.7', port: 56324 })
    assert.equal(await read(found, 6), 'PING\r\n')
    assert.equal(String((await answer)[0]), 'bye')
  })
}

for (const [name, send, message] of [
  ['something else', (client: Socket) => client.write('*1\r\n$4\r\nPING\r\n'), /does not begin with a PROXY header/],
  ['half a header', (client: Socket) => client.end('PROXY TCP4 1.1'), /closed before its PROXY header/],
  ['a reset', (client: Socket) => client.resetAndDestroy(), /ECONNRESET|closed before/],
] as const) {
  test(`without a header the connection is closed: ${name}`, BOUND, async (t) => {
    const { client, accepted } = await pair(t)
    const closed = new Promise((resolve) => client.once('close', resolve))
    client.resume()
    send(client)
    await assert.rejects(readProxyHeader(accepted), { message })
    client.end()
    await closed
  })
}
