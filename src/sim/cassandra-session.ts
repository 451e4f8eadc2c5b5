import { plain, encodeBody } from '../protocols/cassandra/body/body.ts'
import { NO_PARAMETERS } from '../protocols/cassandra/body/requests.ts'
import type { Response } from '../protocols/cassandra/body/responses.ts'
import { requestFrame } from '../protocols/cassandra/envelope.ts'
import { MODEL_KEYSPACES } from '../protocols/cassandra/model/store.ts'
import type { Address } from '../world/world.ts'
import { ActingClient, isFailure, query, type ActingHabits, type ActingSession } from './acting-client.ts'
import type { CassandraChecks } from './cassandra-checks.ts'
import type { SimWorld } from './world.ts'

/** A proxy's own word of an event comes so soon, in milliseconds. */
const EVENT_MS = 5000
const ERROR_SYNTAX = 0x2000
const ERROR_UNPREPARED = 0x2500
const ERROR_PROTOCOL = 0x000a

/** Passwords by name. */
export type Users = Readonly<Record<string, string>>

export interface CassandraHabits extends ActingHabits {
  readonly readsSlowly: boolean
}

export function drawCassandraHabits(sim: SimWorld, users: Users | null): CassandraHabits {
  const { random } = sim
  const user = users === null ? null : random.pick(Object.keys(users))
  return {
    version: random.pick([3, 4, 4, 5]),
    compression: random.pick(['lz4', null]),
    credentials: user === null ? null : { user, password: users![user]! },
    acts: 5 + random.below(60),
    window: random.pick([1, 8, 500]),
    valueBytesMax: random.pick([10, 3000, 200_000]),
    readsSlowly: random.chance(0.2),
    ending: random.pick(['end', 'destroy']),
  }
}

/** One session of a client that does what its habits say, and judges every reply. */
export class CassandraSession implements ActingSession {
  readonly client: ActingClient
  readonly #sim: SimWorld
  readonly #checks: CassandraChecks
  readonly #id: number
  readonly #habits: CassandraHabits
  readonly #fleet: readonly string[] | null
  /** Values that keys of its own must have, by place; what is being written is not in it. */
  readonly #values = new Map<string, string>()
  /** Keys that something is under way for, or of which nobody knows what they hold. */
  readonly #busy = new Set<string>()
  #keyspace: string | null = null
  #written = 0
  #registered = false
  readonly #announced = new Set<string>()

  /** `fleet`: the host ids of the proxies that look like a cluster, of which the first is the one that is spoken to; null: there is one node. */
  constructor(
    sim: SimWorld,
    checks: CassandraChecks,
    id: number,
    habits: CassandraHabits,
    fleet: readonly string[] | null = null,
  ) {
    this.#fleet = fleet
    this.#sim = sim
    this.#checks = checks
    this.#id = id
    this.#habits = habits
    this.client = new ActingClient(sim.world, id, habits)
    this.client.onEvent = (event) => this.#onEvent(event)
  }

  async run(address: Address): Promise<void> {
    try {
      await this.client.connect(address)
      if (this.#habits.readsSlowly) this.#readSlowly()
      const granted = await this.client.start()
      if (this.#failed(granted)) return
      if (granted.type !== 'ready' && granted.type !== 'auth-success') this.client.wrong('STARTUP', granted)
      for (let i = 0; i < this.#habits.acts && !this.client.closed; i++) await this.#act()
      // Or it leaves with requests out.
      if (this.#habits.ending === 'end') await this.client.quiet()
    } catch (error) {
      this.client.fail(error, this.#checks.faulty)
    } finally {
      this.client.leave()
    }
  }

  async #act(): Promise<void> {
    const { random } = this.#sim
    while (this.client.isFull) await this.client.ended()
    if (this.#keyspace === null || random.chance(0.05)) await this.#use()
    const draw = random.next()
    if (draw < 0.45) this.client.begin(this.#put())
    else if (draw < 0.85) this.client.begin(this.#get())
    else if (draw < 0.9) this.client.begin(this.#nonsense())
    else if (draw < 0.93) this.client.begin(this.#unprepared())
    else if (draw < 0.96) this.client.begin(this.#unknownOpcode())
    else if (draw < 0.97 && this.#fleet !== null) this.client.begin(this.#nodes(this.#fleet))
    else if (draw < 0.98) this.client.begin(this.#options())
    else await this.#listen()
  }

  async #use(): Promise<void> {
    await this.client.quiet()
    const keyspace = this.#sim.random.pick(MODEL_KEYSPACES)
    const reply = await this.client.ask(query(`USE "${keyspace}"`))
    if (this.#failed(reply)) return
    if (reply.type !== 'set-keyspace' || reply.keyspace !== keyspace) this.client.wrong('USE', reply)
    this.#keyspace = keyspace
  }

  /** A place of its own that nothing is under way for: its name, and how a statement names it. */
  #place(): { place: string; key: string; table: string } | null {
    const { random } = this.#sim
    const key = `s${this.#id}-${random.below(8)}`
    const isQualified = this.#keyspace === null || random.chance(0.2)
    const keyspace = isQualified ? random.pick(MODEL_KEYSPACES) : this.#keyspace!
    const place = `${keyspace}/${key}`
    if (this.#busy.has(place)) return null
    return { place, key, table: isQualified ? `"${keyspace}".t` : 't' }
  }

  async #put(): Promise<void> {
    const at = this.#place()
    if (at === null) return
    const { place, key, table } = at
    const size = Math.floor(this.#sim.random.next() ** 3 * this.#habits.valueBytesMax)
    const tag = `s${this.#id}.${this.#written++}`
    const value = `${tag}:`.padEnd(size, tag)
    this.#busy.add(place)
    const { version, credentials } = this.#habits
    this.#checks.sent(tag, { place, user: credentials?.user ?? '', version })
    const reply = await this.#askWith(`INSERT INTO ${table} (k, v) VALUES (`, [key, value], ')', ', ')
    // Of what failed nobody knows whether it was written, or will be.
    if (this.#failed(reply) || this.#isForgotten(reply)) return
    if (reply.type !== 'void') this.client.wrong('INSERT', reply)
    this.#checks.settled(tag)
    this.#values.set(place, value)
    this.#busy.delete(place)
  }

  async #get(): Promise<void> {
    const at = this.#place()
    if (at === null) return
    const { place, key, table } = at
    this.#busy.add(place)
    const reply = await this.#askWith(`SELECT v FROM ${table} WHERE k = `, [key], '', '')
    this.#busy.delete(place)
    if (this.#failed(reply)) return
    if (reply.type !== 'rows') this.client.wrong('SELECT', reply)
    const found = reply.rows[0]?.[0]?.toString()
    const expected = this.#values.get(place)
    if (found !== expected)
      throw new Error(
        `${place} holds ${String(found).slice(0, 40)} instead of ${String(expected).slice(0, 40)}: ${this.client.state}`,
      )
  }

  /** As text, prepared, or in a batch. */
  async #askWith(before: string, values: readonly string[], behind: string, between: string): Promise<Response> {
    const { random } = this.#sim
    if (random.chance(0.4))
      return await this.client.ask(query(before + values.map((value) => `'${value}'`).join(between) + behind))
    const text = before + values.map(() => '?').join(between) + behind
    const bound = values.map((value) => Buffer.from(value))
    if (values.length > 1 && random.chance(0.2)) {
      const statements = [{ statement: text, values: bound }]
      return await this.client.ask({ type: 'batch', kind: 0, statements, parameters: NO_PARAMETERS })
    }
    return await this.client.execute(`${this.#keyspace}/${text}`, text, bound)
  }

  async #nonsense(): Promise<void> {
    this.#expectError('nonsense', await this.client.ask(query('/* USE ks0 */ SELEC v FROM t')), ERROR_SYNTAX)
  }

  async #unprepared(): Promise<void> {
    const id = Buffer.from(`nobody prepared ${this.#id}`)
    const reply = await this.client.ask({ type: 'execute', id, metadataId: id, parameters: NO_PARAMETERS })
    this.#expectError('an EXECUTE of nothing', reply, ERROR_UNPREPARED)
  }

  async #unknownOpcode(): Promise<void> {
    const stream = this.client.freeStream()
    const frame = requestFrame(this.#habits.version, stream, 0x55, Buffer.from('what?'))
    this.#expectError('an unknown opcode', await this.client.send(frame, stream), ERROR_PROTOCOL)
  }

  async #options(): Promise<void> {
    const stream = this.client.freeStream()
    const frame = encodeBody(plain(this.#habits.version, { type: 'options' }), stream)
    const reply = await this.client.send(frame, stream)
    if (!this.#failed(reply) && reply.type !== 'supported') this.client.wrong('OPTIONS', reply)
  }

  /** Asks for events, and sees that what it does itself is told. */
  async #listen(): Promise<void> {
    await this.client.quiet()
    if (!this.#registered) {
      const reply = await this.client.ask({ type: 'register', events: ['SCHEMA_CHANGE'] })
      if (this.#failed(reply)) return
      if (reply.type !== 'ready') this.client.wrong('REGISTER', reply)
      this.#registered = true
    }
    const table = `t${this.#id}x${this.#written++}`
    const reply = await this.client.ask(query(`CREATE TABLE ${table} (k text PRIMARY KEY)`))
    if (this.#failed(reply)) return
    if (reply.type !== 'schema-change') this.client.wrong('CREATE TABLE', reply)
    // Where the proxy tells of events, they come on a connection of its own.
    const untilMs = this.#sim.nowMs + (this.#fleet === null ? 0 : EVENT_MS)
    while (!this.#announced.has(table) && this.#sim.nowMs < untilMs && !this.client.closed) await this.#rest(10)
    if (this.#fleet !== null && (this.#checks.faulty || this.client.closed)) return
    if (!this.#announced.has(table)) throw new Error(`session ${this.#id} made ${table} and was not told`)
  }

  #rest(ms: number): Promise<void> {
    return new Promise((resolve) => this.#sim.schedule.add(this.#sim.nowMs + ms, resolve))
  }

  /** Proxies are the nodes. */
  async #nodes([local, ...peers]: readonly string[]): Promise<void> {
    for (const [table, expected] of [
      ['local', [local]],
      ['peers_v2', peers],
    ] as const) {
      const reply = await this.client.ask(query(`SELECT host_id FROM system.${table}`))
      if (this.#failed(reply)) return
      if (reply.type !== 'rows') this.client.wrong(`system.${table}`, reply)
      const found = reply.rows.map(([id]) => id?.toString('hex'))
      const ids = expected.map((id) => id?.replaceAll('-', ''))
      if (found.join() !== ids.join()) throw new Error(`system.${table} has ${found.join()} instead of ${ids.join()}`)
    }
  }

  #onEvent(event: Response): void {
    if (event.type !== 'event') this.client.wrong('nothing', event)
    // The server may have taken REGISTER though its answer was lost.
    const name = event.rest.toString('latin1')
    const table = /t\d+x\d+$/.exec(name)?.[0]
    if (table !== undefined) this.#announced.add(table)
  }

  #expectError(what: string, reply: Response, code: number): void {
    if (this.#failed(reply)) return
    if (reply.type !== 'error' || reply.code !== code) this.client.wrong(what, reply)
  }

  /** Is it one of the proxy's failures, rightly? */
  #failed(reply: Response): boolean {
    if (!isFailure(reply)) return false
    if (!this.#checks.faulty) throw new Error(`nothing was broken, but: ${reply.message}; ${this.client.state}`)
    return true
  }

  /** A node that has just begun was to execute what came in parts, which can't be sent twice: a driver prepares it once more. */
  #isForgotten(reply: Response): boolean {
    return this.#fleet !== null && this.#checks.faulty && reply.type === 'error' && reply.code === ERROR_UNPREPARED
  }

  #readSlowly(): void {
    const { schedule, random } = this.#sim
    const step = () => {
      if (this.client.closed) return
      this.client.pause()
      schedule.add(this.#sim.nowMs + random.next() * 30, () => {
        this.client.resume()
        schedule.add(this.#sim.nowMs + random.next() * 3, step)
      })
    }
    step()
  }
}
