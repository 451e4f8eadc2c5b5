import type { Timer } from '../../../world/world.ts'
import type { Session } from './session.ts'
import type { Database } from './store.ts'

/** A client that waits for one of some keys. */
export interface Wait {
  readonly database: number
  readonly keys: readonly string[]
  /** Tries to answer from `key`; false: it holds nothing of use. */
  serve(key: string): boolean
  /** Answers that nothing came. */
  timedOut(): void
}

/** Clients that block, by key, in the order in which they came. */
export class Waiting {
  readonly #queues = new Map<string, Set<Session>>()
  readonly #timers = new Map<Session, Timer>()
  #ready = new Set<string>()

  static #place(database: number, key: string): string {
    return `${database}:${key}`
  }

  get count(): number {
    return new Set([...this.#queues.values()].flatMap((queue) => [...queue])).size
  }

  add(session: Session, wait: Wait, timer: Timer | null): void {
    session.blocked = wait
    if (timer !== null) this.#timers.set(session, timer)
    for (const key of wait.keys) {
      const place = Waiting.#place(wait.database, key)
      const queue = this.#queues.get(place)
      if (queue === undefined) this.#queues.set(place, new Set([session]))
      else queue.add(session)
    }
  }

  remove(session: Session): void {
    const wait = session.blocked
    if (wait === null) return
    this.#timers.get(session)?.cancel()
    this.#timers.delete(session)
    for (const key of wait.keys) {
      const place = Waiting.#place(wait.database, key)
      const queue = this.#queues.get(place)
      queue?.delete(session)
      if (queue?.size === 0) this.#queues.delete(place)
    }
  }

  touched(database: Database, key: string): void {
    const place = Waiting.#place(database.index, key)
    if (this.#queues.has(place)) this.#ready.add(place)
  }

  /** Answers whoever can be answered now. Called between commands. */
  serve(): void {
    while (this.#ready.size > 0) {
      const ready = this.#ready
      this.#ready = new Set()
      for (const place of ready) this.#serveKey(place)
    }
  }

  #serveKey(place: string): void {
    const key = place.slice(place.indexOf(':') + 1)
    for (const session of [...(this.#queues.get(place) ?? [])]) {
      if (!session.blocked!.serve(key)) continue
      this.remove(session)
      session.unblocked()
    }
  }
}
