// Hot path
import type { ClusterSession, Guide } from '../../../core/cluster-session.ts'
import type { Member } from '../../../core/cluster.ts'
import type { Exchange } from '../../../core/exchange.ts'
import type { Frame } from '../../../core/frame.ts'
import { responseFrame, versionOf } from '../envelope.ts'
import { unprepared } from '../failure.ts'
import { prepared } from '../index.ts'
import {
  AUTH_RESPONSE,
  BATCH,
  ERROR,
  EXECUTE,
  PREPARE,
  QUERY,
  READY,
  REGISTER,
  RESULT,
  RESULT_SCHEMA_CHANGE,
  STARTUP,
} from '../opcodes.ts'
import { resultKind, unpreparedId } from '../result.ts'
import { CassandraSharing } from '../sharing.ts'
import { agreement } from './agreement.ts'
import { fleetAnswer } from './fleet-answer.ts'
import type { Hub } from './hub.ts'
import { pickAny, pickUp } from './places.ts'
import { ROUTE_CONTROL, ROUTE_KEYED } from './routing.ts'
import { eventsAskedFor, Subscription } from './subscription.ts'
import { systemQuery } from './system-tables.ts'

const EMPTY = Buffer.alloc(0)
const NO_REPLICA = 'Internal shotover error: Failed to open a connection to any replicas of a specific token'

/** Decides, for one session, which node each of its requests is for. */
export class CassandraGuide implements Guide {
  readonly sharing: CassandraSharing
  readonly #hub: Hub
  readonly #session: ClusterSession
  /** Where everything goes that is not for particular nodes alone; null: nowhere yet. */
  #control: Member | null = null
  /** The request that was placed last is such a one. */
  #isControl = false
  /** Whether the request that was looked at last changes the session. */
  #judged: Exchange | null = null
  #isChange = false
  readonly #held = new Set<Exchange>()
  /** Ids that a node was asked to prepare for a request, one after the other. */
  readonly #prepared = new WeakMap<Exchange, Set<string>>()
  /** Null: the client wants no events. */
  #subscription: Subscription | null = null
  /** Of the replicas that a request is for, those that are as near. */
  readonly #near: Member[] = []

  constructor(hub: Hub, session: ClusterSession) {
    this.#hub = hub
    this.#session = session
    this.sharing = new CassandraSharing((key) => hub.cluster.hasReady(key), prepared)
  }

  get held(): number {
    return this.#held.size
  }

  isAlone(exchange: Exchange): boolean {
    this.#judged = exchange
    this.#isChange = this.sharing.isChange(exchange)
    return this.#isChange
  }

  place(exchange: Exchange): Member | null {
    const { request } = exchange
    if (request.kind === REGISTER && this.sharing.isStarted) {
      this.#register(exchange)
      return null
    }
    const member = this.#choose(exchange, null)
    this.#judged = null
    if (!this.#isControl && this.#hub.router.isUnknown && this.#hasPrepared(exchange)) return null
    const mayBeWhole = this.#isControl || request.kind === PREPARE
    if (mayBeWhole && this.#takesWhole(exchange, member!)) return null
    return exchange.requestParts !== null && this.#preparesFirst(exchange, member!) ? null : member
  }

  elsewhere(exchange: Exchange, tried: ReadonlySet<Member>): Member | null {
    return this.#choose(exchange, tried)
  }

  #choose(exchange: Exchange, tried: ReadonlySet<Member> | null): Member | null {
    const { places, router } = this.#hub
    const isChange = exchange === this.#judged ? this.#isChange : this.sharing.isChange(exchange)
    this.#isControl = places === null || !this.sharing.isStarted || isChange
    if (this.#isControl) return this.#toControl(tried)
    const route = router.route(exchange.request, this.sharing.keyspace, places!.view)
    this.#isControl = route === ROUTE_CONTROL
    if (this.#isControl) return this.#toControl(tried)
    return (route === ROUTE_KEYED ? this.#toReplica(tried) : null) ?? this.#toAny(tried)
  }

  #toReplica(tried: ReadonlySet<Member> | null): Member | null {
    const { places, router, env, outOfRack } = this.#hub
    const near = this.#near
    near.length = 0
    places!.select(router.replicas, true, near)
    const member = pickUp(near, tried, this.sharing, env.world.random)
    if (member !== null) return member
    near.length = 0
    places!.select(router.replicas, false, near)
    const other = pickUp(near, tried, this.sharing, env.world.random)
    if (other !== null) outOfRack.add(1)
    return other
  }

  /** A node that is up, of the rack if there is one; where there is none at all, one that may be. */
  #toAny(tried: ReadonlySet<Member> | null): Member | null {
    const { inRack, outOfRack } = this.#hub.places!
    const { random } = this.#hub.env.world
    return (
      pickUp(inRack, tried, this.sharing, random) ??
      pickUp(outOfRack, tried, this.sharing, random) ??
      pickAny(inRack, tried, random) ??
      pickAny(outOfRack, tried, random)
    )
  }

  #toControl(tried: ReadonlySet<Member> | null): Member | null {
    const control = this.#control
    // Who began to say who he is goes on where he did.
    if (control !== null && tried === null && (this.#isGood(control) || !this.sharing.isStarted)) return control
    const next = this.#hub.places === null ? this.#contactPoint(tried) : this.#toAny(tried)
    if (next !== null) this.#control = next
    return next
  }

  /** It is up, and in the rack unless nobody there is. */
  #isGood(control: Member): boolean {
    const { places } = this.#hub
    if (!control.isUp || places === null || places.isInRack(control)) return control.isUp
    for (let i = 0; i < places.inRack.length; i++) if (places.inRack[i]!.isUp) return false
    return places.has(control)
  }

  /** The first that is up and was not tried, or the first that was not. */
  // Cold: until the cluster is known
  #contactPoint(tried: ReadonlySet<Member> | null): Member | null {
    const left = this.#hub.contactPoints.filter((member) => tried?.has(member) !== true)
    return left.find(({ isUp }) => isUp) ?? left[0] ?? null
  }

  unreachable(exchange: Exchange): string | null {
    if (!this.sharing.isStarted) return null
    const { places, router, fleet } = this.#hub
    const isKeyed =
      places !== null && router.route(exchange.request, this.sharing.keyspace, places.view) === ROUTE_KEYED
    const { rack } = fleet.local
    return isKeyed
      ? NO_REPLICA
      : `Internal shotover error: Failed to open a connection to any nodes in the rack ${JSON.stringify(rack)}`
  }

  takesReply(exchange: Exchange, member: Member): boolean {
    const { kind } = exchange.request
    if (kind === EXECUTE || kind === BATCH)
      return exchange.response!.kind === ERROR && this.#takesUnprepared(exchange, member)
    if (kind === QUERY)
      return this.#hub.looksAlone && changesSchema(exchange.response!) && this.#takesSchemaChange(exchange, member)
    if ((kind === STARTUP || kind === AUTH_RESPONSE) && this.sharing.isStarted)
      this.#hub.topology.loggedIn(this.sharing.login, member.endpoint)
    return false
  }

  /**
   * Another thread or proxy saw it prepared: its client is told to prepare it here as well. Where it goes, and whether it asks for the nodes,
   * is not known before.
   */
  // Cold: once a statement
  #hasPrepared(exchange: Exchange): boolean {
    const { request } = exchange
    if (exchange.requestParts !== null || !this.#hub.statements.wants(request)) return false
    const reply = unprepared(request)
    if (reply === null) return false
    this.#hub.env.log.info('forcing re-prepare of a statement that was prepared elsewhere')
    this.#session.reply(exchange, reply)
    return true
  }

  /** Drivers that see one node, which is the proxy, do not wait until others have its schema: their next statement would find nothing there. */
  // Cold: where the schema was changed
  #takesSchemaChange(exchange: Exchange, member: Member): boolean {
    const told = exchange.response!.own()
    this.#held.add(exchange)
    const pass = () => {
      if (this.#held.delete(exchange)) this.#session.reply(exchange, told)
    }
    agreement(this.#hub, this.sharing, member).then(pass, pass)
    return true
  }

  /** A node that has not seen a statement is shown it, and asked again. */
  // Cold: once a statement and node
  #takesUnprepared(exchange: Exchange, member: Member): boolean {
    const id = unpreparedId(exchange.response!)
    const statement = id === null ? null : this.#hub.statements.find(id)
    if (statement === null || exchange.requestParts !== null) return false
    let prepared = this.#prepared.get(exchange)
    if (prepared === undefined) this.#prepared.set(exchange, (prepared = new Set()))
    const name = `${member.slot} ${statement.id.toString('latin1')}`
    if (prepared.has(name)) return false
    prepared.add(name)
    const told = exchange.response!.own()
    this.#held.add(exchange)
    this.#hub.prepareOn(member, statement, this.sharing).then(
      (isPrepared) => {
        if (!this.#held.delete(exchange)) return
        const { statements } = this.#hub
        // Its client has to prepare it anew, too, where it would misread the rows; and finds it prepared when it comes back.
        const isMisread =
          exchange.request.kind === EXECUTE && versionOf(exchange.request) < 5 && statements.isChanged(statement)
        if (isPrepared && !isMisread) this.#session.resend(exchange, member)
        else this.#session.reply(exchange, told)
      },
      () => {
        prepared.delete(name)
        if (this.#held.delete(exchange)) this.#session.resend(exchange, null)
      },
    )
    return true
  }

  /** Is it one whose answer the proxy must see whole? */
  // Cold: what a driver asks when it connects, and once a statement
  #takesWhole(exchange: Exchange, member: Member): boolean {
    const { request } = exchange
    const { keyspace, isStarted } = this.sharing
    if (!isStarted || exchange.requestParts !== null) return false
    const { statements } = this.#hub
    if (request.kind === PREPARE) {
      this.#askWhole(exchange, member, async (node) => {
        const reply = await this.#hub.askOn(node, this.sharing.within(keyspace), request)
        statements.learn(request, reply, keyspace)
        return reply
      })
      return true
    }
    const asked = this.#isControl ? systemQuery(request, keyspace, statements) : null
    if (asked === null) return false
    // It is about the nodes: the client is answered with the proxies in their place.
    this.#askWhole(exchange, member, (node) => fleetAnswer(this.#hub, this.sharing, node, request, asked))
    return true
  }

  /** Answers with what `ask` gets of the node, or of another one. */
  // Cold: what a driver asks when it connects, and once a statement
  #askWhole(exchange: Exchange, member: Member, ask: (member: Member) => Promise<Frame>): void {
    exchange.request.own()
    this.#held.add(exchange)
    const tried = new Set<Member>()
    const askAt = (node: Member) => {
      tried.add(node)
      ask(node).then(
        (answer) => {
          if (this.#held.delete(exchange)) this.#session.reply(exchange, answer)
        },
        (error: Error) => {
          if (!this.#held.has(exchange)) return
          const next = this.#choose(exchange, tried)
          if (next !== null) askAt(next)
          else if (this.#held.delete(exchange)) this.#session.unreachable(exchange, error)
        },
      )
    }
    askAt(member)
  }

  /** What comes in parts can't be sent twice: its node is shown the statements first. */
  // Cold: large requests
  #preparesFirst(exchange: Exchange, member: Member): boolean {
    const statements = this.#hub.statements.inside(exchange.request)
    if (statements.length === 0) return false
    exchange.request.own()
    this.#held.add(exchange)
    Promise.all(statements.map((statement) => this.#hub.prepareOn(member, statement, this.sharing))).then(
      () => {
        if (this.#held.delete(exchange)) this.#session.send(exchange, member)
      },
      (error: Error) => {
        if (this.#held.delete(exchange)) this.#session.sendElsewhere(exchange, member, error)
      },
    )
    return true
  }

  /** Events come from the proxy: no node has to know who wants them. */
  // Cold: once a session
  #register(exchange: Exchange): void {
    const { request } = exchange
    const version = versionOf(request)
    const events = eventsAskedFor(request)
    if (events === null) {
      this.#session.send(exchange, this.#toControl(null)!)
      return
    }
    request.own()
    this.#held.add(exchange)
    this.#hub.whenKnown(() => {
      if (!this.#held.delete(exchange)) return
      this.#subscription ??= new Subscription(version, (event) => this.#session.push(event))
      this.#subscription.add(events)
      this.#hub.subscriptions.add(this.#subscription)
      this.#session.reply(exchange, responseFrame(version, request.stream, READY, EMPTY))
    })
  }

  cancel(exchange: Exchange): void {
    this.#held.delete(exchange)
  }

  close(): void {
    if (this.#subscription !== null) this.#hub.subscriptions.delete(this.#subscription)
    this.#held.clear()
  }
}

function changesSchema(reply: Frame): boolean {
  return reply.kind === RESULT && reply.whole && resultKind(reply) === RESULT_SCHEMA_CHANGE
}
