import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { checkTopology } from '../config/topology.ts'
import { LogRoot } from '../observability/log.ts'
import { UNOBSERVED } from '../observability/observe.ts'
import { Registry } from '../observability/metrics.ts'
import { Threads } from './threads.ts'

const ENDLESS = `import { transform } from 'shotover'
export default transform({
  type: 'Endless',
  doc: 'Never comes back from a request that says LOOP.',
  options: (z) => z.strictObject({}),
  create: () => () => ({
    onRequests(batch, link) {
      for (const { request } of batch) while (/LOOP/.test(request.toBuffer().latin1Slice()));
      link.forward(batch)
    },
  }),
})
`

test(
  'a thread that does not come back is ended with its sessions, and another one serves',
  { timeout: 60_000 },
  async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'shotover-endless-'))
    t.after(() => rmSync(folder, { recursive: true }))
    const module = join(folder, 'endless.ts')
    writeFileSync(module, ENDLESS)
    const chain = `[{${module}: {}}, {NullSink: {}}]`
    const topology = await checkTopology(
      't.yaml',
      `sources:\n  - Valkey: {name: valkey, listen_addr: "127.0.0.1:0", chain: ${chain}}\n`,
    )
    const logged: string[] = []
    const writer = { write: (line: string) => void logged.push(line), flush: async () => {}, takeDropped: () => 0 }
    const log = new LogRoot({ format: 'json', colours: false, writer })
    log.setFilter('warn')
    const metrics = new Registry()
    let ended = 0
    const threads = await Threads.start({
      topology,
      log,
      metrics,
      workers: 2,
      observe: UNOBSERVED,
      seen: { onAccess() {}, onTrace() {} },
      tls: null,
      patience: { tickMs: 200, stallMs: 2000, hangMs: 6000 },
      onSessionsClosed: (_source, count) => (ended += count),
      onGivenUp() {},
      onAvailable() {},
    })
    t.after(() => threads.close())
    let accepted = 0
    const server = createServer({ pauseOnConnect: true, allowHalfOpen: true }, (socket) =>
      threads.accept(0, socket, ++accepted),
    ).listen(0, '127.0.0.1')
    await once(server, 'listening')
    t.after(() => server.close())
    const ask = async (word: string, from?: Socket): Promise<string> => {
      const socket = from ?? connect((server.address() as AddressInfo).port, '127.0.0.1').setEncoding('utf8')
      t.after(() => socket.destroy())
      socket.on('error', () => {})
      socket.write(`${word}\r\n`)
      const closed = once(socket, 'close').then(() => 'closed')
      return await Promise.race([once(socket, 'data').then(([text]) => String(text)), closed])
    }
    const other = connect((server.address() as AddressInfo).port, '127.0.0.1').setEncoding('utf8')
    assert.match(await ask('PING', other), /null transform/)
    assert.equal(await ask('LOOP'), 'closed')
    assert.match(await ask('PING', other), /null transform/, 'the other thread was not concerned')
    while (metrics.snapshot().find(({ name }) => name === 'shotover_thread_restarts_count')!.value === 0)
      await new Promise(setImmediate)
    for (let i = 0; i < 4; i++) assert.match(await ask('PING'), /null transform/)
    const value = (wanted: string) => metrics.snapshot().find(({ name }) => name === wanted)!.value
    assert.equal(value('shotover_thread_hangs_count'), 1)
    assert.ok(value('shotover_thread_stalls_count') >= 1)
    assert.ok(ended >= 1)
    const messages = logged.map((line) => (JSON.parse(line) as { fields: { message: string } }).fields.message)
    assert.ok(messages.some((message) => /^core-\d has not answered for \d+ s: it is ended/.test(message)))
    assert.ok(
      messages.some((message) => /^core-\d is gone, and its sessions with it; another one starts$/.test(message)),
    )
  },
)
