import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, createServer, type AddressInfo } from 'node:net'
import { test } from 'node:test'
import { Folder, freePort } from './shotover.ts'

/** What comes back for `request`, once it ends with `end`. */
async function ask(port: number, request: string, end: string): Promise<string> {
  const socket = connect(port, '127.0.0.1').setEncoding('utf8')
  socket.write(request)
  let reply = ''
  while (!reply.endsWith(end)) reply += String((await once(socket, 'data'))[0])
  socket.destroy()
  return reply
}

test('the demo says what it is, where it listens and what to type, and stores', async (context) => {
  const folder = new Folder(context)
  const port = await freePort()
  const demo = folder.start(['demo', '--listen', `127.0.0.1:${port}`])
  await demo.said('Ctrl-C ends it.')
  assert.match(demo.out, new RegExp(`^Shotover listens on 127\\.0\\.0\\.1:${port}\\.`))
  assert.match(
    demo.out,
    /in-memory store of its own, at 127\.0\.0\.1:\d+\. It is for trying out only: nothing is saved/,
  )
  const typed = [...demo.out.matchAll(/^ {2}redis-cli -h 127\.0\.0\.1 -p (\d+) (SET|GET) /gm)]
  assert.deepEqual(
    typed.map(([, at, command]) => [Number(at), command]),
    [
      [port, 'SET'],
      [port, 'GET'],
    ],
  )
  assert.equal(await ask(port, 'SET greeting hello\r\nGET greeting\r\n', 'hello\r\n'), '+OK\r\n$5\r\nhello\r\n')
  demo.process.kill('SIGINT')
  const { code, error } = await demo.ended()
  assert.deepEqual([code, error], [0, ''])
})

test('a port that is taken is named, and how to choose another one', async (context) => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  context.after(() => server.close())
  const { port } = server.address() as AddressInfo
  const { code, out, error } = await new Folder(context).run(['demo', '--listen', `127.0.0.1:${port}`])
  assert.deepEqual([code, out], [1, ''])
  assert.match(error, new RegExp(`^127\\.0\\.0\\.1:${port} is taken`))
  assert.match(error, /npm start -- --listen 127\.0\.0\.1:7000/)
})

test('--upstream puts it in front of a server', async (context) => {
  const server = createServer((socket) => socket.on('data', () => socket.write('+from the server\r\n')))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  context.after(() => server.close())
  const { port: upstream } = server.address() as AddressInfo
  const port = await freePort()
  const folder = new Folder(context)
  const demo = folder.start(['demo', '--listen', `127.0.0.1:${port}`, '--upstream', `127.0.0.1:${upstream}`])
  await demo.said('Ctrl-C ends it.')
  assert.match(demo.out, new RegExp(`Behind it is the server at 127\\.0\\.0\\.1:${upstream}\\.`))
  assert.ok(!demo.out.includes('in-memory'))
  assert.equal(await ask(port, 'PING\r\n', '\r\n'), '+from the server\r\n')
})

for (const [flag, text] of [
  ['--listen', 'nowhere'],
  ['--upstream', 'nowhere'],
]) {
  test(`${flag} wants an address`, async (context) => {
    const { code, out, error } = await new Folder(context).run([
      'demo',
      '--listen',
      `127.0.0.1:${await freePort()}`,
      flag,
      text,
    ])
    assert.deepEqual([code, out], [1, ''])
    assert.match(error, /^nowhere is no address/)
  })
}
