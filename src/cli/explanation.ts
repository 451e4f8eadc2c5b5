import { setTimeout as realTime } from 'node:timers/promises'
import { buildTopology, type BuildEnv, type BuiltSource } from '../config/build.ts'
import type { CheckedSource } from '../config/checked.ts'
import { Chain, type ChainTop, type StageSpec } from '../core/chain.ts'
import { AT_OWNER, Exchange, PART_TAKEN, type Batch } from '../core/exchange.ts'
import type { Log, SessionFactory, TransformKind } from '../core/kind.ts'
import type { Protocol } from '../core/protocol.ts'
import type { Route } from '../core/route.ts'
import { noStats } from '../core/stats.ts'
import type { SessionInfo } from '../core/transform.ts'
import { Registry } from '../observability/metrics.ts'
import { SimWorld } from '../sim/world.ts'
import type { World } from '../world/world.ts'

/** What one stage would do with a request. */
export interface StageExplanation {
  readonly type: string
  readonly name: string
  /** File of a user's own transform; null for kinds of the list. */
  readonly module: string | null
  /**
   * forwards: passes it on, changed or not. sends: a sink sends it to a server. answers: replies itself. fails: its hook threw.
   * keeps: has done neither within the time that a transform may take. asks: waits for the reply to a request of its own, which nobody
   * gives here. unreached: never gets it.
   */
  readonly does: 'forwards' | 'sends' | 'answers' | 'fails' | 'keeps' | 'asks' | 'unreached'
  /** The request as it leaves the stage, where it is not as it came. */
  readonly request: string | null
  /** The reply as it leaves the stage, where it is the stage's own, or not as it came. */
  readonly reply: string | null
  /** Requests of its own that it sends on. */
  readonly asks: readonly string[]
  readonly route: Route | null
  /** What it would do beside, and has not done. */
  readonly outside: string | null
}

/** Where a chain within a transform would send something. */
export interface Branch {
  readonly chain: string
  readonly request: string
  readonly route: Route
}

export interface Explanation {
  readonly source: string
  readonly type: string
  readonly listen: string
  readonly request: string
  readonly stages: readonly StageExplanation[]
  /** What the client gets, where no server has to be asked for it. */
  readonly reply: string | null
  readonly branches: readonly Branch[]
  readonly logged: readonly string[]
}

/** Real time for what a transform waits for outside its world. */
const PATIENCE_MS = 1000
const LOOK_MS = 10

/**
 * What would become of a typed request on a fresh connection to `source`. Transforms run, in a world where time is simulated and
 * there is no network; sinks only tell where they would send it. Throws where the request can't be typed.
 */
export async function explainRequest(source: CheckedSource, line: string): Promise<Explanation> {
  const rehearsal = new Rehearsal(source)
  const built = await buildTopology({ sources: [source] }, rehearsal.env)
  try {
    return await rehearsal.run(built.sources[0], line)
  } finally {
    built.close()
  }
}

/** What went past one place in the chain. */
class Probe {
  readonly requests: string[] = []
  readonly asked: string[] = []
  readonly replies: string[] = []
  readonly stage: StageSpec

  constructor(protocol: Protocol) {
    const factory: SessionFactory = () => ({
      onRequests: (batch, link) => {
        for (const { owner, request } of batch)
          (owner.level === AT_OWNER ? this.requests : this.asked).push(protocol.describe(request))
        link.forward(batch)
      },
      onResponses: (batch, link) => {
        for (const { response } of batch) this.replies.push(protocol.describe(response!))
        link.reply(batch)
      },
    })
    this.stage = { type: 'Probe', name: 'probe', factory }
  }
}

/** A client's side of a chain, of which only the replies matter. */
class Audience implements ChainTop {
  readonly level = AT_OWNER
  readonly keepsRequests = true
  readonly info: SessionInfo
  reply: string | null = null
  ended = false

  constructor(info: SessionInfo) {
    this.info = info
  }

  onReplies([first]: Batch): void {
    this.reply ??= this.info.protocol.describe(first.response!)
  }
  onReplyPart(): number {
    return PART_TAKEN
  }
  onSilent(): void {
    this.ended = true
  }
  onPush(): void {}
  stop(): void {}
  go(): void {}
  fail(): void {
    this.ended = true
  }
  end(): void {
    this.ended = true
  }
  abort(): void {
    this.ended = true
  }
}

class Rehearsal {
  readonly env: BuildEnv
  readonly #checked: CheckedSource
  readonly #sim = new SimWorld({ seed: 1, tearChance: 0, turnMs: 0, timerLateMs: 0 })
  readonly #world: World
  readonly #branches: (Branch & { readonly stage: string })[] = []
  readonly #outside = new Map<string, string>()
  readonly #logged: string[] = []

  constructor(checked: CheckedSource) {
    this.#checked = checked
    const listen = () => Promise.reject(new Error('nobody can listen while a request is only explained'))
    const net = { connect() {}, listen }
    this.#world = { ...this.#sim.world, net, secure: () => net }
    this.env = {
      world: this.#world,
      metrics: new Registry(),
      logger: (target) => this.#log(target),
      dress: (kind) => this.#dress(kind),
    }
  }

  async run({ source }: BuiltSource, line: string): Promise<Explanation> {
    const { protocol, limits } = source
    if (protocol.typedRequest === undefined) throw new Error(`requests of ${this.#checked.type} can't be typed`)
    const request = protocol.typedRequest(line)
    const described = protocol.describe(request)
    const { stages } = source.chain
    const probes = stages.map(() => new Probe(protocol))
    const audience = new Audience(this.#session(protocol))
    const spec = {
      name: source.chain.name,
      stats: noStats(),
      stages: stages.flatMap((one, i) => [probes[i].stage, one]),
    }
    const chain = new Chain(spec, audience, this.#world, limits, this.#log('shotover::server'))
    chain.down([new Exchange(request, audience, AT_OWNER, this.#sim.nowMs)])
    const isOver = () =>
      audience.reply !== null || audience.ended || this.#branches.some(({ chain }) => chain === spec.name)
    await this.#sim.run(this.#sim.nowMs)
    for (let ms = 0; ms < PATIENCE_MS && !isOver(); ms += LOOK_MS) {
      await realTime(LOOK_MS)
      await this.#sim.run(this.#sim.nowMs + LOOK_MS)
    }
    // What somebody asks of his own there is nobody to answer: to let that wait end would tell nothing.
    const asks = probes.some(({ asked }) => asked.length > 0)
    if (!isOver() && !asks) await this.#sim.run(this.#sim.nowMs + limits.callTimeoutMs + 1)
    const explained = stages.map((stage, i) => this.#explainStage(i, stage, probes))
    chain.close()
    return {
      source: this.#checked.name,
      type: this.#checked.type,
      listen: this.#checked.listenText,
      request: described,
      stages: explained,
      reply: audience.reply,
      branches: this.#branches
        .filter((branch) => branch.chain !== spec.name)
        .map(({ chain, request, route }) => ({ chain, request, route })),
      logged: this.#logged,
    }
  }

  #explainStage(i: number, { type, name, stats }: StageSpec, probes: readonly Probe[]): StageExplanation {
    const above = probes[i]
    const below: Probe | undefined = probes[i + 1]
    const came = above.requests[0]
    const went = below?.requests[0]
    const branch = this.#branches.find(({ chain, stage }) => chain === this.#checked.name && stage === name)
    const reply = above.replies[0] ?? null
    const asks = below?.asked.filter((asked) => !above.asked.includes(asked)) ?? []
    let does: StageExplanation['does'] = 'keeps'
    if (came === undefined) does = 'unreached'
    else if ((stats?.failures ?? 0) > 0) does = 'fails'
    else if (branch !== undefined) does = 'sends'
    else if (went !== undefined) does = 'forwards'
    else if (reply !== null) does = 'answers'
    else if (asks.length > 0) does = 'asks'
    return {
      type,
      name,
      module: this.#checked.chain[i].module ?? null,
      does,
      request: went !== undefined && went !== came ? went : null,
      reply: reply === below?.replies[0] ? null : reply,
      asks,
      route: branch?.route ?? null,
      outside: this.#outside.get(`${type} ${name}`) ?? null,
    }
  }

  /** Sinks tell where they would send a request; what acts on the outside does nothing. */
  #dress(kind: TransformKind): TransformKind {
    const { route, outside, type } = kind
    if (outside !== undefined) {
      const create: TransformKind['create'] = (_options, { name }) => {
        this.#outside.set(`${type} ${name}`, outside)
        return () => ({ onRequests: (batch, link) => link.forward(batch) })
      }
      return { ...kind, create }
    }
    if (route === undefined) return kind
    const create: TransformKind['create'] = (options, { chain, name }) => {
      return (session) => {
        const routeOf = route.call(kind, options, session)
        const onRequests = (batch: Batch) => {
          for (const exchange of batch) {
            const request = session.protocol.describe(exchange.request)
            this.#branches.push({ chain, stage: name, request, route: routeOf(exchange) })
          }
        }
        return { holds: true, onRequests }
      }
    }
    return { ...kind, create }
  }

  #session(protocol: Protocol): SessionInfo {
    const { name, listen } = this.#checked
    return {
      id: 1,
      protocol,
      source: name,
      chain: name,
      clientAddress: '127.0.0.1',
      clientPort: 40_000,
      localAddress: listen.host,
      localPort: listen.port,
      log: this.#log('shotover::server'),
    }
  }

  #log(target: string): Log {
    const note = (level: string) => (message: string) => void this.#logged.push(`${level} ${target}: ${message}`)
    return { debug: note('DEBUG'), info: note('INFO'), warn: note('WARN'), error: note('ERROR') }
  }
}
