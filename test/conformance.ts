import assert from 'node:assert/strict'
import { test } from 'node:test'
import { transform, type TransformKind } from '../src/core/kind.ts'
import { SimRandom } from '../src/sim/random.ts'
import { play, type Placed, type Play } from './kit.ts'
import { Replies } from './kit/replies.ts'
import type { Forwarded } from './kit/server.ts'
import { VALKEY, type Speech } from './kit/speech.ts'
import { z } from 'zod'

// What every transform must keep to, whatever it does.

export interface ConformanceOptions {
  /** What is said in its protocol; Valkey's where it is absent. */
  readonly speech?: Speech
  /** Runs per rule, each with a seed of its own. */
  readonly seeds?: number
  /** It may send requests of one client to the server in another order than they came. */
  readonly reorders?: boolean
  /** Places of its own chains whose servers say what the server says; those of other chains keep silent. */
  readonly mirrors?: readonly string[]
}

/** A part of the contract. `hold` rejects where a kind breaks it. */
export interface Rule {
  readonly name: string
  hold(seed: number): Promise<void>
}

const LIMITS = { cutThroughBytes: 256 }
const REQUESTS = 60
/** Longer than any deadline. */
const LONG_MS = 1_000_000

/** Waits, by the world's clock, in both directions and before every part of a batch. */
const waits = transform({
  type: 'Waits',
  doc: 'Hands everything on a little later, for tests.',
  options: z.strictObject({}),
  create: (_options, { world }) => {
    const pause = () => {
      if (world.random.next() < 0.3) return Promise.resolve()
      return new Promise<void>((resolve) => world.clock.after(world.random.next() * 20, resolve))
    }
    return () => ({
      async onRequests(batch, link) {
        const half = Math.floor(batch.length / 2)
        link.forward(batch.slice(0, half))
        await pause()
        link.forward(batch.slice(half))
      },
      async onResponses(batch, link) {
        await pause()
        link.reply(batch)
      },
    })
  },
})

/** Fails now and then, in both directions. */
const throws = transform({
  type: 'Throws',
  doc: 'Throws now and then, for tests.',
  options: z.strictObject({}),
  create: (_options, { world }) => {
    const maybe = () => {
      if (world.random.next() < 0.2) throw new Error('thrown on purpose')
    }
    return () => ({
      onRequests(batch, link) {
        maybe()
        link.forward(batch)
      },
      onResponses(batch, link) {
        maybe()
        link.reply(batch)
      },
    })
  },
})

/** A conversation of one client, drawn from a seed. */
class Conversation {
  readonly play: Play
  readonly random: SimRandom
  readonly replies: Replies
  readonly #speech: Speech
  readonly #reorders: boolean
  readonly #mirrors: readonly string[]
  /** What the server said to each request. */
  readonly #said = new Map<number, Buffer>()
  /** Numbers of requests: this, and every `step`th after it. */
  readonly #first: number
  readonly #step: number
  readonly #seen = new Set<number>()
  #last = -1
  #sent = 0
  #pushed = 0

  constructor(one: Play, settings: ConformanceOptions, seed: number, first = 0, step = 1) {
    const speech = settings.speech ?? VALKEY
    this.#reorders = settings.reorders === true
    this.#mirrors = settings.mirrors ?? []
    this.play = one
    this.random = new SimRandom(seed)
    this.replies = new Replies(speech.protocol)
    this.#speech = speech
    this.#first = first
    this.#step = step
  }

  get isOver(): boolean {
    return this.#sent >= REQUESTS || this.play.closed
  }

  /** Something happens: the client sends, the server replies or pushes, time passes. */
  async step(): Promise<void> {
    const { random, play: one } = this
    const draw = random.next()
    if (draw < 0.45) await this.#send(random.between(1, 12))
    else if (draw < 0.85) await this.#answer(random.between(1, 12))
    else if (draw < 0.9) await this.#push()
    else await one.advance(random.between(0, 50))
    if (random.chance(0.5)) await this.#mirror()
    this.look()
  }

  /** Everything is answered, and time passes until nothing more happens. */
  async finish(): Promise<void> {
    for (let round = 0; round < 200 && !this.play.closed; round++) {
      await this.#answer(64)
      await this.#mirror(true)
      await this.play.advance(100)
      this.look()
      if (round === 20) await this.play.finish()
    }
    await this.play.advance(LONG_MS)
    this.look()
  }

  /** What has come at both ends is as it must be so far. */
  look(): void {
    for (const forwarded of this.play.takeForwarded()) {
      if (!forwarded.isWhole) continue
      const numbers = numbersIn(forwarded.bytes)
      // A request of its own carries no number of ours.
      if (numbers.length === 0) continue
      assert.equal(numbers.length, 1, `two requests in one: ${String(forwarded.bytes)}`)
      assert.ok(!this.#seen.has(numbers[0]!), `request ${numbers[0]} was forwarded twice`)
      assert.equal((numbers[0]! - this.#first) % this.#step, 0, `request ${numbers[0]} is not of this client`)
      assert.ok(this.#reorders || numbers[0]! > this.#last, `request ${numbers[0]} was overtaken by ${this.#last}`)
      this.#last = numbers[0]!
      this.#seen.add(numbers[0]!)
    }
    this.replies.add(this.play.takeReplied())
  }

  /** Each request has exactly one reply and nobody else's, unless the session was closed. */
  check(): void {
    const { replies } = this
    const count = replies.whole.length
    if (!this.#closedEarly) assert.equal(count, this.#sent, `${count} replies to ${this.#sent} requests`)
    replies.whole.forEach(({ request, reply }) => {
      const [number] = numbersIn(request)
      for (const other of numbersIn(reply))
        assert.equal(other, number, `the reply to request ${number} is that to ${other}`)
      assert.ok(!reply.includes(0xee), `the reply to request ${number} has bytes that were lent`)
    })
    if (!this.#closedEarly) assert.equal(replies.pushes, this.#pushed, 'pushes')
  }

  /** The chain had nothing to swallow and nothing failed. What a stage hands on too late, the session being closed, is no fault. */
  checkFaults(): void {
    const { faults, logged } = this.play
    if (!this.#closedEarly) assert.equal(faults, 0, `${faults} faults, the first: ${logged.slice(0, 3).join('\n')}`)
  }

  get #closedEarly(): boolean {
    return Object.keys(this.play.closings).some((reason) => reason !== 'client')
  }

  async #send(count: number): Promise<void> {
    const { random } = this
    const messages: Buffer[] = []
    for (let i = 0; i < count && this.#sent < REQUESTS; i++) {
      const size = random.chance(0.1) ? random.between(300, 3000) : random.between(0, 60)
      messages.push(this.#speech.request(this.#first + this.#sent++ * this.#step, size))
    }
    const bytes = Buffer.concat(messages)
    this.replies.sent(bytes)
    const torn = random.chance(0.3) ? random.between(0, bytes.length) : bytes.length
    if (torn > 0) await this.play.send(bytes.subarray(0, torn))
    if (torn < bytes.length) await this.play.send(bytes.subarray(torn))
  }

  async #answer(most: number): Promise<void> {
    const ready: Forwarded[] = []
    for (const forwarded of this.play.open) {
      if (!forwarded.isWhole || ready.length === most) break
      ready.push(forwarded)
    }
    if (ready.length === 0) return
    const replies = ready.map((forwarded): [Forwarded, Buffer] => {
      const size = this.random.chance(0.1) ? this.random.between(300, 3000) : this.random.between(0, 60)
      const number = numbersIn(forwarded.bytes)[0] ?? -1
      const reply = this.#speech.reply(number, size)
      this.#said.set(number, reply)
      return [forwarded, reply]
    })
    await this.play.answerTo(...replies)
  }

  /** Servers of its own chains say what the server has said; `all`: something where it was not asked. */
  async #mirror(all = false): Promise<void> {
    for (const place of this.#mirrors) {
      const server = this.play.within(place)
      const known = server.open.flatMap((forwarded): [Forwarded, Buffer][] => {
        const number = numbersIn(forwarded.bytes)[0] ?? -1
        const said = this.#said.get(number) ?? (all ? this.#speech.reply(number, 10) : undefined)
        return said === undefined || !forwarded.isWhole ? [] : [[forwarded, said]]
      })
      if (known.length > 0) await server.answerTo(...known)
    }
  }

  async #push(): Promise<void> {
    if (this.play.closed || this.play.open.length === 0) return
    const push = this.#speech.push(this.#pushed)
    if (push === null) return
    this.#pushed++
    await this.play.push(push)
  }
}

function numbersIn(bytes: Buffer): number[] {
  return [...bytes.toString('latin1').matchAll(/value-(-?\d+)\./g)].map(([, number]) => Number(number))
}

/** The common contract, as rules about a kind with these options. */
export function rulesFor(kind: TransformKind, options: unknown, settings: ConformanceOptions = {}): Rule[] {
  const protocol = (settings.speech ?? VALKEY).protocol
  const wait: Placed = { kind: waits as TransformKind, options: {} }
  const fault: Placed = { kind: throws as TransformKind, options: {} }
  const alone = (seed: number) => play(kind, options, { protocol, limits: LIMITS, seed })
  const between = (one: Placed, seed: number) =>
    play(kind, options, { protocol, limits: LIMITS, seed, above: [one], below: kind.terminating ? [] : [one] })
  const talk = (one: Play, seed: number, first = 0, step = 1) => new Conversation(one, settings, seed, first, step)
  return [
    {
      name: 'every request gets one reply, its own, in order; parts and pushes pass; what was lent is not kept',
      hold: (seed) => holdsThrough(talk(alone(seed), seed)),
    },
    {
      name: 'the same between stages that wait',
      hold: (seed) => holdsThrough(talk(between(wait, seed), seed)),
    },
    {
      name: 'a stage that throws beside it harms nobody else',
      hold: (seed) => holdsBesideThrows(talk(between(fault, seed), seed)),
    },
    {
      name: 'two clients do not see each other',
      async hold(seed) {
        const first = alone(seed)
        await holdApart([talk(first, seed, 0, 2), talk(first.connect(), -seed, 1, 2)])
      },
    },
    {
      name: 'a client may leave at any time',
      hold: (seed) => holdsWhenLeft(talk(between(wait, seed), seed), seed),
    },
    {
      name: 'a session may be drained at any time',
      hold: (seed) => holdsWhenDrained(talk(between(wait, seed), seed), seed),
    },
  ]
}

/** Declares the tests of the common contract for a kind with these options. */
export function conformance(kind: TransformKind, options: unknown, settings: ConformanceOptions = {}): void {
  for (const { name, hold } of rulesFor(kind, options, settings)) {
    test(`${kind.type} ${JSON.stringify(options)}: ${name}`, async () => {
      for (let seed = 1; seed <= (settings.seeds ?? 20); seed++) {
        try {
          await hold(seed)
        } catch (error) {
          throw new Error(`seed ${seed}: ${(error as Error).message}`, { cause: error })
        }
      }
    })
  }
}

async function holdsThrough(one: Conversation): Promise<void> {
  while (!one.isOver) await one.step()
  await one.finish()
  one.check()
  one.checkFaults()
}

async function holdsBesideThrows(one: Conversation): Promise<void> {
  while (!one.isOver) await one.step()
  await one.finish()
  one.check()
  for (const line of errorsIn(one.play)) assert.match(line, /Transform Throws named/)
}

async function holdApart(talks: Conversation[]): Promise<void> {
  while (talks.some((one) => !one.isOver)) for (const one of talks) if (!one.isOver) await one.step()
  for (const one of talks) await one.finish()
  for (const one of talks) one.check()
}

async function holdsWhenLeft(one: Conversation, steps: number): Promise<void> {
  for (let step = 0; step < steps && !one.isOver; step++) await one.step()
  await one.play.leave()
  one.play.takeForwarded()
  await one.play.advance(LONG_MS)
  assert.deepEqual(one.play.takeForwarded(), [], 'something was sent for a client that is gone')
  assert.deepEqual(errorsIn(one.play), [])
}

async function holdsWhenDrained(one: Conversation, steps: number): Promise<void> {
  for (let step = 0; step < steps && !one.isOver; step++) await one.step()
  await one.play.drain()
  await one.finish()
  assert.ok(one.play.closed, 'the session did not end')
  assert.deepEqual(errorsIn(one.play), [])
  await one.play.advance(LONG_MS)
  assert.equal(one.play.lingering, 0, 'a chain of its own never ended')
  await one.play.close()
  await one.play.advance(LONG_MS)
}

/** What was logged as an error, but for sessions that ended on purpose. */
function errorsIn(one: Play): string[] {
  return one.logged.filter((line) => line.startsWith('error: ') && !line.includes('was unexpectedly terminated'))
}
