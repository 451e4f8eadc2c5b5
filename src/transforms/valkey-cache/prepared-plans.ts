import type { Plan } from './plan.ts'

/** Statements that are kept; the one that was used least lately is forgotten first. */
const PLANS_MAX = 20_000

/** What was prepared through this thread, by the id that the server gave it. */
export class PreparedPlans {
  readonly #plans = new Map<string, Plan>()

  learn(id: Buffer, plan: Plan): void {
    this.#set(id.toString('latin1'), plan)
  }

  /** Null: nobody prepared it here, or it was forgotten. */
  find(id: Buffer): Plan | null {
    const key = id.toString('latin1')
    const plan = this.#plans.get(key)
    if (plan === undefined) return null
    if (this.#plans.size > PLANS_MAX / 2) this.#set(key, plan)
    return plan
  }

  #set(key: string, plan: Plan): void {
    this.#plans.delete(key)
    this.#plans.set(key, plan)
    if (this.#plans.size > PLANS_MAX) this.#plans.delete(this.#plans.keys().next().value!)
  }
}
