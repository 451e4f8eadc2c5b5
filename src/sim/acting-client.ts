import { NO_PARAMETERS, type BoundValue, type Request } from '../protocols/cassandra/body/requests.ts'
import type { Response } from '../protocols/cassandra/body/responses.ts'
import { ModelClient, ModelClosed, type ModelClientOptions } from '../protocols/cassandra/model/client.ts'
import type { Address, World } from '../world/world.ts'
import type { SimWorld } from './world.ts'

/** Simulated time by which every client must be through. */
const LOAD_MS = 600_000

export interface ActingHabits extends ModelClientOptions {
  readonly acts: number
  /** Requests that it may have out at once. */
  readonly window: number
  readonly valueBytesMax: number
  readonly ending: 'end' | 'destroy'
}

/** A client of Cassandra that has several acts under way, and how that ended. */
export class ActingClient extends ModelClient {
  readonly id: number
  readonly habits: ActingHabits
  /** Ids of what it prepared, by what it knows it by. */
  readonly prepared = new Map<string, Buffer>()
  through = false
  trouble: Error | null = null
  readonly #open = new Set<Promise<void>>()

  constructor(world: World, id: number, habits: ActingHabits) {
    super(world, habits)
    this.id = id
    this.habits = habits
  }

  get state(): string {
    return `session ${this.id} (${JSON.stringify(this.habits)}): ${this.#open.size} acts under way, ${this.outstanding} replies to come`
  }

  /** So much is under way as its habits allow: `ended` comes first. */
  get isFull(): boolean {
    return this.#open.size >= this.habits.window
  }

  begin(act: Promise<void>): void {
    const watched: Promise<void> = act
      .catch((error: unknown) => {
        if (!(error instanceof ModelClosed)) this.trouble ??= error as Error
      })
      .then(() => void this.#open.delete(watched))
    this.#open.add(watched)
  }

  /** Resolves when one of its acts has ended. */
  ended(): Promise<void> {
    return Promise.race(this.#open)
  }

  /** Everything that is out is answered. */
  async quiet(): Promise<void> {
    while (this.#open.size > 0) await this.ended()
  }

  /** Executes a statement, which is prepared first where it was not yet. */
  async execute(place: string, text: string, values: readonly BoundValue[]): Promise<Response> {
    let id = this.prepared.get(place)
    if (id === undefined) {
      const reply = await this.ask({ type: 'prepare', text, keyspace: null })
      if (reply.type !== 'prepared') return reply
      this.prepared.set(place, (id = reply.id))
    }
    return await this.ask({ type: 'execute', id, metadataId: id, parameters: { ...NO_PARAMETERS, values } })
  }

  /** What it does was ended by an error. `mayFail`: its connection may have been lost. */
  fail(error: unknown, mayFail: boolean): void {
    if (!(error instanceof ModelClosed)) this.trouble = error as Error
    else if (!mayFail) this.trouble = new Error(`closed although nothing was broken: ${this.state}`)
  }

  /** Goes as its habits say. */
  leave(): void {
    if (this.habits.ending === 'destroy' || this.trouble !== null) this.destroy()
    else this.end()
    this.through = true
  }

  /** This is no reply to what was asked. */
  wrong(what: string, reply: Response): never {
    const told = reply.type === 'error' ? `${reply.code.toString(16)} ${reply.message}` : reply.type
    throw new Error(`to ${what}: ${told}; ${this.state}`)
  }
}

/** It is the proxy's own word that a request failed. */
export function isFailure(reply: Response): reply is Response & { type: 'error' } {
  return reply.type === 'error' && reply.message.startsWith('Internal shotover')
}

export function query(text: string, values: readonly BoundValue[] | null = null): Request {
  return { type: 'query', text, parameters: { ...NO_PARAMETERS, values } }
}

/** A client of Cassandra that does what its habits say. */
export interface ActingSession {
  readonly client: ActingClient
  run(address: Address): Promise<void>
}

/** Runs the sessions until all are through; the addresses are taken in turn. */
export async function runSessions(
  sim: SimWorld,
  sessions: readonly ActingSession[],
  addresses: readonly Address[],
  eventsMax: number,
): Promise<void> {
  for (const [i, session] of sessions.entries()) {
    const address = addresses[i % addresses.length]!
    sim.schedule.add(sim.nowMs + sim.random.next() * 100, () => void session.run(address))
  }
  const deadlineMs = sim.nowMs + LOAD_MS
  const isOver = () => sessions.every(({ client }) => client.through && client.closed)
  await sim.run(() => isOver() || sim.nowMs > deadlineMs, eventsMax)
  for (const { client } of sessions) if (client.trouble !== null) throw client.trouble
  const hanging = sessions.filter(({ client }) => !client.through)
  if (hanging.length > 0) throw new Error(`no end in sight: ${hanging.map(({ client }) => client.state).join('; ')}`)
}
