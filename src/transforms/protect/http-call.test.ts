import assert from 'node:assert/strict'
import { createServer as createTcpServer, type AddressInfo, type Socket } from 'node:net'
import { once } from 'node:events'
import { test } from 'node:test'
import { nodeWorld } from '../../world/node.ts'
import { callHttp, readAnswer } from './http-call.ts'

const ANSWERS: readonly [text: string, isEnd: boolean, answer: [status: number, body: string] | null | RegExp][] = [
  ['HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab', false, [200, 'ab']],
  ['HTTP/1.0 200 OK\r\ncontent-length:  2 \r\n\r\nabc', false, [200, 'ab']],
  ['HTTP/1.1 404\r\nContent-Length: 0\r\n\r\n', false, [404, '']],
  ['HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\na', true, null],
  ['HTTP/1.1 200 OK\r\n\r\nab', false, null],
  ['HTTP/1.1 200 OK\r\n\r\nab', true, [200, 'ab']],
  ['HTTP/1.1 204 No Content\r\n\r\n', false, [204, '']],
  ['HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na', false, [200, 'a']],
  ['HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\nA;x=y\r\n0123456789\r\n0\r\n\r\n', false, [200, 'a0123456789']], // prettier-ignore
  ['HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n', true, null],
  ['HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\na\r\n', false, /chunk/],
  ['HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n', false, /length/],
  ['SSH-2.0-x\r\n\r\n', false, /no answer of HTTP/],
  ['HTTP/1.1 200 OK\r\n', true, null],
]

for (const [text, isEnd, answer] of ANSWERS)
  test(`${JSON.stringify(text)}, ${isEnd ? 'the end' : 'more may come'}: ${String(answer)}`, () => {
    const read = (length = text.length) =>
      readAnswer(Buffer.from(text.slice(0, length)), isEnd && length === text.length)
    if (answer instanceof RegExp) return assert.throws(() => read(), answer)
    const found = read()
    assert.deepEqual(found && [found.status, found.body.toString()], answer)
    if (answer !== null && !isEnd)
      for (let length = 0; length < text.length - 1; length++) assert.ok(read(length) === null || text.startsWith(text.slice(0, length))) // prettier-ignore
  })

async function asked(answer: (socket: Socket, request: string) => void, timeoutMs = 5000) {
  const requests: string[] = []
  const sockets: Socket[] = []
  const server = createTcpServer((socket) => {
    sockets.push(socket)
    socket.on('error', () => {})
    socket.once('data', (bytes) => {
      requests.push(String(bytes))
      answer(socket, String(bytes))
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const { net, clock } = nodeWorld()
  const to = { connector: net, clock, address: { host: '127.0.0.1', port }, host: `127.0.0.1:${port}` }
  const request = { method: 'POST', path: '/a?b', headers: { X: 'y' }, body: 'жук' } as const
  try {
    return { answer: await callHttp(to, request, timeoutMs), requests, port }
  } finally {
    for (const socket of sockets) socket.destroy()
    server.close()
  }
}

test('a request is sent whole, and its answer may come torn', async () => {
  const { answer, requests, port } = await asked((socket) => {
    socket.write('HTTP/1.1 200 OK\r\nConte')
    setImmediate(() => socket.write('nt-Length: 3\r\n\r\nab'))
    setImmediate(() => setImmediate(() => socket.write('c')))
  })
  assert.deepEqual([answer.status, answer.body.toString()], [200, 'abc'])
  assert.deepEqual(requests, [
    `POST /a?b HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nX: y\r\nContent-Length: 6\r\nConnection: close\r\n\r\nжук`,
  ])
})

test('an answer that ends with its connection is whole; one that is torn off, too long or too late is an error', async () => {
  assert.equal((await asked((socket) => socket.end('HTTP/1.1 200 OK\r\n\r\nabc'))).answer.body.toString(), 'abc')
  await assert.rejects(
    asked((socket) => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nabc')),
    /ended before/,
  )
  await assert.rejects(
    asked((socket) => void socket.write(Buffer.alloc(2 * 1024 * 1024, 'a'))),
    /too long/,
  )
  await assert.rejects(
    asked(() => {}, 50),
    /127.0.0.1:\d+: no answer within 50 ms/,
  )
})
