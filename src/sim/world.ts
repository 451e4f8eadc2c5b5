import type { Clock, Task, Timer, Turn, World } from '../world/world.ts'
import { SimNet } from './net.ts'
import { CALM, type SimOptions } from './options.ts'
import { SimRandom } from './random.ts'
import { Schedule } from './schedule.ts'
import { Trace } from './trace.ts'

/** 2030-01-01, so that wall clock and monotonic clock are never mistaken for one another. */
const WALL_START_MS = 1_893_456_000_000

/**
 * Resolves when every microtask that is queued now, and every one that those queue, has run: Node empties the microtask queue
 * before it looks at the ticks.
 */
function drained(): Promise<void> {
  return new Promise((resolve) => process.nextTick(resolve))
}

/** How a run came to its end: what it waited for holds, or nothing is left that could happen. */
export type RunEnd = 'reached' | 'idle'

/** A deterministic world. Nothing happens but inside `run`; the same options and the same callers give the same run. */
export class SimWorld {
  options: SimOptions
  readonly random: SimRandom
  readonly trace: Trace
  readonly schedule = new Schedule()
  readonly net: SimNet
  readonly world: World
  /** Milliseconds since the start. */
  nowMs = 0
  /** Number of the current turn. */
  turn = 0
  #work: Task[] = []
  #flush: Task[] = []

  constructor(options: Partial<SimOptions> = {}) {
    this.options = { ...CALM, ...options }
    this.random = new SimRandom(this.options.seed)
    this.trace = new Trace(this.options.trace)
    this.net = new SimNet(this)
    const clock: Clock = {
      now: () => this.nowMs,
      exact: () => this.nowMs,
      wall: () => WALL_START_MS + Math.floor(this.nowMs),
      after: (ms, fire) => this.#after(ms, fire),
    }
    const turn: Turn = {
      // For every other seed, so that whoever asks goes both ways.
      isSlow: this.options.seed % 2 === 1,
      computedMs: () => Infinity,
      work: (task) => void this.#work.push(task),
      flush: (task) => void this.#flush.push(task),
    }
    this.world = { clock, net: this.net, turn, random: this.random }
  }

  #after(ms: number, fire: () => void): Timer {
    const lateMs = this.random.next() * this.options.timerLateMs
    return this.schedule.add(this.nowMs + Math.max(0, ms) + lateMs, () => {
      this.trace.note(this.nowMs, 'timer', 0, 0)
      fire()
    })
  }

  /** From now on nothing breaks by chance. */
  calm(): void {
    this.options = { ...this.options, resetChance: 0, clogChance: 0, refuseChance: 0 }
  }

  /**
   * Runs turns until the time `until` has come, or `until()` says true after a turn. 'idle': nothing is left to happen.
   * Whatever a handler, a timer or a task throws ends the run. Throws after `eventsMax` events, so that a livelock is found.
   */
  async run(until: number | (() => boolean), eventsMax = 1_000_000): Promise<RunEnd> {
    const untilMs = typeof until === 'number' ? until : Infinity
    const reached = typeof until === 'number' ? () => false : until
    let events = 0
    await drained()
    while (!reached()) {
      const nextMs = this.#work.length + this.#flush.length > 0 ? this.nowMs : this.schedule.nextMs()
      if (nextMs > untilMs || nextMs === Infinity) {
        if (untilMs === Infinity) return 'idle'
        this.nowMs = Math.max(this.nowMs, untilMs)
        return 'reached'
      }
      events += 1 + (await this.#runTurn(nextMs))
      if (events > eventsMax) throw new Error(`no end after ${eventsMax} events, at ${this.nowMs} ms`)
    }
    return 'reached'
  }

  async #runTurn(nextMs: number): Promise<number> {
    this.turn++
    this.nowMs = Math.max(this.nowMs + this.random.next() * this.options.turnMs, nextMs)
    const quota = this.random.between(1, this.options.turnEvents)
    let events = 0
    while (events < quota) {
      const event = this.schedule.due(this.nowMs)
      if (event === null) break
      events++
      event.run()
      await drained()
    }
    this.#endTurn()
    await drained()
    this.net.turnEnded()
    return events
  }

  /** Work, then flushes, with no microtask between: as the event loop's check phase runs them. */
  #endTurn(): void {
    const work = this.#work
    this.#work = []
    for (const task of work) task.run()
    // A flush that a flush asks for still runs in this turn.
    for (let i = 0; i < this.#flush.length; i++) this.#flush[i]!.run()
    this.#flush.length = 0
  }
}
