// Hot path
import { planOf, type StatementPlan } from './statement-plan.ts'
import type { ClusterView } from './view.ts'

/** Longer texts hardly come twice. */
const TEXT_BYTES_MAX = 4096
/** Texts that are kept for each keyspace, and keyspaces; the first is forgotten first. */
const TEXTS_MAX = 1000
const KEYSPACES_MAX = 32

/** Plans by text and keyspace, so that a statement that comes again is not parsed again. */
export class TextPlans {
  readonly #kept = new Map<string | null, Map<string, StatementPlan>>()

  /** That of the statement `bytes[start, end)`. `keyspace`: what names without one mean. */
  plan(bytes: Buffer, start: number, end: number, keyspace: string | null, view: ClusterView): StatementPlan {
    if (end - start > TEXT_BYTES_MAX) return planOf(bytes, start, end, keyspace, view)
    let texts = this.#kept.get(keyspace)
    if (texts === undefined) texts = this.#textsOf(keyspace)
    const text = bytes.toString('latin1', start, end)
    let plan = texts.get(text)
    if (plan === undefined) {
      plan = planOf(bytes, start, end, keyspace, view)
      texts.set(text, plan)
      if (texts.size > TEXTS_MAX) texts.delete(texts.keys().next().value!)
    }
    return plan
  }

  // Cold: once a keyspace
  #textsOf(keyspace: string | null): Map<string, StatementPlan> {
    const texts = new Map<string, StatementPlan>()
    this.#kept.set(keyspace, texts)
    if (this.#kept.size > KEYSPACES_MAX) this.#kept.delete(this.#kept.keys().next().value!)
    return texts
  }

  // Cold: the schema has changed
  clear(): void {
    this.#kept.clear()
  }
}
