import assert from 'node:assert/strict'
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { startProxy, type LogLine, type Proxy } from './proxy.ts'
import { RawClient } from './raw-client.ts'
import { startRedis } from './servers.ts'

// A transform of one's own is saved while clients are at work: not one request fails, whatever was saved.

const CLIENTS = 8
const PIPELINED = 16

/** A transform that answers PING with its version, where its hooks are not these. */
function source(version: string, hooks = '', create = ''): string {
  return `import { around, transform } from 'shotover'
import { encodeReply } from 'shotover/valkey'
export default transform({
  type: 'Tagged',
  doc: 'Answers PING with its version.',
  options: (z) => z.strictObject({}),
  create() {
    ${create}
    return ({ protocol }) => ({
      onRequests(batch, link) {
        for (const exchange of batch) {
          if (exchange.request.toBuffer().includes('END-THREAD')) process.exit(1)
          if (protocol.queries!.name(exchange.request) === 'PING') {
            exchange.response = encodeReply({ type: 'simple', text: '${version}' })
            link.reply([exchange])
          } else link.forward([exchange])
        }
      },
      ${hooks}
    })
  },
})
`
}

/** A client that always has requests under way, and looks at every reply. */
class Worker {
  readonly client: RawClient
  readonly failures: string[] = []
  /** Versions in the order in which it met them. */
  readonly versions: string[] = []
  requests = 0
  #stopped = false
  readonly done: Promise<void>
  #read = 0

  constructor(client: RawClient, key: string) {
    this.client = client
    this.done = this.#work(key)
  }

  async stop(): Promise<void> {
    this.#stopped = true
    await this.done
  }

  async #work(key: string): Promise<void> {
    for (let count = 0; !this.#stopped && this.failures.length === 0; count += PIPELINED - 1) {
      for (let i = 1; i < PIPELINED; i++) this.client.send('INCR', key)
      this.client.send('PING')
      for (let i = 1; i < PIPELINED; i++) await this.#expect(`:${count + i}`)
      const version = await this.#next()
      if (this.versions.at(-1) !== version) this.versions.push(version)
      this.requests += PIPELINED
    }
  }

  async #next(): Promise<string> {
    await this.client.until(this.#read + 1, 20_000)
    return this.client.replies[this.#read++]?.bytes.toString().trim() ?? 'closed'
  }

  async #expect(reply: string): Promise<void> {
    const came = await this.#next()
    if (came !== reply) this.failures.push(`${came} instead of ${reply}`)
  }
}

/** A file that is saved, in both ways in which editors do that. */
class Saved {
  readonly folder = mkdtempSync(join(tmpdir(), 'shotover-reload-'))
  readonly file = join(this.folder, 'tagged.ts')
  #saves = 0

  save(text: string): void {
    if (this.#saves++ % 2 === 0) writeFileSync(this.file, text)
    else {
      writeFileSync(`${this.file}~`, text)
      renameSync(`${this.file}~`, this.file)
    }
  }
}

const message = (text: string) => (line: LogLine) => line.message.includes(text)

/** Saves and waits until the log says what became of it: `said`, for the `count`th time. */
async function save(proxy: Proxy, saved: Saved, text: string, said: string): Promise<LogLine> {
  const before = proxy.logs.filter(message(said)).length
  saved.save(text)
  let seen = 0
  return await proxy.logged((line) => message(said)(line) && ++seen > before, 20_000)
}

const GOOD = 'tagged.ts was saved: sessions get the new version'
const BAD = "tagged.ts was saved and can't be used: the version before goes on serving"
const GIVEN_UP = 'tagged.ts threw too often: the version before serves again'

async function until(holds: () => boolean): Promise<void> {
  for (let tries = 0; tries < 1000 && !holds(); tries++) await wait(10)
  assert.ok(holds())
}

for (const coreThreads of [1, 2]) {
  test(`not one request fails, whatever is saved (${coreThreads} core threads)`, { timeout: 120_000 }, async (t) => {
    await using redis = await startRedis()
    const saved = new Saved()
    t.after(() => rmSync(saved.folder, { recursive: true }))
    saved.save(source('v1'))
    const topology = (listen: string) =>
      `sources: [{ Valkey: { name: valkey, listen_addr: "${listen}", chain: [{ ${saved.file}: {} }, { ValkeySinkSingle: { remote_address: "${redis.address}", connect_timeout_ms: 3000 } }] } }]`
    // What looks on at requests is in the way of nothing either; nobody takes these traces.
    const looked = `access_log: { path: ${JSON.stringify(join(saved.folder, 'access.log'))} }
tracing: { endpoint: "http://127.0.0.1:1/", sample: 1 }`
    await using proxy = await startProxy({ topology, coreThreads, config: coreThreads === 1 ? '' : looked })
    const open = () => RawClient.open(proxy.port)
    const workers: Worker[] = []
    for (let i = 0; i < CLIENTS; i++) workers.push(new Worker(await open(), `count-${i}`))
    const allAt = (version: string) => until(() => workers.every(({ versions }) => versions.at(-1) === version))
    await allAt('+v1')

    // What has state on its connection, or waits, keeps both.
    const [multi, subscriber, popper] = [await open(), await open(), await open()]
    await multi.ask('MULTI')
    await multi.ask('SET', 'in-multi', '1')
    await subscriber.ask('SUBSCRIBE', 'news')
    popper.send('BLPOP', 'list', '0')

    await save(proxy, saved, source('v2'), GOOD)
    await allAt('+v2')
    for (const text of ['export default {', source('v3', '', "throw new Error('no')"), 'export default 3']) {
      await save(proxy, saved, text, BAD)
    }
    for (const text of [
      source('v4', "onRequests() { throw new Error('boom') },"),
      source('v4', "async onRequests() { throw new Error('boom') },"),
      source('v4', 'onRequests() {},'),
      source('v4', "onResponses() { throw new Error('boom') },"),
      source('v4').replace('=> ({', "=> around(async () => { throw new Error('boom') }) || ({"),
    ]) {
      const { fields } = await save(proxy, saved, text, GIVEN_UP)
      assert.match(String(fields.error), /boom|neither forwarded nor answered/)
      await allAt('+v2')
    }
    await save(proxy, saved, source('v5'), GOOD)
    await allAt('+v5')

    const other = await open()
    await other.ask('LPUSH', 'list', 'x')
    assert.match(await popper.shown(0), /list.*x/)
    assert.equal(await popper.ask('PING'), '+"v5"')
    assert.equal(await other.ask('PUBLISH', 'news', 'hello'), ':"1"')
    assert.match(await subscriber.shown(1), /hello/)
    await multi.ask('SET', 'in-multi', '2')
    assert.equal(await multi.ask('EXEC'), '*[+"OK" +"OK"]')
    for (const client of [multi, subscriber, popper, other]) assert.equal(client.closed, false)

    for (const worker of workers) await worker.stop()
    for (const { failures, client, requests } of workers) {
      assert.deepEqual(failures, [])
      assert.equal(client.closed, false)
      assert.ok(requests > 0)
    }
    for (const client of [multi, subscriber, popper, other, ...workers.map((worker) => worker.client)]) client.destroy()
    const complaints = proxy.complaints.filter((line) => !/tagged\.ts|traces/.test(line))
    assert.deepEqual(complaints, [])
  })
}

test(
  'a thread that comes in the place of another has the version that was saved last',
  { timeout: 60_000 },
  async (t) => {
    const saved = new Saved()
    t.after(() => rmSync(saved.folder, { recursive: true }))
    saved.save(source('v1'))
    const topology = (listen: string) =>
      `sources: [{ Valkey: { name: valkey, listen_addr: "${listen}", chain: [{ ${saved.file}: {} }, { Loopback: }] } }]`
    await using proxy = await startProxy({ topology, coreThreads: 2 })
    /** What new clients on both threads meet. */
    const met = async () => {
      const versions = new Set<string>()
      for (let i = 0; i < 6; i++) {
        const client = await RawClient.open(proxy.port)
        versions.add(await client.ask('PING'))
      }
      return [...versions]
    }
    await save(proxy, saved, source('v2'), GOOD)
    const last = await RawClient.open(proxy.port)
    last.send('END-THREAD')
    await last.untilClosed()
    await until(() => proxy.logs.filter(message('is gone, and its sessions with it')).length === 1)
    assert.deepEqual(await met(), ['+"v2"'])
    await save(proxy, saved, source('v3'), GOOD)
    assert.deepEqual(await met(), ['+"v3"'])
  },
)
