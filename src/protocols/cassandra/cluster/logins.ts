import type { Login } from '../greeting.ts'

/** So many are kept. */
const LOGINS_MAX = 4

/** With what clients came in, for the proxy's own connection. Kept in memory only. */
export class Logins {
  /** The one that is most likely to be good comes first. */
  #logins: Login[] = []

  get all(): readonly Login[] {
    return this.#logins
  }

  /** A server has just let a client in with this. True: it was not known. */
  add(login: Login): boolean {
    // This is asked once a session: most come in with the same.
    if (this.#logins.length > 0 && isSame(this.#logins[0]!, login)) return false
    const others = this.#logins.filter((known) => !isSame(known, login))
    const isNew = others.length === this.#logins.length
    this.#logins = [login, ...others].slice(0, LOGINS_MAX)
    return isNew
  }

  /** A server has refused it: others come first. */
  refused(login: Login): void {
    this.#logins = [...this.#logins.filter((known) => known !== login), login]
  }
}

function isSame(a: Login, b: Login): boolean {
  return a.version === b.version && isEqual(a.startup, b.startup) && isEqual(a.token, b.token)
}

function isEqual(a: Buffer | null, b: Buffer | null): boolean {
  return a === null || b === null ? a === b : a.equals(b)
}
