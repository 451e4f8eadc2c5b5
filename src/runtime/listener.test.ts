import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import type { CheckedSource } from '../config/checked.ts'
import { LIMITS } from '../core/kind.ts'
import { LogRoot } from '../observability/log.ts'
import { Registry } from '../observability/metrics.ts'
import { Descriptors } from './descriptors.ts'
import { Listener } from './listener.ts'

/** Longest that a test may take. */
const BOUND = { timeout: 20_000 }

/** A listener whose waits end when the test says so. */
class Play {
  readonly accepted: [id: number, port: number][] = []
  readonly logged: string[] = []
  readonly registry = new Registry()
  readonly listener: Listener
  /** File descriptors run short. */
  short = false
  readonly #sockets: Socket[] = []
  readonly #clients: Socket[] = []
  #waiting: { seconds: number; act: () => void } | null = null
  #watchers: (() => void)[] = []

  constructor(t: TestContext, source: Partial<CheckedSource>) {
    const writer = {
      write: (line: string) => {
        const { level, fields } = JSON.parse(line) as { level: string; fields: { message: string } }
        this.logged.push(`${level} ${fields.message}`)
        this.#tell()
      },
      flush: () => Promise.resolve(),
      takeDropped: () => 0,
    }
    const log = new LogRoot({ format: 'json', colours: false, writer })
    log.setFilter('info')
    this.listener = new Listener({
      source: {
        type: 'Valkey',
        name: 'src',
        listen: { host: '127.0.0.1', port: 0 },
        listenText: '127.0.0.1:0',
        connectionLimit: 2,
        hardConnectionLimit: false,
        idleTimeoutSeconds: null,
        limits: LIMITS,
        chain: [],
        ...source,
      },
      log,
      metrics: this.registry,
      accept: (socket, id) => {
        this.accepted.push([id, socket.remotePort ?? 0])
        this.#sockets.push(socket)
        this.#tell()
      },
      descriptors: new Descriptors(() => {
        throw Object.assign(new Error(), { code: this.short ? 'EMFILE' : 'ENOENT' })
      }),
      after: (seconds, act) => {
        this.#waiting = { seconds, act }
        this.#tell()
        return { cancel: () => (this.#waiting = null) }
      },
    })
    t.after(() => {
      this.listener.close()
      for (const socket of [...this.#sockets, ...this.#clients]) socket.destroy()
    })
  }

  /** A client that is connected as far as the kernel is concerned. Rejects when it is refused. */
  async client(): Promise<Socket> {
    const socket = connect(this.listener.address.port, '127.0.0.1')
    this.#clients.push(socket)
    await once(socket, 'connect')
    socket.on('error', () => {})
    return socket
  }

  async refused(): Promise<void> {
    await assert.rejects(this.client(), { code: 'ECONNREFUSED' })
  }

  async until(holds: () => boolean): Promise<void> {
    while (!holds()) await new Promise<void>((resolve) => this.#watchers.push(resolve))
  }

  /** Everything that the event loop could have done by now is done: a connection elsewhere came and went. */
  async settled(): Promise<void> {
    const server = createServer((socket) => socket.end()).listen(0, '127.0.0.1')
    await once(server, 'listening')
    for (let i = 0; i < 3; i++) {
      const socket = connect((server.address() as AddressInfo).port, '127.0.0.1').resume()
      await once(socket, 'close')
    }
    server.close()
  }

  /** Seconds that it waits for now; null where it does not. */
  get waits(): number | null {
    return this.#waiting?.seconds ?? null
  }

  elapse(): void {
    const { act } = this.#waiting!
    this.#waiting = null
    act()
  }

  metric(name: string): number {
    const sample = this.registry.snapshot().find((one) => one.name === name && one.labels.source === 'src')
    return sample!.value
  }

  #tell(): void {
    for (const watcher of this.#watchers.splice(0)) watcher()
  }
}

test('clients are counted from 1 and announced', BOUND, async (t) => {
  const play = new Play(t, {})
  await play.listener.start()
  const client = await play.client()
  await play.until(() => play.accepted.length === 1)
  assert.deepEqual(play.accepted, [[1, client.localPort]])
  assert.deepEqual(play.logged, [
    'INFO Starting Valkey source on [127.0.0.1:0]',
    'INFO Created new listener for 127.0.0.1:0',
    'INFO New connection from 127.0.0.1',
  ])
  assert.equal(play.metric('connections_opened'), 1)
  assert.equal(play.metric('shotover_available_connections_count'), 1)
})

test('soft limit: clients connect and wait, and come in as others leave, in their order', BOUND, async (t) => {
  const play = new Play(t, { connectionLimit: 2 })
  await play.listener.start()
  const clients: Socket[] = []
  for (let i = 0; i < 5; i++) clients.push(await play.client())
  await play.settled()
  assert.deepEqual(
    play.accepted.map(([id]) => id),
    [1, 2],
  )
  assert.equal(play.metric('shotover_available_connections_count'), 0)
  for (let id = 3; id <= 5; id++) {
    play.listener.release()
    await play.until(() => play.accepted.length === id)
    await play.settled()
    assert.deepEqual(play.accepted.at(-1), [id, clients[id - 1]!.localPort])
    assert.equal(play.accepted.length, id)
    assert.equal(play.listener.taken, 2)
  }
  assert.equal(play.metric('connections_opened'), 5)
})

test('soft limit of 0: clients connect, and nobody ever comes in', BOUND, async (t) => {
  const play = new Play(t, { connectionLimit: 0 })
  await play.listener.start()
  await play.client()
  await play.settled()
  assert.deepEqual(play.accepted, [])
})

test('soft limit: a client that waits is cut off when the listener closes', BOUND, async (t) => {
  const play = new Play(t, { connectionLimit: 0 })
  await play.listener.start()
  const client = await play.client()
  const closed = new Promise((resolve) => client.once('close', resolve))
  play.listener.close()
  client.resume()
  await closed
  await play.refused()
})

test('hard limit: clients are refused, and come in again a second after one has left', BOUND, async (t) => {
  const play = new Play(t, { connectionLimit: 2, hardConnectionLimit: true })
  await play.listener.start()
  await Promise.all([play.client(), play.client()])
  await play.until(() => play.accepted.length === 2)
  await play.refused()
  assert.equal(play.waits, 1)
  play.elapse()
  assert.equal(play.waits, 1, 'nobody has left: it waits on')
  play.listener.release()
  await play.refused()
  play.elapse()
  await play.settled()
  await play.client()
  await play.until(() => play.accepted.length === 3)
  assert.equal(play.accepted.at(-1)![0], 3)
  await play.refused()
  assert.equal(play.metric('shotover_listener_create_failures_count'), 0)
})

test(
  'hard limit: a port that somebody else took meanwhile is tried for ever, at growing intervals',
  BOUND,
  async (t) => {
    const play = new Play(t, { connectionLimit: 1, hardConnectionLimit: true })
    await play.listener.start()
    await play.client()
    await play.until(() => play.accepted.length === 1)
    const thief = createServer().listen(play.listener.address.port, '127.0.0.1')
    await once(thief, 'listening')
    play.listener.release()
    const failure =
      'WARN [src] Failed to create listener on [127.0.0.1:0] with error: Address already in use (os error 98) address=127.0.0.1:0, '
    for (const seconds of [1, 2, 4]) {
      play.elapse()
      await play.until(() => play.waits !== null)
      assert.equal(play.waits, seconds)
      assert.equal(play.logged.at(-1), `${failure}retrying with backoff of ${seconds}s`)
    }
    assert.equal(play.metric('shotover_listener_create_failures_count'), 3)
    thief.close()
    await once(thief, 'close')
    play.elapse()
    await play.until(() => play.logged.at(-1)!.includes('recovered'))
    assert.equal(play.logged.at(-1), 'INFO [src] Listener on [127.0.0.1:0] recovered and is now accepting connections')
    await play.client()
    await play.until(() => play.accepted.length === 2)
  },
)

test('an error of accepting is counted, waited for, and told when it is over', BOUND, async (t) => {
  const servers: Server[] = []
  const listening = (message: unknown) => void servers.push((message as { server: Server }).server)
  subscribe('tracing:net.server.listen:asyncStart', listening)
  t.after(() => unsubscribe('tracing:net.server.listen:asyncStart', listening))
  const play = new Play(t, { connectionLimit: 9 })
  await play.listener.start()
  for (const seconds of [1, 2]) {
    servers.at(-1)!.emit('error', Object.assign(new Error('accept ENOBUFS'), { code: 'ENOBUFS' }))
    assert.equal(play.waits, seconds)
    assert.equal(
      play.logged.at(-1),
      `WARN [src] Failed to accept incoming connection on listener [127.0.0.1:0] with error: accept ENOBUFS, retrying with backoff of ${seconds}s`,
    )
    if (seconds === 2) break
    play.elapse()
  }
  await play.client()
  await play.settled()
  assert.equal(play.accepted.length, 0, 'it still waits')
  play.elapse()
  await play.until(() => play.accepted.length === 1)
  assert.deepEqual(play.logged.slice(-2), [
    'INFO [src] Accept on listener [127.0.0.1:0] recovered and is now accepting new connections',
    'INFO New connection from 127.0.0.1',
  ])
  assert.equal(play.metric('shotover_connections_accept_failures_count'), 2)
})

test('when file descriptors run short clients wait, and come in when there are some again', BOUND, async (t) => {
  const play = new Play(t, { connectionLimit: 9 })
  play.short = true
  await play.listener.start()
  assert.equal(play.listener.obstacle, null)
  // The first one shows it, and is served.
  await play.client()
  await play.until(() => play.accepted.length === 1)
  play.elapse()
  await play.client()
  await play.settled()
  assert.equal(play.accepted.length, 1)
  const failure =
    'WARN [src] Failed to accept incoming connection on listener [127.0.0.1:0] with error: Too many open files (os error 24), retrying with backoff of 2s'
  assert.equal(play.logged.at(-1), failure)
  assert.equal(play.listener.obstacle, "[src] can't accept clients on 127.0.0.1:0")
  assert.equal(play.waits, 2)
  play.short = false
  play.elapse()
  await play.until(() => play.accepted.length === 2)
  assert.deepEqual(play.logged.slice(-2), [
    'INFO [src] Accept on listener [127.0.0.1:0] recovered and is now accepting new connections',
    'INFO New connection from 127.0.0.1',
  ])
  assert.equal(play.metric('shotover_connections_accept_failures_count'), 2)
  assert.equal(play.listener.obstacle, null)
})

test('it says why it would take no client', BOUND, async (t) => {
  const play = new Play(t, { connectionLimit: 1 })
  assert.equal(play.listener.obstacle, '[src] does not listen on 127.0.0.1:0 yet')
  await play.listener.start()
  assert.equal(play.listener.obstacle, null)
  await play.client()
  await play.until(() => play.accepted.length === 1)
  assert.equal(play.listener.obstacle, '[src] has as many clients as it may: 1')
  play.listener.release()
  assert.equal(play.listener.obstacle, null)
  play.listener.close()
  assert.equal(play.listener.obstacle, '[src] takes no more clients: the process is ending')
})

test('while it is held clients wait', BOUND, async (t) => {
  const play = new Play(t, {})
  await play.listener.start()
  play.listener.hold(true)
  await play.client()
  await play.settled()
  assert.equal(play.accepted.length, 0)
  play.listener.hold(false)
  await play.until(() => play.accepted.length === 1)
})

for (const hardConnectionLimit of [false, true]) {
  test(
    `a socket of the file system, hard limit ${hardConnectionLimit}: at the limit clients are refused`,
    BOUND,
    async (t) => {
      const folder = mkdtempSync(join(tmpdir(), 'shotover-unix-'))
      t.after(() => rmSync(folder, { recursive: true }))
      const path = join(folder, 's')
      const listen = { host: `unix:${path}`, port: 0 }
      const play = new Play(t, { listen, listenText: listen.host, connectionLimit: 1, hardConnectionLimit })
      const client = async () => {
        const socket = connect(path).on('error', () => {})
        t.after(() => socket.destroy())
        await once(socket, 'connect')
      }
      await play.listener.start()
      await client()
      await play.until(() => play.accepted.length === 1)
      await assert.rejects(client())
      assert.equal(play.waits, 1)
      play.listener.release()
      play.elapse()
      await play.settled()
      await client()
      await play.until(() => play.accepted.length === 2)
      assert.equal(play.logged.at(-1), 'INFO New connection from unix')
      play.listener.close()
      assert.equal(existsSync(path), false)
    },
  )
}

test(
  'a socket of the file system that nobody listens at any more is replaced, one that somebody does is not',
  BOUND,
  async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'shotover-unix-'))
    t.after(() => rmSync(folder, { recursive: true }))
    const path = join(folder, 's')
    const left = spawnSync(process.execPath, [
      '-e',
      `require('net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`,
    ])
    assert.equal(left.signal, 'SIGKILL')
    assert.ok(existsSync(path))
    const play = new Play(t, { listen: { host: `unix:${path}`, port: 0 } })
    await play.listener.start()
    const other = new Play(t, { listen: { host: `unix:${path}`, port: 0 } })
    await assert.rejects(other.listener.start(), { code: 'EADDRINUSE' })
    assert.ok(existsSync(path))
  },
)

test('an address in use at the start is the caller’s to tell', BOUND, async (t) => {
  const other = createServer().listen(0, '127.0.0.1')
  await once(other, 'listening')
  t.after(() => other.close())
  const play = new Play(t, { listen: { host: '127.0.0.1', port: (other.address() as AddressInfo).port } })
  await assert.rejects(play.listener.start(), { code: 'EADDRINUSE' })
})
