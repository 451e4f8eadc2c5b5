interface Sent {
  readonly place: string
  readonly user: string
  readonly version: number
}

/** What must hold of the writes of a whole run, from both ends. */
export class CassandraChecks {
  /** Something may break: then requests may fail. */
  faulty: boolean
  readonly #sent = new Map<string, Sent>()
  readonly #executed = new Set<string>()
  readonly #settled = new Set<string>()

  constructor(faulty: boolean) {
    this.faulty = faulty
  }

  get sentCount(): number {
    return this.#sent.size
  }

  get executedCount(): number {
    return this.#executed.size
  }

  /** A client is about to write the value that `tag` begins. */
  sent(tag: string, write: Sent): void {
    this.#sent.set(tag, write)
  }

  /** The write was answered. */
  settled(tag: string): void {
    this.#settled.add(tag)
  }

  /** The server executes a write: as who its client is, where that client meant it, and once. */
  executed(user: string, version: number, place: string, value: string): void {
    const tag = value.slice(0, value.indexOf(':'))
    const sent = this.#sent.get(tag)
    if (sent === undefined) throw new Error(`${tag} was executed and never sent`)
    if (this.#executed.has(tag)) throw new Error(`${tag} was executed twice`)
    this.#executed.add(tag)
    if (sent.place !== place) throw new Error(`${tag} for ${sent.place} was written to ${place}`)
    if (sent.user !== user) throw new Error(`${tag} of ${sent.user} was written by ${user}`)
    if (sent.version !== version) throw new Error(`${tag} of version ${sent.version} came with version ${version}`)
  }

  /** What shows only at the end. */
  finish(): void {
    for (const tag of this.#settled)
      if (!this.#executed.has(tag)) throw new Error(`${tag} was answered and never executed`)
  }
}
