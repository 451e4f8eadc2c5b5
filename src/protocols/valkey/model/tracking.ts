import type { Session } from './session.ts'

/** Which sessions with CLIENT TRACKING may have which keys cached. */
export class TrackingTable {
  readonly #readers = new Map<string, Set<number>>()
  readonly #broadcasters = new Set<Session>()

  start(session: Session): void {
    if (session.tracking!.broadcast) this.#broadcasters.add(session)
  }

  stop(session: Session): void {
    this.#broadcasters.delete(session)
    session.tracking = null
  }

  /** A tracking session has read these keys. */
  read(session: Session, keys: readonly string[]): void {
    const tracking = session.tracking!
    if (tracking.broadcast) return
    if (tracking.optIn && tracking.caching !== true) return
    if (tracking.optOut && tracking.caching === false) return
    for (const key of keys) {
      const readers = this.#readers.get(key)
      if (readers === undefined) this.#readers.set(key, new Set([session.id]))
      else readers.add(session.id)
    }
  }

  /** Tells whoever may have `key` that it changed; `writer` is whose command did it. */
  touched(key: string, writer: Session | null, sessions: ReadonlyMap<number, Session>): void {
    const readers = this.#readers.get(key)
    this.#readers.delete(key)
    for (const id of readers ?? []) {
      const session = sessions.get(id)
      if (session?.tracking && !session.tracking.broadcast) this.#tell(session, key, writer, sessions)
    }
    for (const session of this.#broadcasters) {
      const { prefixes } = session.tracking!
      if (prefixes.length === 0 || prefixes.some((prefix) => key.startsWith(prefix)))
        this.#tell(session, key, writer, sessions)
    }
  }

  #tell(session: Session, key: string, writer: Session | null, sessions: ReadonlyMap<number, Session>): void {
    const { redirect, noLoop } = session.tracking!
    if (noLoop && session === writer) return
    const target = redirect === 0 ? session : sessions.get(redirect)
    if (target === undefined) return
    const { replies } = target
    if (replies.version === 3)
      target.push(2, () => {
        replies.bulk('invalidate')
        replies.bulks([key])
      })
    else if (redirect !== 0 && target.channels.has('__redis__:invalidate'))
      target.push(3, () => {
        replies.bulk('message')
        replies.bulk('__redis__:invalidate')
        replies.bulks([key])
      })
  }
}
