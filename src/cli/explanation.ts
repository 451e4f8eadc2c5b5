import { setTimeout as realTime } from 'node:timers/promises'
import { buildTopology, type BuildEnv, type BuiltSource, type ChainObserver } from '../config/build.ts'
import type { CheckedSource, CheckedTransform } from '../config/checked.ts'
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

/** What a chain within a transform would do with what came to it. */
export interface ChainExplanation {
  readonly chain: string
  readonly request: string
  readonly stages: readonly StageExplanation[]
}

export interface Explanation {
  readonly source: string
  readonly type: string
  readonly listen: string
  readonly request: string
  readonly stages: readonly StageExplanation[]
  /** What the client gets, where no server has to be asked for it. */
  readonly reply: string | null
  /** Chains within that something came to. */
  readonly within: readonly ChainExplanation[]
  readonly logged: readonly string[]
}

/** Real time for what a transform waits for outside its world. */
const PATIENCE_MS = 1000
const LOOK_MS = 10
/** Simulated time in which copies that nobody waits for have left. */
const GATHER_MS = 20

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

  constructor() {
    const factory: SessionFactory = ({ protocol }) => ({
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

/** A chain, with a probe above each stage. */
interface Probed {
  readonly name: string
  readonly checked: readonly CheckedTransform[]
  readonly stages: readonly StageSpec[]
  readonly probes: readonly Probe[]
}

class Rehearsal {
  readonly env: BuildEnv
  readonly #checked: CheckedSource
  readonly #sim = new SimWorld({ seed: 1, tearChance: 0, turnMs: 0, timerLateMs: 0 })
  readonly #world: World
  readonly #chains: Probed[] = []
  readonly #routes: { readonly chain: string; readonly stage: string; readonly route: Route }[] = []
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
      observe: () => this.#observer,
    }
  }

  readonly #observer: ChainObserver = {
    dress: (name, checked, stages) => {
      const probes = stages.map(() => new Probe())
      this.#chains.push({ name, checked, stages, probes })
      return stages.flatMap((stage, i) => [probes[i].stage, stage])
    },
    within: () => this.#observer,
  }

  async run({ source }: BuiltSource, line: string): Promise<Explanation> {
    const { protocol, limits } = source
    if (protocol.typedRequest === undefined) throw new Error(`requests of ${this.#checked.type} can't be typed`)
    const request = protocol.typedRequest(line)
    const described = protocol.describe(request)
    const audience = new Audience(this.#session(protocol))
    const spec = { ...source.chain, stats: noStats() }
    const main = this.#chains.find(({ name }) => name === spec.name)!
    const chain = new Chain(spec, audience, this.#world, limits, this.#log('shotover::server'))
    chain.down([new Exchange(request, audience, AT_OWNER, this.#sim.nowMs)])
    const isOver = () =>
      audience.reply !== null || audience.ended || this.#routes.some(({ chain }) => chain === spec.name)
    await this.#sim.run(this.#sim.nowMs)
    for (let ms = 0; ms < PATIENCE_MS && !isOver(); ms += LOOK_MS) {
      await realTime(LOOK_MS)
      await this.#sim.run(this.#sim.nowMs + LOOK_MS)
    }
    // What somebody asks of his own there is nobody to answer: to let that wait end would tell nothing.
    const asks = main.probes.some(({ asked }) => asked.length > 0)
    if (isOver()) await this.#sim.run(this.#sim.nowMs + GATHER_MS)
    else if (!asks) await this.#sim.run(this.#sim.nowMs + limits.callTimeoutMs + 1)
    const explained = this.#explain(main)
    const within = this.#chains
      .filter((one) => one !== main && one.probes[0].requests.length > 0)
      .map((one) => ({ chain: one.name, request: one.probes[0].requests[0], stages: this.#explain(one) }))
    // How it ends is of no interest.
    const logged = [...this.#logged]
    chain.close()
    return {
      source: this.#checked.name,
      type: this.#checked.type,
      listen: this.#checked.listenText,
      request: described,
      stages: explained,
      reply: audience.reply,
      within,
      logged,
    }
  }

  #explain(chain: Probed): StageExplanation[] {
    return chain.stages.map((stage, i) => this.#explainStage(i, stage, chain))
  }

  #explainStage(
    i: number,
    { type, name, stats }: StageSpec,
    { name: chain, checked, probes }: Probed,
  ): StageExplanation {
    const above = probes[i]
    const below: Probe | undefined = probes[i + 1]
    const came = above.requests[0]
    const went = below?.requests[0]
    const route = this.#routes.find((one) => one.chain === chain && one.stage === name)?.route ?? null
    const reply = above.replies[0] ?? null
    const asks = below?.asked.filter((asked) => !above.asked.includes(asked)) ?? []
    let does: StageExplanation['does'] = 'keeps'
    if (came === undefined) does = 'unreached'
    else if ((stats?.failures ?? 0) > 0) does = 'fails'
    else if (route !== null) does = 'sends'
    else if (went !== undefined) does = 'forwards'
    else if (reply !== null) does = 'answers'
    else if (asks.length > 0) does = 'asks'
    return {
      type,
      name,
      module: checked[i].module ?? null,
      does,
      request: went !== undefined && went !== came ? went : null,
      reply: reply === below?.replies[0] ? null : reply,
      asks,
      route,
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
          for (const exchange of batch) this.#routes.push({ chain, stage: name, route: routeOf(exchange) })
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
