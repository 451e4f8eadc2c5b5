import assert from 'node:assert/strict'
import { schemaOf } from '../src/config/options.ts'
import { Budget } from '../src/core/budget.ts'
import { chainFactory, limitsWithin } from '../src/core/chain-factory.ts'
import type { ChainSpec, StageSpec } from '../src/core/chain.ts'
import { LIMITS, type ChainFactory, type Env, type Limits, type Log, type TransformKind } from '../src/core/kind.ts'
import { Lingering } from '../src/core/lingering.ts'
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
import { PlayedServer, shown } from './kit/played-server.ts'
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
  /** Transforms that stand in chains of its own, above their servers, by the place of the chain in the options. */
  readonly within?: Readonly<Record<string, readonly Placed[]>>
  readonly seed?: number
}

/** What chains within may speak, by the names of their source kinds. */
const PROTOCOLS: Readonly<Record<string, Protocol>> = { Valkey: valkey as Protocol }

/** Place of the chain around, among the places of those within. */
const AROUND = ''

/** A kind as in a topology: in a chain of a source with its options, in a world where time passes only when the test says so. */
class Stand {
  readonly sim: SimWorld
  readonly protocol: Protocol
  readonly limits: Limits
  readonly registry = new Registry()
  readonly logged: string[] = []
  readonly chain: ChainSpec & { readonly stages: StageSpec[] } = { name: 'main', stages: [], stats: noStats() }
  /** Chains within, so far. */
  readonly chains: ChainSpec[] = []
  readonly source: Source
  /** Servers of each client by the place of their chains. */
  readonly servers = new Map<number, { place: string; server: Server }[]>()
  readonly closers: (() => void)[] = []
  readonly #placedAt: number
  readonly lingering = new Lingering()
  readonly #within: Readonly<Record<string, readonly Placed[]>>
  clients = 0
  readonly isSink: boolean

  constructor(placed: Placed, options: PlayOptions) {
    this.#placedAt = options.above?.length ?? 0
    this.sim = new SimWorld({ seed: options.seed ?? 1, tearChance: 0, turnMs: 0, timerLateMs: 0 })
    this.protocol = options.protocol ?? valkey
    this.limits = { ...LIMITS, ...options.limits }
    this.#within = options.within ?? {}
    this.isSink = placed.kind.terminating
    for (const one of [...(options.above ?? []), placed, ...(options.below ?? [])])
      this.chain.stages.push(this.#make(one, this.chain.stages.length, 'main', this.limits))
    if (!placed.kind.terminating) this.chain.stages.push(this.#server(AROUND, this.protocol))
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

  /** The servers of a client; `place` null: all. */
  serversOf(client: number, place: string | null): readonly Server[] {
    const all = this.servers.get(client) ?? []
    return all.filter((one) => place === null || one.place === place).map(({ server }) => server)
  }

  #server(place: string, protocol: Protocol): StageSpec {
    const factory: StageSpec['factory'] = ({ id }) => {
      const server = new Server(protocol, this.limits.cutThroughBytes)
      this.servers.set(id, [...(this.servers.get(id) ?? []), { place, server }])
      return server
    }
    return { type: 'Server', name: 'server', factory }
  }

  /** Another version in the place of the one that is played, for the sessions that are there too. */
  reload(placed: Placed): void {
    const stage = this.#make(placed, this.#placedAt, 'main', this.limits)
    this.source.renew({ ...this.source.chain, stages: this.source.chain.stages.with(this.#placedAt, stage) }, () => {})
  }

  #make({ kind, options }: Placed, at: number, chain: string, around: Limits): StageSpec {
    const name = `${kind.type}-${at + 1}`
    const parsed = schemaOf(kind.options).parse(options)
    const env: Env = {
      world: this.sim.world,
      metrics: this.registry,
      log: this.#log(),
      limits: around,
      name,
      chain,
      chains: Object.fromEntries(
        (kind.subChains?.(parsed, name) ?? []).map(({ place, names, protocol, isDetached }) => {
          const limits = limitsWithin(around, names.length, isDetached === true)
          const speaks = protocol === undefined ? null : PROTOCOLS[protocol]!
          return [place, names.map((within) => this.#chainWithin(within, place, speaks, limits))]
        }),
      ),
      shared: new SharedArrayBuffer(kind.sharedBytes?.(parsed) ?? 0),
      pools: [],
      onClose: (close) => void this.closers.push(close),
    }
    return { type: kind.type, name, factory: kind.create(parsed, env) }
  }

  #chainWithin(name: string, place: string, protocol: Protocol | null, limits: Limits): ChainFactory {
    const build = () => {
      const stages: StageSpec[] = []
      for (const one of this.#within[place] ?? []) stages.push(this.#make(one, stages.length, name, limits))
      const last = this.#within[place]?.at(-1)
      if (last?.kind.terminating !== true) stages.push(this.#server(place, protocol ?? this.protocol))
      const spec = { name, stages, stats: noStats() }
      this.chains.push(spec)
      return spec
    }
    return chainFactory(build, protocol, { world: this.sim.world, limits, lingering: this.lingering })
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
  readonly #id: number
  readonly #server: PlayedServer<Message>

  constructor(stand: Stand) {
    this.#stand = stand
    this.#id = ++stand.clients
    this.#client = new ClientConnection(stand.sim, 40_000 + this.#id, stand.limits.cutThroughBytes)
    // A sink with chains of its own has what stands behind them for its server.
    this.#server = this.#playedServer(stand.isSink ? null : AROUND)
    stand.source.accept(this.#client)
  }

  /** The server behind a chain of the transform's own, by the place of the chain in the options: `chain`. */
  within(place: string, index?: number): PlayedServer<Message> {
    return this.#playedServer(place, index)
  }

  #playedServer(place: string | null, index?: number): PlayedServer<Message> {
    const servers = () => {
      const all = this.#stand.serversOf(this.#id, place)
      return index === undefined ? all : all.slice(index, index + 1)
    }
    return new PlayedServer(servers, { bytes: (messages) => this.#bytes(messages), settle: () => this.settle() })
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
    this.#server.expectForwarded(...messages)
  }

  /** The requests that reached the server since this was last asked. */
  takeForwarded(): Forwarded[] {
    return this.#server.takeForwarded()
  }

  /** Requests that wait for the server's reply, oldest first. */
  get open(): readonly Forwarded[] {
    return this.#server.open
  }

  /** The server replies to the oldest requests, in one batch. A reply above the cut-through bound comes in parts. */
  async answer(...replies: Message[]): Promise<void> {
    await this.#server.answer(...replies)
  }

  /** The server replies to these requests, in one batch. */
  async answerTo(...replies: [Forwarded, Message][]): Promise<void> {
    await this.#server.answerTo(...replies)
  }

  /** There will be no reply to the oldest request: the protocol has none for it. */
  async silence(): Promise<void> {
    await this.#server.silence()
  }

  /** The server sends what is no reply. */
  async push(...messages: Message[]): Promise<void> {
    await this.#server.push(...messages)
  }

  /** The server can't be had. */
  async failServer(message: string): Promise<void> {
    await this.#server.fail(message)
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
    const chains = [this.#stand.chain, ...this.#stand.chains]
    return chains.reduce((sum, { stats }) => sum + stats.swallowed + stats.failures, 0)
  }

  /** Chains within that outlive their sessions. */
  get lingering(): number {
    return this.#stand.lingering.size
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

/** A client and a server around one transform; time stands still unless `advance` is called. Throws where `options` are wrong. */
export function play<Options>(kind: TransformKind<Options>, options: unknown, settings: PlayOptions = {}): Play {
  return new Play(new Stand({ kind: kind as TransformKind, options }, settings))
}
