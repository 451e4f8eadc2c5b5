import assert from 'node:assert/strict'
import { crc32 } from 'node:zlib'
import { test } from 'node:test'
import type { Exchange } from '../../src/core/exchange.ts'
import type { Transform } from '../../src/core/transform.ts'
import { LOOPBACK } from '../../src/sim/recorder.ts'
import { SimWorld } from '../../src/sim/world.ts'
import type { Connection, ConnectionHandler } from '../../src/world/world.ts'
import { encode, GET, HEADER_BYTES, headerAt, HELLO, KEY, OK, PUT, VALUE } from './format.ts'
import { HardProxy } from './proxy.ts'

const KIB = 1024
const MIB = 1024 * KIB
const SIZE = 96 * MIB
const CHUNK = Buffer.alloc(64 * KIB)
for (let i = 0; i < CHUNK.length; i++) CHUNK[i] = (i * 31) & 0xff

/** Sends `bytes` of the pattern, as fast as they are taken; the connection reads on meanwhile. */
class Pump {
  #left = 0
  readonly #connection: Connection

  constructor(connection: Connection) {
    this.#connection = connection
  }
  send(bytes: number): void {
    this.#left += bytes
    this.drained()
  }
  drained(): void {
    while (this.#left > 0) {
      const size = Math.min(this.#left, CHUNK.length)
      this.#left -= size
      if (!this.#connection.write(CHUNK.subarray(0, size))) return
    }
  }
}

/** Reads frames without keeping them: tells their headers, and the sum of what was in them. */
abstract class End implements ConnectionHandler {
  readonly connection: Connection
  readonly pump: Pump
  #head = Buffer.alloc(0)
  #kind = 0
  #left = 0
  #sum = 0

  constructor(connection: Connection) {
    this.connection = connection
    this.pump = new Pump(connection)
    connection.handler = this
  }

  abstract came(kind: number, sum: number): void

  onData(bytes: Buffer, start: number, end: number): void {
    for (let at = start; at < end;) {
      if (this.#left === 0) {
        const take = Math.min(HEADER_BYTES - this.#head.length, end - at)
        this.#head = Buffer.concat([this.#head, bytes.subarray(at, at + take)])
        at += take
        const header = headerAt(this.#head, 0)
        if (header === null) return
        this.#head = Buffer.alloc(0)
        this.#kind = header.kind
        this.#left = header.length
        this.#sum = 0
      } else {
        const take = Math.min(this.#left, end - at)
        this.#sum = crc32(bytes.subarray(at, at + take), this.#sum)
        this.#left -= take
        at += take
      }
      if (this.#left === 0) this.came(this.#kind, this.#sum)
    }
  }
  onDrain(): void {
    this.pump.drained()
  }
  onEnd(): void {
    this.connection.end()
  }
  onClose(): void {}
}

class Server extends End {
  sum = 0
  came(kind: number, sum: number): void {
    if (kind === HELLO) this.connection.write(encode(KEY, 'c1'))
    else if (kind === PUT) {
      this.sum = sum
      this.connection.write(encode(OK, ''))
    } else {
      this.connection.write(encode(VALUE, '', 0, 1, SIZE))
      this.pump.send(SIZE)
    }
  }
}

class Client extends End {
  readonly replies: [kind: number, sum: number][] = []
  came(kind: number, sum: number): void {
    this.replies.push([kind, sum])
  }
}

/** Sum of `SIZE` bytes of the pattern. */
function patternSum(): number {
  let sum = 0
  for (let left = SIZE; left > 0; left -= CHUNK.length) sum = crc32(CHUNK, sum)
  return sum
}

/** Reads in fits and starts. */
function dawdle(sim: SimWorld, connection: Connection): void {
  connection.pause()
  sim.schedule.add(sim.nowMs + 2, () => {
    connection.resume()
    sim.schedule.add(sim.nowMs + 1, () => dawdle(sim, connection))
  })
}

const encodeHead = (kind: number, size: number) => encode(kind, '', 0, 1, size)

// The last 4 MiB of a reply to a slow client are read on, so that the server need not wait for it.
for (const [slow, heldMax] of [
  ['nobody', 1.5 * MIB],
  ['the server', 1.5 * MIB],
  ['the client', 5.5 * MIB],
] as const) {
  test(`96 MiB flow through each way, unchanged and within ${heldMax / MIB} MiB, where ${slow} is slow`, async () => {
    const sim = new SimWorld({ tearChance: 0, bufferBytesMin: 128 * KIB, bufferBytesMax: 128 * KIB })
    let server!: Server
    const listener = await sim.world.net.listen(LOOPBACK, (connection) => (server = new Server(connection)))
    const exchanges: Exchange[] = []
    const watch: Transform = {
      onRequests(batch, link) {
        exchanges.push(...batch)
        link.forward(batch)
      },
    }
    const proxy = new HardProxy(sim, listener.address, { order: 'request-order', above: [() => watch] })
    await proxy.listen(LOOPBACK)
    let client!: Client
    sim.world.net.connect(proxy.address, 1000, (_, connection) => (client = new Client(connection!)))
    await sim.run(() => client !== undefined)
    let most = 0
    const held = () => {
      let bytes = proxy.source.budget.used
      for (const { requestParts, responseParts } of exchanges)
        bytes += (requestParts?.bytes ?? 0) + (responseParts?.bytes ?? 0)
      for (const connection of proxy.upstreamConnections) bytes += connection.unsentBytes
      most = Math.max(most, bytes)
    }
    const until = (done: () => boolean) =>
      sim.run(() => {
        held()
        return done()
      }, 10_000_000)
    client.connection.write(encodeHead(PUT, SIZE))
    client.pump.send(SIZE)
    await sim.run(() => server !== undefined)
    if (slow === 'the server') dawdle(sim, server.connection)
    if (slow === 'the client') dawdle(sim, client.connection)
    await until(() => client.replies.length === 1)
    client.connection.write(encode(GET, 'large'))
    await until(() => client.replies.length === 2)
    const sum = patternSum()
    assert.equal(server.sum, sum)
    assert.deepEqual(client.replies, [
      [OK, 0],
      [VALUE, sum],
    ])
    assert.ok(most > 0 && most <= heldMax, `${most} bytes were held`)
    assert.equal(proxy.source.stats.cutThroughs, 2)
  })
}
