import type { Address, Connection, ConnectionHandler, World } from '../../../world/world.ts'
import { encodeAsked, type Asked } from './asked.ts'
import type { ClientHabits } from './habits.ts'
import { tagIn, type Journal } from './journal.ts'
import { ReplyFault, ReplyParser, showReply, type Reply } from './reply-parser.ts'
import { Script } from './script.ts'

const CONNECT_TIMEOUT_MS = 2000
const RECONNECT_MS = 20

/** One expected reply and its request. */
interface Expected {
  readonly asked: Asked
  readonly judge: Asked['judges'][number]
  readonly last: boolean
}

/** One session of a model client: sends what its script draws, and checks that each reply belongs to its request. */
export class ModelSession implements ConnectionHandler {
  readonly script: Script
  readonly #world: World
  readonly #journal: Journal
  readonly #habits: ClientHabits
  readonly #connection: Connection
  readonly #onOver: () => void
  readonly #parser = new ReplyParser()
  /** Requests drawn and not sent. */
  #queue: Asked[] = []
  #expected: Expected[] = []
  #sent = 0
  #stepPlanned = false
  #full = false
  /** Nothing is sent before this one was answered. */
  #barrier: Asked | null = null
  #slow = false
  /** We closed, or said that we will: what is unanswered may stay so. */
  #leaving = false
  #over = false

  constructor(
    world: World,
    journal: Journal,
    habits: ClientHabits,
    connection: Connection,
    number: number,
    onOver: () => void,
  ) {
    this.#world = world
    this.#journal = journal
    this.#habits = habits
    this.#connection = connection
    this.#onOver = onOver
    this.script = new Script(number, journal, world.random, habits.valueBytesMax)
    connection.handler = this
    if (habits.reading === 'late') connection.pause()
    if (habits.reading === 'slow') this.#crawl()
    this.#plan(0)
  }

  /** What it waits for, in words. */
  get state(): string {
    const first = this.#expected[0]
    const waits = first === undefined ? 'nothing' : shownWords(first.asked)
    return `session ${this.script.session} (${JSON.stringify(this.#habits)}): sent ${this.#sent}, waits for ${waits} and ${Math.max(0, this.#expected.length - 1)} more, ${this.script.awaited.size} messages, unsent ${this.#connection.unsentBytes}`
  }

  /** Reads a little now and then. */
  #crawl(): void {
    if (this.#over) return
    this.#slow = !this.#slow
    if (this.#slow) this.#connection.pause()
    else this.#connection.resume()
    this.#world.clock.after(this.#slow ? this.#habits.pauseMs : 1, () => this.#crawl())
  }

  #plan(delayMs: number): void {
    if (this.#stepPlanned || this.#over) return
    this.#stepPlanned = true
    this.#world.clock.after(delayMs, () => {
      this.#stepPlanned = false
      if (!this.#over) this.#step()
    })
  }

  /** Sends some requests, unless it must wait for replies or for room; the reply or the drain plans the next step. */
  #step(): void {
    const { window, requests, burst, thinkMs } = this.#habits
    let text = ''
    let delayMs = this.script.random.next() * thinkMs
    let waits = false
    for (let count = 0; count < burst; count++) {
      waits = this.#barrier !== null || this.#full || this.#expected.length >= window
      if (waits) break
      if (this.#queue.length === 0 && this.#sent < requests) this.#queue.push(...this.script.next())
      const asked = this.#queue[0]
      if (asked === undefined) break
      if (asked.delayMs > 0) {
        // Once waited for, it goes.
        this.#queue[0] = { ...asked, delayMs: 0 }
        delayMs = asked.delayMs
        break
      }
      this.#queue.shift()
      text += encodeAsked(asked)
      this.#send(asked)
    }
    if (text !== '') this.#write(Buffer.from(text, 'latin1'))
    if (this.#habits.ending === 'midway' && this.#sent >= requests / 2) this.#leave()
    else if (this.#queue.length === 0 && this.#sent >= requests) this.#finish()
    else if (!waits) this.#plan(delayMs)
  }

  #send(asked: Asked): void {
    this.#sent++
    const { judges } = asked
    this.#journal.note?.(`session ${this.script.session} sends ${shownWords(asked)}`)
    for (const [at, judge] of judges.entries()) this.#expected.push({ asked, judge, last: at === judges.length - 1 })
    if (asked.next === null) return
    this.#barrier = asked
    if (this.#habits.reading === 'late') this.#connection.resume()
  }

  /** In one piece, or torn in two. */
  #write(bytes: Buffer): void {
    const cut = this.#habits.torn ? this.script.below(bytes.length) : 0
    if (cut > 0 && !this.#connection.write(bytes.subarray(0, cut))) this.#full = true
    if (!this.#connection.write(bytes.subarray(cut))) this.#full = true
    // Some write on, whatever the kernel says.
    if (this.#habits.reading === 'late') this.#full = false
  }

  /** Everything was sent. */
  #finish(): void {
    const { ending, reading } = this.#habits
    if (reading === 'late') this.#connection.resume()
    if (this.#leaving) return
    if (ending === 'half') {
      this.#leaving = true
      this.#connection.end()
      return
    }
    const answered = this.#expected.length === 0 && (this.script.awaited.size === 0 || this.#journal.faulty)
    if (!answered) return
    if (ending === 'quit' && !this.#quitSent) this.#quit()
    else if (ending === 'end') {
      this.#leaving = true
      this.#connection.end()
    } else if (ending === 'destroy') this.#leave()
  }

  #quitSent = false

  #quit(): void {
    this.#quitSent = true
    const judge = (reply: Reply) => {
      this.#leaving = true
      return reply.type === '+' && reply.text === 'OK' ? null : `expected +OK, got ${showReply(reply)}`
    }
    const quit: Asked = {
      words: ['QUIT'],
      judges: [judge],
      inline: false,
      settles: [],
      wantsError: false,
      vital: true,
      unknown: null,
      delayMs: 0,
      next: null,
    }
    this.#send(quit)
    this.#write(Buffer.from(encodeAsked(quit), 'latin1'))
  }

  /** Closes at once, whatever is in flight, and looks at nothing more. */
  #leave(): void {
    this.#leaving = this.#over = true
    this.#connection.destroy()
  }

  onData(bytes: Buffer, start: number, end: number): void {
    this.#parser.push(bytes, start, end)
    try {
      for (let reply = this.#parser.next(); reply !== null && !this.#over; reply = this.#parser.next())
        this.#judge(reply)
    } catch (error) {
      if (!(error instanceof ReplyFault)) throw error
      this.#journal.violation(`${this.state}: ${error.message}`)
    }
    if (this.#sent >= this.#habits.requests && this.#queue.length === 0) this.#finish()
    else this.#plan(this.script.random.next() * this.#habits.thinkMs)
  }

  #judge(reply: Reply): void {
    this.#journal.note?.(`session ${this.script.session} gets ${showReply(reply)}`)
    if (this.#isMessage(reply)) {
      this.#message(reply)
      return
    }
    const expected = this.#expected.shift()
    if (expected === undefined) {
      this.#journal.violation(`${this.state}: a reply that nobody asked for: ${showReply(reply)}`)
      return
    }
    const { asked, judge, last } = expected
    const wrong = judge(reply)
    if (wrong === null) {
      if (last) this.#answered(asked)
      return
    }
    if (reply.type !== '-' || !this.#journal.faulty) {
      this.#journal.violation(`${this.state}: to ${shownWords(asked)}: ${wrong}`)
      return
    }
    asked.unknown?.()
    if (asked.vital) this.#leave()
    else if (this.#barrier === asked) this.#barrier = null
    // An error stands for all the replies that a request would have had.
    while (!last && this.#expected[0]?.asked === asked) this.#expected.shift()
  }

  #answered(asked: Asked): void {
    for (const tag of asked.settles) this.#journal.settled(tag)
    if (asked.next === null || this.#barrier !== asked) return
    this.#barrier = null
    if (this.#habits.reading === 'late') this.#connection.pause()
    this.#queue.unshift(...asked.next())
  }

  #isMessage(reply: Reply): boolean {
    return (
      (reply.type === '>' || reply.type === '*') && reply.items?.[0]?.text === 'message' && reply.items.length === 3
    )
  }

  #message(reply: Reply): void {
    const [channel, text] = [reply.items![1]!.text ?? '', reply.items![2]!.text ?? '']
    const tag = tagIn(text)
    const { confirmed, met } = this.script
    const subscribed = confirmed.has(channel) || (this.#journal.pushesMayBeLate && met.has(channel))
    if (tag === null || !subscribed)
      this.#journal.violation(`${this.state}: a message that it did not subscribe to: ${showReply(reply)}`)
    else {
      this.script.awaited.delete(tag)
      this.#journal.received(this.script.session, channel, tag)
    }
  }

  onDrain(): void {
    this.#full = false
    this.#plan(0)
  }

  onEnd(): void {
    if (!this.#leaving && !this.#journal.faulty) this.#journal.violation(`${this.state}: the connection was closed`)
    this.#connection.end()
  }

  onClose(error: Error | null): void {
    this.#journal.note?.(`session ${this.script.session} is closed: ${error?.message ?? 'in order'}`)
    this.#over = true
    if (!this.#leaving && !this.#journal.faulty)
      this.#journal.violation(`${this.state}: the connection was lost: ${error?.message ?? 'closed'}`)
    this.#onOver()
  }
}

function shownWords({ words }: Asked): string {
  return JSON.stringify(words.join(' ').slice(0, 80))
}

/** A client that has several sessions, one after the other. */
export class ModelClient {
  /** Its last session is over. */
  done = false
  session: ModelSession | null = null
  readonly #world: World
  readonly #address: Address
  readonly #journal: Journal
  readonly #habits: readonly ClientHabits[]
  readonly #number: () => number
  #next = 0
  #attempts = 0

  /** Has a session for each of `habits`; `number` gives numbers that are unique in the run. */
  constructor(world: World, address: Address, journal: Journal, habits: readonly ClientHabits[], number: () => number) {
    this.#world = world
    this.#address = address
    this.#journal = journal
    this.#habits = habits
    this.#number = number
  }

  get state(): string {
    return this.session?.state ?? `connecting, attempt ${this.#attempts}`
  }

  start(): void {
    const habits = this.#habits[this.#next]
    if (habits === undefined) {
      this.done = true
      return
    }
    this.#attempts++
    this.#world.net.connect(this.#address, CONNECT_TIMEOUT_MS, (error, connection) => {
      if (connection === null) {
        if (!this.#journal.faulty) this.#journal.violation(`can't connect: ${error!.message}`)
        this.#world.clock.after(RECONNECT_MS, () => this.start())
        return
      }
      this.#next++
      this.#attempts = 0
      this.session = new ModelSession(this.#world, this.#journal, habits, connection, this.#number(), () => {
        this.session = null
        this.start()
      })
    })
  }
}
