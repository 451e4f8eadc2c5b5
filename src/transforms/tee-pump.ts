// Hot path
import type { Task, Timer, World } from '../world/world.ts'

/** So long copies gather before they leave, or until so many are there: of one client, of which one request meets them. */
const GATHER_MS = 10
const GATHER_COUNT = 256
/** Of several, of which all may have a request that meets them: the longer that takes the later are all. */
const GATHER_COUNT_SHARED = 64
const GATHER_BYTES = 64 * 1024
/** In one turn no further client has its turn once so many have left. */
const TURN_COUNT = 64

/** Who has copies to send. */
export interface Pumped {
  /** Sends what there is room for; how many that were. */
  runScheduled(): number
}

/**
 * When the copies of all clients of a Tee leave: together, a while after the first of them, so that what they cost, a write and a read and a
 * server that wakes, comes seldom between a client and its reply; and behind what leaves for clients and servers in that turn.
 */
export class Pump implements Task {
  readonly #world: World
  readonly #send: Task
  #waiting: Pumped[] = []
  #next: Pumped[] = []
  #count = 0
  #bytes = 0
  #timer: Timer | null = null
  #isDue = false

  constructor(world: World) {
    this.#world = world
    this.#send = { run: () => this.#runSome() }
  }

  /** `pumped`, which is not among those that wait, has something to send. */
  add(pumped: Pumped): void {
    this.#waiting.push(pumped)
    this.#timer ??= this.#world.clock.after(GATHER_MS, () => {
      this.#timer = null
      this.hurry()
    })
  }

  /** So much more waits. */
  gather(count: number, bytes: number): void {
    this.#count += count
    this.#bytes += bytes
    const countMax = this.#waiting.length > 1 ? GATHER_COUNT_SHARED : GATHER_COUNT
    if (this.#count >= countMax || this.#bytes >= GATHER_BYTES) this.hurry()
  }

  /** Those that wait have their turn when this one ends. */
  hurry(): void {
    if (this.#isDue) return
    this.#isDue = true
    this.#world.turn.work(this)
  }

  /** Whoever has to write in this turn has said so by now. */
  run(): void {
    this.#world.turn.flush(this.#send)
  }

  #runSome(): void {
    this.#isDue = false
    this.#timer?.cancel()
    this.#timer = null
    this.#count = this.#bytes = 0
    const waiting = this.#waiting
    this.#waiting = this.#next
    let sent = 0
    let i = 0
    while (i < waiting.length && sent < TURN_COUNT) sent += waiting[i++]!.runScheduled()
    // Those of others have turns of their own: no client waits for them all.
    for (; i < waiting.length; i++) this.#waiting.push(waiting[i]!)
    waiting.length = 0
    this.#next = waiting
    if (this.#waiting.length !== 0) this.hurry()
  }
}
