import type { ClusterSession, Guide } from '../../src/core/cluster-session.ts'
import type { Member } from '../../src/core/cluster.ts'
import type { Exchange } from '../../src/core/exchange.ts'
import { ERROR, HELLO, SWITCH, USE } from './format.ts'
import { payloadOf } from './protocol.ts'
import type { HardSharing } from './sharing.ts'

const ALONE: ReadonlySet<number> = new Set([HELLO, SWITCH, USE])

/**
 * A cluster of the hard protocol: what a request is about is at home on one server, by its first character. Where that can't be reached
 * another one does; where a server has not found something the next one is asked.
 */
export class HardGuide implements Guide {
  readonly sharing: HardSharing
  readonly held = 0
  readonly cancelled: Exchange[] = []
  readonly #members: readonly Member[]
  readonly #session: ClusterSession
  readonly #asked = new WeakMap<Exchange, Set<Member>>()

  constructor(members: readonly Member[], sharing: HardSharing, session: ClusterSession) {
    this.#members = members
    this.sharing = sharing
    this.#session = session
  }

  isAlone({ request }: Exchange): boolean {
    return ALONE.has(request.kind)
  }

  place(exchange: Exchange): Member | null {
    const home = this.#members[(payloadOf(exchange.request).charCodeAt(0) || 0) % this.#members.length]!
    if (home.isUp) return home
    home.revive(this.sharing)
    return this.#members.find(({ isUp }) => isUp) ?? home
  }

  elsewhere(_exchange: Exchange, tried: ReadonlySet<Member>): Member | null {
    return this.#members.find((member) => !tried.has(member)) ?? null
  }

  unreachable(): string | null {
    return 'nobody is there'
  }

  takesReply(exchange: Exchange, member: Member): boolean {
    if (exchange.response!.kind !== ERROR || payloadOf(exchange.response!) !== 'not found') return false
    let asked = this.#asked.get(exchange)
    if (asked === undefined) this.#asked.set(exchange, (asked = new Set()))
    const next = this.#members.find((other) => other !== member && other.isUp && !asked.has(other))
    if (next === undefined) return false
    asked.add(member)
    this.#session.resend(exchange, next)
    return true
  }

  cancel(exchange: Exchange): void {
    this.cancelled.push(exchange)
  }

  close(): void {}
}
