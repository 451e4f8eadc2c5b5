import type { Session } from './session.ts'
import type { Database } from './store.ts'

/** Keys that sessions WATCH. */
export class Watching {
  readonly #watchers = new Map<string, Set<Session>>()
  readonly #watched = new Map<Session, Set<string>>()

  add(session: Session, database: number, key: string): void {
    const place = `${database}:${key}`
    const watchers = this.#watchers.get(place)
    if (watchers === undefined) this.#watchers.set(place, new Set([session]))
    else watchers.add(session)
    const watched = this.#watched.get(session)
    if (watched === undefined) this.#watched.set(session, new Set([place]))
    else watched.add(place)
  }

  /** UNWATCH, and what EXEC and DISCARD do. */
  clear(session: Session): void {
    session.watchBroken = false
    for (const place of this.#watched.get(session) ?? []) {
      const watchers = this.#watchers.get(place)!
      watchers.delete(session)
      if (watchers.size === 0) this.#watchers.delete(place)
    }
    this.#watched.delete(session)
  }

  /** Number of keys that the session watches, and the expired ones among them count as touched. */
  check(session: Session, databases: readonly Database[]): void {
    for (const place of this.#watched.get(session) ?? []) {
      const at = place.indexOf(':')
      databases[Number(place.slice(0, at))]!.get(place.slice(at + 1))
    }
  }

  touched(database: Database, key: string): void {
    for (const session of this.#watchers.get(`${database.index}:${key}`) ?? []) session.watchBroken = true
  }
}
