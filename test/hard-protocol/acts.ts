import { ClosedError, Violation, type HardClient, type Reply } from './client.ts'
import {
  ABANDON,
  BEGIN,
  COMMIT,
  DATA,
  DONE,
  ECHO,
  END,
  ERROR,
  FRAME_BYTES_MAX,
  GET,
  HEAD,
  HELLO,
  KEY,
  KIND_NAMES,
  NEWS,
  NOTE,
  OK,
  PUBLISH,
  PUT,
  ROWS,
  SLOWLY,
  STEP,
  STREAM,
  SUBSCRIBE,
  SWITCH,
  SYNC,
  TAIL,
  UNSUBSCRIBE,
  UPLOAD,
  USE,
  VALUE,
  WAIT,
} from './format.ts'
import type { HardSession } from './session.ts'
import type { Swarm } from './swarm.ts'

/** What is known of a key's value. */
interface Known {
  value: string | null
  /** A write may have been lost, or not. */
  unsure: boolean
}

/** The things that a session does. Each returns once the next may begin; replies are judged when they come. */
export class Acts {
  readonly id: number
  readonly #session: HardSession
  readonly #swarm: Swarm
  readonly #valueBytesMax: number
  readonly #keys = new Map<string, Known>()
  #tags = 0
  #space = 0
  /** News of its own topic that it may get. */
  #news: string[] = []

  constructor(session: HardSession, swarm: Swarm, id: number, valueBytesMax: number) {
    this.#session = session
    this.#swarm = swarm
    this.id = id
    this.#valueBytesMax = valueBytesMax
  }

  get #client(): HardClient {
    return this.#session.client
  }

  #key(): string {
    const { random } = this.#session
    // Without an order of execution a key is written once.
    return this.#swarm.hasStreams ? `s${this.id}:${this.#tags}` : `s${this.id}:${random.below(3)}`
  }

  #known(key: string): Known {
    const place = `${this.#space} ${key}`
    let known = this.#keys.get(place)
    if (known === undefined) this.#keys.set(place, (known = { value: null, unsure: false }))
    return known
  }

  #write(inTransaction = false): { key: string; tag: string; value: string } {
    const key = this.#key()
    const tag = `s${this.id}.${this.#tags++}`
    this.#swarm.journal.sent(tag, this.id, inTransaction)
    const size = Math.floor(this.#valueBytesMax * this.#session.random.next() ** 2)
    return { key, tag, value: `${tag}:${'v'.repeat(size)}` }
  }

  #put(kind: number, inTransaction = false, keys: Known[] = []): Promise<void> {
    const { key, tag, value } = this.#write(inTransaction)
    const known = this.#known(key)
    keys.push(known)
    if (!this.#swarm.hasStreams) known.value = value
    return this.#session.watch(this.#client.ask(kind, `${key}=${value}`), (reply) => {
      if (this.#session.failed(reply)) {
        known.unsure = true
        this.#swarm.journal.lost(tag)
      } else {
        this.#session.expect(reply, OK, '', `PUT ${tag}`)
        known.value = this.#swarm.hasStreams ? value : known.value
        if (!inTransaction) this.#swarm.journal.acknowledged(tag)
      }
    })
  }

  async put(): Promise<void> {
    void this.#put(PUT)
  }

  #read(kind: number): void {
    const { random } = this.#session
    const places = [...this.#keys.keys()].filter((place) => place.startsWith(`${this.#space} `))
    const key = places.length === 0 ? this.#key() : random.pick(places).slice(2)
    const { value, unsure } = this.#known(key)
    const reply = this.#client.ask(kind, key)
    const judge = (answer: Reply) => {
      const known = this.#known(key)
      if (this.#session.failed(answer) || unsure || known.unsure) return
      if (value === null && (this.#swarm.hasStreams || known.value !== null)) return
      const what = `${KIND_NAMES[kind]} ${key}`
      if (value === null) this.#session.expect(answer, ERROR, 'not found', what)
      else if (kind !== HEAD) this.#session.expect(answer, VALUE, value, what)
      else if (answer.kind !== VALUE || answer.text !== '' || answer.length !== value.length)
        throw new Violation(`${what}: length ${answer.length} instead of ${value.length}`)
      if (kind === SLOWLY && value !== null && answer.interims === 0) throw new Violation('no interim reply')
    }
    void this.#session.watch(reply, judge)
  }

  async get(): Promise<void> {
    this.#read(GET)
  }
  async head(): Promise<void> {
    this.#read(HEAD)
  }
  async slowly(): Promise<void> {
    this.#read(SLOWLY)
  }

  async rows(): Promise<void> {
    const count = this.#session.random.below(6)
    const text = `${Array.from({ length: count }, (_, i) => i).join('')}${count}`
    void this.#session.watch(this.#client.ask(ROWS, String(count)), (reply) => {
      if (!this.#session.failed(reply)) this.#session.expect(reply, DONE, text, `ROWS ${count}`)
    })
  }

  async note(): Promise<void> {
    const { key, value: long } = this.#write()
    const known = this.#known(key)
    // Where frames alternate nothing tells when a longer one takes effect: what comes behind it may come before its end.
    const value = this.#swarm.order === 'streams' ? long.slice(0, FRAME_BYTES_MAX / 2) : long
    known.value = value
    known.unsure ||= this.#swarm.faulty || this.#swarm.hasStreams
    this.#client.say(NOTE, `${key}=${value}`, 77)
  }

  async group(): Promise<void> {
    const { random } = this.#session
    const count = random.below(4)
    const bad = random.chance(0.3) ? random.below(4) : -1
    let done = 0
    for (let i = 0; i < count; i++) {
      if (i === bad) {
        this.#client.say(STEP, 'bad')
        const error = `step ${i} is bad`
        void this.#session.watch(this.#client.expect(STEP), (reply) => {
          if (!this.#session.failed(reply)) this.#session.expect(reply, ERROR, error, 'STEP')
        })
      } else {
        const tag = `s${this.id}.${this.#tags++}`
        this.#swarm.journal.sent(tag, this.id, true)
        this.#client.say(STEP, tag)
        if (bad < 0 || i < bad) done++
      }
    }
    const failed = bad >= 0 && bad < count
    void this.#session.watch(this.#client.ask(SYNC, ''), (reply) => {
      if (!this.#session.failed(reply)) this.#session.expect(reply, DONE, failed ? '0' : String(done), 'SYNC')
    })
  }

  /** One that fails is what decides; nothing else is out meanwhile. */
  async #alone(kind: number, text: string): Promise<Reply> {
    await this.#session.quiet()
    const reply = await this.#client.ask(kind, text)
    return reply
  }

  async switch(): Promise<void> {
    const reply = await this.#alone(SWITCH, '')
    if (!this.#session.failed(reply)) this.#session.expect(reply, OK, '', 'SWITCH')
  }

  async use(): Promise<void> {
    const space = this.#session.random.below(4)
    const reply = await this.#alone(USE, String(space))
    if (this.#session.failed(reply)) return
    if (space === 3) this.#session.expect(reply, ERROR, 'no such space', 'USE 3')
    else {
      this.#session.expect(reply, OK, '', `USE ${space}`)
      this.#space = space
    }
  }

  async transaction(): Promise<void> {
    const { hasStreams } = this.#swarm
    if (hasStreams) await this.#session.quiet()
    const count = this.#session.random.below(3)
    const keys: Known[] = []
    const step = async (kind: number, text: string) => {
      const done = this.#session.watch(this.#client.ask(kind, ''), (reply) => {
        if (this.#session.failed(reply)) for (const known of keys) known.unsure = true
        else this.#session.expect(reply, OK, text, KIND_NAMES[kind]!)
      })
      if (hasStreams) await done
    }
    await step(BEGIN, '')
    for (let i = 0; i < count; i++) {
      const put = this.#put(PUT, true, keys)
      if (hasStreams) await put
    }
    await step(COMMIT, String(count))
  }

  async subscription(): Promise<void> {
    const topic = `t${this.id}`
    await this.#session.quiet()
    this.#client.onPush = (text) => {
      if (text !== this.#news.shift()) throw new Violation(`news out of order: ${text.slice(0, 60)}`)
    }
    const count = this.#session.random.below(4)
    const confirmed = await this.#client.ask(SUBSCRIBE, topic)
    if (this.#session.failed(confirmed)) return
    this.#session.expect(confirmed, NEWS, `sub ${topic}`, 'SUBSCRIBE')
    for (let i = 0; i < count; i++) {
      const text = `${i}`.repeat(1 + this.#session.random.below(this.#valueBytesMax))
      this.#news.push(`${topic}: ${text}`)
      const reply = await this.#client.ask(PUBLISH, `${topic}=${text}`)
      if (this.#session.failed(reply)) return
      this.#session.expect(reply, OK, '1', 'PUBLISH')
    }
    const last = await this.#client.ask(UNSUBSCRIBE, topic)
    if (this.#session.failed(last)) return
    this.#session.expect(last, NEWS, `unsub ${topic}`, 'UNSUBSCRIBE')
    if (this.#news.length > 0) throw new Violation(`news never came: ${this.#news.join()}`)
  }

  async wait(): Promise<void> {
    void this.#session.watch(this.#client.ask(WAIT, String(this.#session.random.below(20))), (reply) => {
      // Word to cancel an earlier one may come late.
      if (this.#session.failed(reply) || (this.#swarm.hasCancelled && reply.text === 'cancelled')) return
      this.#session.expect(reply, OK, '', 'WAIT')
    })
  }

  async cancelled(): Promise<void> {
    const key = await this.#alone(HELLO, '')
    if (this.#session.failed(key)) return
    this.#session.expect(key, KEY, null, 'HELLO')
    const waiting = this.#client.ask(WAIT, '3000')
    const canceller = this.#swarm.canceller(key.text)
    const reply = await waiting.finally(() => canceller.stop())
    if (this.#session.failed(reply)) return
    if (reply.kind !== OK) this.#session.expect(reply, ERROR, 'cancelled', 'WAIT')
  }

  async abandoned(): Promise<void> {
    await this.#session.quiet()
    // A reply that comes at once, because something broke, could not be told from that to what uses the stream next.
    if (this.#swarm.order === 'any' && (this.#swarm.faulty || this.#swarm.hasCancelled)) return this.put()
    const { stream, reply } = this.#client.begin(WAIT, '4000')
    await this.#swarm.sleep(1)
    if (this.#client.closed) throw new ClosedError('closed')
    this.#client.say(ABANDON, '', stream)
    this.#client.forget(stream)
    await reply.catch(() => {})
    await this.#put(PUT)
  }

  async stream(): Promise<void> {
    await this.#frames(STREAM, this.#session.random.pick(['', 'first']))
  }

  async upload(): Promise<void> {
    await this.#frames(UPLOAD, this.#session.random.pick(['no', 'yes']))
  }

  async #frames(kind: number, first: string): Promise<void> {
    const { random } = this.#session
    let all = first
    const { reply, stream } = this.#client.begin(kind, first, 0)
    void this.#session.watch(reply, (answer) => {
      if (this.#session.failed(answer)) return
      if (kind === STREAM) this.#session.expect(answer, ECHO, all, 'STREAM')
      else if (first === 'no') this.#session.expect(answer, ERROR, 'refused', 'UPLOAD')
      else this.#session.expect(answer, OK, String(all.length), 'UPLOAD')
    })
    for (let left = random.below(5); left >= 0; left--) {
      if (random.chance(0.4)) await this.#swarm.sleep(random.below(5))
      const text = String(left).repeat(random.below(this.#valueBytesMax))
      all += text
      this.#client.say(DATA, text, stream, left === 0 ? END : 0)
    }
  }

  /** Gives up a request before it is whole. */
  async broken(): Promise<void> {
    const { random } = this.#session
    const { reply, stream } = this.#client.begin(random.pick([STREAM, UPLOAD, PUT]), `s${this.id}:broken=`, 0)
    for (let left = random.below(4); left > 0; left--) {
      this.#client.say(DATA, 'b'.repeat(random.below(this.#valueBytesMax)), stream, 0)
      if (random.chance(0.5)) await this.#swarm.sleep(random.below(5))
    }
    this.#client.say(ABANDON, '', stream)
    this.#client.forget(stream)
    await reply.catch(() => {})
  }

  async tail(): Promise<void> {
    if (!this.#session.random.chance(0.2)) return this.get()
    await this.#session.quiet()
    const { value, unsure } = this.#known(`s${this.id}:0`)
    this.#session.leaving = true
    const reply = await this.#client.ask(TAIL, `s${this.id}:0`)
    if (this.#session.failed(reply)) this.#session.leaving = false
    else if (!unsure) {
      // What a crash cut off cannot be told from what ended.
      const cut = this.#swarm.faulty ? reply.text.length : undefined
      this.#session.expect(reply, VALUE, (value ?? '').slice(0, cut), 'TAIL')
    }
  }
}

/** Name of something that a session does. */
export type Act = Exclude<keyof Acts, 'id'>
