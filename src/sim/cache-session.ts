import { NO_PARAMETERS } from '../protocols/cassandra/body/requests.ts'
import type { Response } from '../protocols/cassandra/body/responses.ts'
import type { Address } from '../world/world.ts'
import { ActingClient, isFailure, query, type ActingHabits, type ActingSession } from './acting-client.ts'
import type { CacheChecks } from './cache-checks.ts'
import type { SimWorld } from './world.ts'

export const CACHED_KEYSPACES = ['ks0', 'Ks2']
const KEYS = 3
const ERROR_UNPREPARED = 0x2500
/** Times that a stage is made anew in one run. */
export const RENEWALS_MAX = 3

export interface CacheHabits extends ActingHabits {
  /** How likely an act is a write. */
  readonly writes: number
  /** Longest time that a request may take, in milliseconds. */
  readonly replyMsMax: number
}

/** A client of a cache in front of Cassandra. It shares its rows with all others, and judges what it reads by what all were told. */
export class CacheSession implements ActingSession {
  readonly client: ActingClient
  readonly #sim: SimWorld
  readonly #checks: CacheChecks
  readonly #id: number
  readonly #habits: CacheHabits
  #keyspace: string | null = null
  #written = 0

  constructor(sim: SimWorld, checks: CacheChecks, id: number, habits: CacheHabits) {
    this.#sim = sim
    this.#checks = checks
    this.#id = id
    this.#habits = habits
    this.client = new ActingClient(sim.world, id, habits)
  }

  async run(address: Address): Promise<void> {
    const { client } = this
    try {
      await client.connect(address)
      const granted = await client.start()
      if (granted.type !== 'ready') this.#judge('STARTUP', granted)
      await this.#use()
      for (let i = 0; i < this.#habits.acts && !client.closed && client.trouble === null; i++) {
        while (client.isFull) await client.ended()
        if (this.#sim.random.chance(0.03)) await this.#use()
        client.begin(this.#act())
      }
      if (this.#habits.ending === 'end') await client.quiet()
    } catch (error) {
      client.fail(error, this.#checks.mayFail)
    } finally {
      client.leave()
    }
  }

  async #use(): Promise<void> {
    await this.client.quiet()
    const keyspace = this.#sim.random.pick(CACHED_KEYSPACES)
    const reply = await this.client.ask(query(`USE "${keyspace}"`))
    if (reply.type === 'set-keyspace') this.#keyspace = keyspace
    else this.#judge('USE', reply)
  }

  #act(): Promise<void> {
    const { random } = this.#sim
    const isQualified = this.#keyspace === null || random.chance(0.2)
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
      const reply = await this.client.execute(`${this.#keyspace}/${text}`, text, bound)
      if (reply.type !== 'error' || reply.code !== ERROR_UNPREPARED || tries > RENEWALS_MAX) return reply
      this.client.prepared.delete(`${this.#keyspace}/${text}`)
    }
  }

  async #timed(ask: Promise<Response>): Promise<Response> {
    const since = this.#sim.nowMs
    const reply = await ask
    const tookMs = this.#sim.nowMs - since
    if (tookMs > this.#habits.replyMsMax) throw new Error(`a reply took ${Math.round(tookMs)} ms: ${this.client.state}`)
    return reply
  }

  #judge(what: string, reply: Response): void {
    if (!this.#checks.mayFail || !isFailure(reply)) this.client.wrong(what, reply)
  }
}
