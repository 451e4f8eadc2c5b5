import assert from 'node:assert/strict'
import { schemaOf } from '../src/config/options.ts'
import { Budget } from '../src/core/budget.ts'
import type { StageSpec } from '../src/core/chain.ts'
import { LIMITS, type Env, type Limits, type Log, type TransformKind } from '../src/core/kind.ts'
import { Scratch } from '../src/core/outbox.ts'
import type { Protocol } from '../src/core/protocol.ts'
import { Source } from '../src/core/source.ts'
import { noStats } from '../src/core/stats.ts'
import { renderExposition } from '../src/observability/exposition.ts'
import { Registry } from '../src/observability/metrics.ts'
import { mergeSnapshots } from '../src/observability/snapshot.ts'
import { valkey } from '../src/protocols/valkey/index.ts'
import { SimWorld } from '../src/sim/world.ts'
import { ClientConnection } from './kit/client.ts'
import { Server, type Forwarded } from './kit/server.ts'

// The test kit: a transform between a client and a server, which the test plays both. docs/transforms.md shows it in use.

/**
 * A message as the test writes it: bytes, or a string of them (latin1), as they stand on the wire; or the words of a Valkey
 * command, `['SET', 'a', '1']`.
 */
export type Message = string | Uint8Array | readonly (string | Uint8Array)[]

/** A kind with its options, as a chain of a topology names it. */
export interface Placed {
  readonly kind: TransformKind
  readonly options: unknown
}

export interface PlayOptions {
  /** What client and server speak; Valkey's where it is absent. */
  readonly protocol?: Protocol
  readonly limits?: Partial<Limits>
  /** Transforms that stand in the chain before it, and after it. */
  readonly above?: readonly Placed[]
  readonly below?: readonly Placed[]
  readonly seed?: number
}

/** A kind as in a topology: in a chain of a source with its options, in a world where time passes only when the test says so. */
class Stand {
  readonly sim: SimWorld
  readonly protocol: Protocol
  readonly limits: Limits
  readonly registry = new Registry()
  readonly logged: string[] = []
  readonly chain = { name: 'main', stages: [] as StageSpec[], stats: noStats() }
  readonly source: Source
  readonly servers: Server[] = []
  readonly closers: (() => void)[] = []
  readonly #placedAt: number
  clients = 0

  constructor(placed: Placed, options: PlayOptions) {
    this.#placedAt = options.above?.length ?? 0
    this.sim = new SimWorld({ seed: options.seed ?? 1, tearChance: 0, turnMs: 0, timerLateMs: 0 })
    this.protocol = options.protocol ?? valkey
    this.limits = { ...LIMITS, ...options.limits }
    for (const one of [...(options.above ?? []), placed, ...(options.below ?? [])]) this.#place(one)
    if (!placed.kind.terminating) {
      const factory = () => {
        const server = new Server(this.protocol, this.limits.cutThroughBytes)
        this.servers.push(server)
        return server
      }
      this.chain.stages.push({ type: 'Server', name: 'server', factory })
    }
    this.source = new Source({
      name: 'main',
      protocol: this.protocol,
      chain: this.chain,
      limits: this.limits,
      world: this.sim.world,
      log: this.#log(),
      idleTimeoutMs: null,
      scratch: new Scratch(),
      budget: new Budget(this.limits.processBytesMax),
    })
  }

  #place(placed: Placed): void {
    this.chain.stages.push(this.#make(placed, this.chain.stages.length))
  }

  /** Another version in the place of the one that is played, for the sessions that are there too. */
  reload(placed: Placed): void {
    const stages = this.source.chain.stages.with(this.#placedAt, this.#make(placed, this.#placedAt))
    this.source.renew({ ...this.source.chain, stages }, () => {})
  }

  #make({ kind, options }: Placed, at: number): StageSpec {
    const name = `${kind.type}-${at + 1}`
    const parsed = schemaOf(kind.options).parse(options)
    const env: Env = {
      world: this.sim.world,
      metrics: this.registry,
      log: this.#log(),
      limits: this.limits,
      name,
      chain: this.chain.name,
      chains: {},
      shared: new SharedArrayBuffer(kind.sharedBytes?.(parsed) ?? 0),
      pools: [],
      onClose: (close) => void this.closers.push(close),
    }
    assert.equal(kind.subChains, undefined, 'the kit has no chains for kinds with chains of their own')
    return { type: kind.type, name, factory: kind.create(parsed, env) }
  }

  #log(): Log {
    const note = (level: string) => (message: string, fields?: Record<string, unknown>) =>
      void this.logged.push(`${level}: ${message}${fields === undefined ? '' : ` ${JSON.stringify(fields)}`}`)
    return { debug: note('debug'), info: note('info'), warn: note('warn'), error: note('error') }
  }
}

/** One client and its server, around a transform. Methods that return a promise let everything happen that can without time passing. */
export class Play {
  readonly #stand: Stand
  readonly #client: ClientConnection
  readonly #server: Server | null

  constructor(stand: Stand) {
    this.#stand = stand
    this.#client = new ClientConnection(stand.sim, 40_000 + stand.clients++, stand.limits.cutThroughBytes)
    const servers = stand.servers.length
    stand.source.accept(this.#client)
    this.#server = stand.servers[servers] ?? null
  }

  /** Another client of the same topology, with a server of its own. */
  connect(): Play {
    return new Play(this.#stand)
  }

  /** The client sends these messages, in one piece; what is larger than the cut-through bound comes in several. */
  async send(...messages: Message[]): Promise<void> {
    this.#client.send(this.#bytes(messages))
    await this.settle()
  }

  /** These requests, and no others, reached the server since this was last asked. */
  expectForwarded(...messages: Message[]): void {
    const came = this.takeForwarded().map(({ bytes }) => shown(bytes))
    assert.deepEqual(
      came,
      messages.map((message) => shown(this.#bytes([message]))),
    )
  }

  /** The requests that reached the server since this was last asked. */
  takeForwarded(): Forwarded[] {
    const came = this.#server?.came ?? []
    if (this.#server !== null) this.#server.came = []
    return came
  }

  /** Requests that wait for the server's reply, oldest first. */
  get open(): readonly Forwarded[] {
    return this.#server?.open ?? []
  }

  /** The server replies to the oldest requests, in one batch. A reply above the cut-through bound comes in parts. */
  async answer(...replies: Message[]): Promise<void> {
    const { open } = this
    assert.ok(replies.length <= open.length, `${replies.length} replies to ${open.length} requests`)
    await this.answerTo(...replies.map((reply, i): [Forwarded, Message] => [open[i]!, reply]))
  }

  /** The server replies to these requests, in one batch. */
  async answerTo(...replies: [Forwarded, Message][]): Promise<void> {
    this.#played().reply(replies.map(([forwarded, reply]) => [forwarded, this.#bytes([reply])]))
    await this.settle()
  }

  /** There will be no reply to the oldest request: the protocol has none for it. */
  async silence(): Promise<void> {
    const server = this.#played()
    assert.ok(server.open.length > 0, 'no request is open')
    server.silence(server.open[0]!)
    await this.settle()
  }

  /** The server sends what is no reply. */
  async push(...messages: Message[]): Promise<void> {
    this.#played().push(this.#bytes(messages))
    await this.settle()
  }

  /** The client got these messages, and nothing else, since this was last asked. */
  expectReplied(...messages: Message[]): void {
    assert.equal(shown(this.takeReplied()), shown(this.#bytes(messages)))
  }

  /** The bytes that the client got since this was last asked. */
  takeReplied(): Buffer {
    return this.#client.take()
  }

  /** Time passes. */
  async advance(ms: number): Promise<void> {
    await this.#stand.sim.run(this.#stand.sim.nowMs + ms)
  }

  /** The client sends no more, but waits for what it is owed. */
  async finish(): Promise<void> {
    this.#client.finish()
    await this.settle()
  }

  /** The client is gone, whatever it is owed. */
  async leave(): Promise<void> {
    this.#client.leave()
    await this.settle()
  }

  /** The proxy is to stop: clients get what they are owed, then their connections end. */
  async drain(): Promise<void> {
    void this.#stand.source.drain(null)
    await this.settle()
  }

  /** The file of the transform was saved: from here on `kind` stands in its place. What the client has under way ends with the old one. */
  async reload<Options>(kind: TransformKind<Options>, options: unknown): Promise<void> {
    this.#stand.reload({ kind: kind as TransformKind, options })
    await this.settle()
  }

  /** The topology ends: what its kinds hold for all clients is given up. */
  async close(): Promise<void> {
    for (const close of this.#stand.closers.splice(0).reverse()) close()
    await this.settle()
  }

  /** The proxy has closed the connection. */
  get closed(): boolean {
    return this.#client.ended || this.#client.destroyed
  }

  /** Reasons for which sessions ended, and how often. */
  get closings(): Record<string, number> {
    return Object.fromEntries(this.#stand.source.stats.closed)
  }

  /** `level: message` of everything that was logged. */
  get logged(): readonly string[] {
    return this.#stand.logged
  }

  /** Hand-overs that the chain swallowed, and errors that it met: faults of the transform, as long as the test makes none. */
  get faults(): number {
    return this.#stand.chain.stats.swallowed + this.#stand.chain.stats.failures
  }

  /** Metrics by name and labels: `{ 'shotover_query_count{name="main"}': 0 }`. */
  get metrics(): Record<string, number> {
    const text = renderExposition(mergeSnapshots([this.#stand.registry.snapshot()]))
    const values: Record<string, number> = {}
    for (const line of text.split('\n')) {
      const found = /^([^#].*) (\S+)$/.exec(line)
      if (found !== null) values[found[1]!] = Number(found[2])
    }
    return values
  }

  /** Lets everything happen that can without time passing: what waits in promises, and the ends of turns. */
  async settle(): Promise<void> {
    await this.#stand.sim.run(this.#stand.sim.nowMs)
  }

  #played(): Server {
    assert.ok(this.#server !== null, 'the transform is a sink itself: there is no server')
    return this.#server
  }

  #bytes(messages: readonly Message[]): Buffer {
    return Buffer.concat(messages.map((message) => bytesOf(this.#stand.protocol, message)))
  }
}

function bytesOf(protocol: Protocol, message: Message): Buffer {
  if (typeof message === 'string') return Buffer.from(message, 'latin1')
  if (message instanceof Uint8Array) return Buffer.from(message)
  const args = message.map((word) => (typeof word === 'string' ? Buffer.from(word) : word))
  return protocol.encode({ type: 'request', args }, -1).toBuffer()
}

function shown(bytes: Buffer): string {
  return JSON.stringify(bytes.toString('latin1'))
}

/** A client and a server around one transform; time stands still unless `advance` is called. Throws where `options` are wrong. */
export function play<Options>(kind: TransformKind<Options>, options: unknown, settings: PlayOptions = {}): Play {
  return new Play(new Stand({ kind: kind as TransformKind, options }, settings))
}
