import { NO_PARAMETERS, type Request } from '../protocols/cassandra/body/requests.ts'
import type { Response } from '../protocols/cassandra/body/responses.ts'
import { ModelClient, ModelClosed, type ModelClientOptions } from '../protocols/cassandra/model/client.ts'
import type { Address } from '../world/world.ts'
import type { CacheChecks } from './cache-checks.ts'
import type { SimWorld } from './world.ts'

export const CACHED_KEYSPACES = ['ks0', 'Ks2']
const KEYS = 3
const ERROR_UNPREPARED = 0x2500
/** Times that a stage is made anew in one run. */
export const RENEWALS_MAX = 3

export interface CacheHabits extends ModelClientOptions {
  readonly acts: number
  /** Requests that it may have out at once. */
  readonly window: number
  /** How likely an act is a write. */
  readonly writes: number
  readonly valueBytesMax: number
  /** Longest time that a request may take, in milliseconds. */
  readonly replyMsMax: number
  readonly ending: 'end' | 'destroy'
}

/** A client of a cache in front of Cassandra. It shares its rows with all others, and judges what it reads by what all were told. */
export class CacheSession {
  readonly client: ModelClient
  readonly #sim: SimWorld
  readonly #checks: CacheChecks
  readonly #id: number
  readonly #habits: CacheHabits
  readonly #open = new Set<Promise<void>>()
  readonly #prepared = new Map<string, Buffer>()
  #keyspace = ''
  #written = 0
  through = false
  trouble: Error | null = null

  constructor(sim: SimWorld, checks: CacheChecks, id: number, habits: CacheHabits) {
    this.#sim = sim
    this.#checks = checks
    this.#id = id
    this.#habits = habits
    this.client = new ModelClient(sim.world, habits)
  }

  get state(): string {
    return `session ${this.#id} (${JSON.stringify(this.#habits)}): ${this.#open.size} acts under way`
  }

  async run(address: Address): Promise<void> {
    try {
      await this.client.connect(address)
      const granted = await this.client.start()
      if (granted.type !== 'ready') this.#judge('STARTUP', granted)
      await this.#use()
      for (let i = 0; i < this.#habits.acts && !this.client.closed && this.trouble === null; i++) {
        while (this.#open.size >= this.#habits.window) await Promise.race(this.#open)
        if (this.#sim.random.chance(0.03)) await this.#use()
        this.#start(this.#act())
      }
      if (this.#habits.ending === 'end') await this.#quiet()
    } catch (error) {
      if (!(error instanceof ModelClosed)) this.trouble = error as Error
      else if (!this.#checks.mayFail) this.trouble = new Error(`closed although nothing was broken: ${this.state}`)
    } finally {
      if (this.#habits.ending === 'destroy' || this.trouble !== null) this.client.destroy()
      else this.client.end()
      this.through = true
    }
  }

  #start(act: Promise<void>): void {
    const watched: Promise<void> = act
      .catch((error: unknown) => {
        if (!(error instanceof ModelClosed)) this.trouble ??= error as Error
      })
      .then(() => void this.#open.delete(watched))
    this.#open.add(watched)
  }

  async #quiet(): Promise<void> {
    while (this.#open.size > 0) await Promise.race(this.#open)
  }

  async #use(): Promise<void> {
    await this.#quiet()
    const keyspace = this.#sim.random.pick(CACHED_KEYSPACES)
    const reply = await this.client.ask(query(`USE "${keyspace}"`))
    if (reply.type === 'set-keyspace') this.#keyspace = keyspace
    else this.#judge('USE', reply)
  }

  #act(): Promise<void> {
    const { random } = this.#sim
    const isQualified = this.#keyspace === '' || random.chance(0.2)
    const keyspace = isQualified ? random.pick(CACHED_KEYSPACES) : this.#keyspace
    const table = isQualified ? `"${keyspace}".t` : 't'
    const key = `k${random.below(KEYS)}`
    const place = `${keyspace}/${key}`
    if (!random.chance(this.#habits.writes)) return this.#read(place, key, table)
    const draw = random.next()
    if (draw < 0.75) return this.#put(place, key, table)
    if (draw < 0.95) return this.#remove(place, table, `DELETE FROM ${table} WHERE k = '${key}'`)
    return this.#remove(place, table, `TRUNCATE ${table}`)
  }

  async #put(place: string, key: string, table: string): Promise<void> {
    const { random } = this.#sim
    const tag = `s${this.#id}.${this.#written++}`
    const value = tag.padEnd(Math.floor(random.next() ** 3 * this.#habits.valueBytesMax), '.')
    const begun = this.#checks.writes(place)
    const draw = random.next()
    const ask =
      draw < 0.4
        ? this.#askWith(`UPDATE ${table} SET v = `, [value, key], ' WHERE k = ')
        : this.#askWith(`INSERT INTO ${table} (k, v) VALUES (`, [key, value], ', ', draw < 0.45 ? ') USING TTL 1' : ')')
    const reply = await this.#timed(ask)
    if (reply.type === 'void') this.#checks.wrote(begun, value)
    else this.#judge('a write', reply)
  }

  async #remove(place: string, table: string, text: string): Promise<void> {
    const begun = this.#checks.writes(place)
    const reply = await this.#timed(this.client.ask(query(text)))
    if (reply.type === 'void') this.#checks.wrote(begun, null)
    else this.#judge(table, reply)
  }

  async #read(place: string, key: string, table: string): Promise<void> {
    const begun = this.#checks.reads(place)
    const reply = await this.#timed(this.#askWith(`SELECT v FROM ${table} WHERE k = `, [key], '', ''))
    if (reply.type === 'rows') this.#checks.read(begun, reply.rows[0]?.[0]?.toString() ?? null)
    else this.#judge('SELECT', reply)
  }

  /** As text, with bound values, prepared, or in a batch. */
  async #askWith(before: string, values: readonly string[], between: string, behind = ''): Promise<Response> {
    const { random } = this.#sim
    const draw = random.next()
    if (draw < 0.3)
      return await this.client.ask(query(before + values.map((value) => `'${value}'`).join(between) + behind))
    const text = before + values.map(() => '?').join(between) + behind
    const bound = values.map((value) => Buffer.from(value))
    if (draw < 0.5) return await this.client.ask(query(text, bound))
    if (values.length > 1 && draw < 0.6) {
      const statements = [{ statement: text, values: bound }]
      return await this.client.ask({ type: 'batch', kind: 0, statements, parameters: NO_PARAMETERS })
    }
    // As drivers do: what another thread saw prepared, or another version of the transform, is prepared once more.
    for (let tries = 1; ; tries++) {
      const reply = await this.#execute(text, bound)
      if (reply.type !== 'error' || reply.code !== ERROR_UNPREPARED || tries > RENEWALS_MAX) return reply
      this.#prepared.delete(`${this.#keyspace}/${text}`)
    }
  }

  async #execute(text: string, bound: readonly Buffer[]): Promise<Response> {
    const place = `${this.#keyspace}/${text}`
    let id = this.#prepared.get(place)
    if (id === undefined) {
      const prepared = await this.client.ask({ type: 'prepare', text, keyspace: null })
      if (prepared.type !== 'prepared') return prepared
      this.#prepared.set(place, (id = prepared.id))
    }
    return await this.client.ask({
      type: 'execute',
      id,
      metadataId: id,
      parameters: { ...NO_PARAMETERS, values: bound },
    })
  }

  async #timed(ask: Promise<Response>): Promise<Response> {
    const since = this.#sim.nowMs
    const reply = await ask
    const tookMs = this.#sim.nowMs - since
    if (tookMs > this.#habits.replyMsMax) throw new Error(`a reply took ${Math.round(tookMs)} ms: ${this.state}`)
    return reply
  }

  #judge(what: string, reply: Response): void {
    if (reply.type === 'error' && this.#checks.mayFail && reply.message.startsWith('Internal shotover')) return
    const told = reply.type === 'error' ? `${reply.code.toString(16)} ${reply.message}` : reply.type
    throw new Error(`to ${what}: ${told}; ${this.state}`)
  }
}

function query(text: string, values: readonly Buffer[] | null = null): Request {
  return { type: 'query', text, parameters: { ...NO_PARAMETERS, values } }
}
