import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect as connectPlain } from 'node:net'
import { test } from 'node:test'
import { connect } from 'node:tls'
import { authority, bench, client } from '../../test/world/tls-bench.ts'
import type { Connection } from './world.ts'

test('much that is written arrives whole, however slow its reader is, and each drain is told', async (t) => {
  const { port, next } = await bench(t, authority.issue())
  const socket = await client(t, port)
  const connection = (await next()) as Connection
  let drains = 0
  const total = 24 * 1024 * 1024
  const block = randomBytes(1024 * 1024)
  let sent = 0
  const send = () => {
    while (sent < total) {
      sent += block.length
      if (!connection.write(block)) return
    }
    connection.end()
  }
  connection.handler = {
    onData() {},
    onDrain() {
      drains++
      assert.equal(connection.unsentBytes, 0)
      send()
    },
    onEnd() {},
    onClose() {},
  }
  socket.pause()
  send()
  assert.ok(connection.unsentBytes > 0)
  let received = 0
  socket.on('data', (bytes: Buffer) => {
    const at = received % block.length
    const first = Math.min(bytes.length, block.length - at)
    assert.ok(block.subarray(at, at + first).equals(bytes.subarray(0, first)))
    received += bytes.length
  })
  socket.resume()
  await once(socket, 'end')
  assert.equal(received, total)
  assert.ok(drains > 0)
})

test('a small write is taken at once, and a second one of the same turn right behind it', async (t) => {
  const { port, next } = await bench(t, authority.issue())
  const socket = await client(t, port)
  const connection = (await next()) as Connection
  const drained = new Promise<void>((resolve) => (connection.handler = { ...connection.handler, onDrain: resolve }))
  const bytes = Buffer.from('first')
  assert.equal(connection.write(bytes), true)
  bytes.fill('x')
  assert.equal(connection.unsentBytes, 0)
  assert.equal(connection.write(Buffer.from('second')), false)
  assert.equal(connection.unsentBytes, 6)
  await drained
  let text = ''
  for (const deadline = Date.now() + 5000; text.length < 11 && Date.now() < deadline;) {
    text += String((await once(socket, 'data')) as [Buffer])
  }
  assert.equal(text, 'firstsecond')
})

test('a reset reaches the client as one', async (t) => {
  const { port, next } = await bench(t, authority.issue())
  const socket = await client(t, port)
  const connection = (await next()) as Connection
  const closed = new Promise((resolve) => (connection.handler = { ...connection.handler, onClose: resolve }))
  connection.reset()
  const [error] = (await once(socket, 'error')) as [NodeJS.ErrnoException]
  assert.equal(error.code, 'ECONNRESET')
  await closed
})

test('a record that can not be read ends the connection, with the error', async (t) => {
  const { port, next } = await bench(t, authority.issue())
  const raw = connectPlain(port, '127.0.0.1')
  const socket = connect({ socket: raw, ca: authority.certificate, host: '127.0.0.1' })
  socket.on('error', () => {})
  await once(socket, 'secureConnect')
  const connection = (await next()) as Connection
  const closed = new Promise<Error | null>(
    (resolve) => (connection.handler = { ...connection.handler, onClose: resolve }),
  )
  // Past the encryption, straight onto the wire.
  ;(
    raw as unknown as { _handle: { writeLatin1String(request: null, text: string): unknown } }
  )._handle.writeLatin1String(null, '\x17\x03\x03\x00\x05junk!')
  assert.match((await closed)!.message, /^(decryption failed|bad record)/i)
})

test('a client that closes its writing end gets what was written after that', async (t) => {
  const { port, next } = await bench(t, authority.issue())
  for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
    const socket = await client(t, port, { maxVersion, allowHalfOpen: true } as object)
    const connection = (await next()) as Connection
    const ended = new Promise<void>((resolve) => (connection.handler = { ...connection.handler, onEnd: resolve }))
    socket.end()
    await ended
    assert.equal(connection.write(Buffer.from('the last word')), true)
    connection.end()
    let text = ''
    socket.on('data', (bytes: Buffer) => (text += bytes.toString()))
    await once(socket, 'end')
    assert.equal(text, 'the last word', maxVersion)
  }
})
