import type { SimRandom } from '../../src/sim/random.ts'
import { Acts, type Act } from './acts.ts'
import { ClosedError, HardClient, Violation, type Reply } from './client.ts'
import { ERROR, KIND_NAMES, WAIT } from './format.ts'
import type { Swarm } from './swarm.ts'

export interface Habits {
  /** What it does, by name. */
  readonly acts: readonly Act[]
  readonly count: number
  /** Requests that it may have out at once. */
  readonly window: number
  readonly valueBytesMax: number
  readonly readsSlowly: boolean
  readonly ending: 'end' | 'half' | 'destroy'
}

/** Errors of the proxy's own: only a world that breaks things may bring them. */
const FAILURE = /^(unavailable|internal|timeout|overloaded): /

/** A client that does what its habits say, and judges every reply. */
export class HardSession {
  readonly client: HardClient
  readonly acts: Acts
  readonly #swarm: Swarm
  readonly #habits: Habits
  readonly #open = new Set<Promise<void>>()
  /** Why it did not come to its end, if it did not. */
  trouble: Error | null = null
  /** It closes, or asked to be closed. */
  leaving = false
  through = false

  constructor(swarm: Swarm, id: number, habits: Habits) {
    this.#swarm = swarm
    this.#habits = habits
    this.client = new HardClient(swarm.sim, swarm.order)
    this.acts = new Acts(this, swarm, id, habits.valueBytesMax)
  }

  get random(): SimRandom {
    return this.#swarm.sim.random
  }

  async run(): Promise<void> {
    try {
      await this.#connect()
      if (this.#habits.readsSlowly) this.#readSlowly()
      for (let i = 0; i < this.#habits.count && !this.client.closed && !this.leaving; i++) {
        while (this.client.outstanding >= this.#habits.window && this.#open.size > 0) await this.#some()
        await this.acts[this.random.pick(this.#habits.acts)]()
      }
      await this.#leave()
    } catch (error) {
      if (error instanceof ClosedError) await this.#closed(error)
      else this.trouble = error as Error
    }
    this.through = true
  }

  async #connect(): Promise<void> {
    for (;;) {
      try {
        await this.client.connect(this.#swarm.proxyAddress)
        return
      } catch (error) {
        if (!this.#swarm.faulty) throw error
        await this.#swarm.sleep(50)
      }
    }
  }

  /** Closed early: only a world that breaks things, or the session itself, may do that. */
  async #closed(error: Error): Promise<void> {
    await this.client.over
    if (!this.#swarm.faulty && !this.leaving) this.trouble = new Violation(`${error.message}: ${this.state}`)
  }

  async #leave(): Promise<void> {
    const { ending } = this.#habits
    if (this.leaving) await this.client.over
    else if (ending === 'destroy') {
      this.leaving = true
      this.client.connection.destroy()
    } else {
      if (ending === 'half') {
        // Whoever ends its side does not wait for what may never come.
        if (this.client.waitsFor.includes(WAIT)) this.leaving = true
        this.client.end()
      }
      while (this.#open.size > 0) await this.#some()
      if (ending === 'end') this.client.end()
      await this.client.over
    }
    if (ending !== 'destroy' && this.client.outstanding > 0) throw new ClosedError('closed with requests out')
  }

  async #some(): Promise<void> {
    await Promise.race(this.#open)
  }

  /** Judges a reply when it comes. */
  watch(reply: Promise<Reply>, judge: (reply: Reply) => void): Promise<void> {
    const watched = reply.then(judge)
    this.#open.add(watched)
    const done = () => void this.#open.delete(watched)
    watched.then(done, (error: unknown) => {
      done()
      if (!(error instanceof ClosedError)) this.trouble ??= error as Error
    })
    return watched
  }

  /** Everything that is out is answered. */
  async quiet(): Promise<void> {
    while (this.#open.size > 0) await this.#some()
    if (this.client.closed) throw new ClosedError('closed')
  }

  /** Is it one of the proxy's failures, rightly? */
  failed(reply: Reply): boolean {
    if (reply.kind !== ERROR || !FAILURE.test(reply.text)) return false
    if (!this.#swarm.faulty) throw new Violation(`nothing was broken, but: ${reply.text}`)
    return true
  }

  expect(reply: Reply, kind: number, text: string | null, what: string): void {
    if (reply.kind !== kind || (text !== null && reply.text !== text))
      throw new Violation(
        `to ${what}: expected ${KIND_NAMES[kind]} ${text?.slice(0, 40)}, got ${KIND_NAMES[reply.kind]} ${reply.text.slice(0, 60)}`,
      )
  }

  get state(): string {
    const out = this.client.waitsFor.map((kind) => KIND_NAMES[kind]).join()
    return `session ${this.acts.id} (${JSON.stringify(this.#habits)}), closed ${this.client.closed}, waits for ${out}`
  }

  #readSlowly(): void {
    const { sim } = this.#swarm
    const step = () => {
      if (this.client.closed) return
      this.client.connection.pause()
      sim.schedule.add(sim.nowMs + sim.random.next() * 30, () => {
        this.client.connection.resume()
        sim.schedule.add(sim.nowMs + sim.random.next() * 3, step)
      })
    }
    step()
  }
}
