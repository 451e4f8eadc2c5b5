import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Registry } from '../observability/metrics.ts'
import type { CoreThread } from './core-thread.ts'
import { PATIENCE, ThreadWatch } from './thread-watch.ts'

class Thread implements CoreThread {
  readonly name: string
  readonly sessions = 3
  closed = 0
  answers = true
  #asked: number | null = null
  now = 0
  constructor(name: string) {
    this.name = name
  }
  accept(): void {}
  async snapshot() {
    return []
  }
  filterChanged(): void {}
  updateTls(): void {}
  pulse(now: number): number {
    if (this.answers) this.#asked = null
    this.#asked ??= now
    return now - this.#asked
  }
  forgive(): void {
    this.#asked = null
  }
  async prepare(): Promise<void> {}
  commit(): void {}
  abandon(): void {}
  revert(): void {}
  async drain(): Promise<void> {}
  async close(): Promise<void> {
    this.closed++
  }
}

class Play {
  readonly threads = [new Thread('core-1'), new Thread('core-2')]
  readonly logged: string[] = []
  readonly registry = new Registry()
  readonly watch: ThreadWatch
  now = Math.ceil(performance.now())

  constructor() {
    const at = (level: string) => (message: string) => void this.logged.push(`${level} ${message}`)
    const log = { debug: at('DEBUG'), info: at('INFO'), warn: at('WARN'), error: at('ERROR') }
    this.watch = new ThreadWatch({ log, metrics: this.registry, patience: PATIENCE, threads: () => this.threads })
    this.watch.tick(this.now)
  }

  pass(seconds: number): void {
    for (let i = 0; i < seconds; i++) this.watch.tick((this.now += 1000))
  }

  counted(name: string): number {
    return this.registry.snapshot().find((sample) => sample.name === name)!.value
  }
}

test('a thread that answers is left alone', () => {
  const play = new Play()
  play.pass(200)
  assert.deepEqual(play.logged, [])
})

test('a thread that stalls gets no clients until it answers again', () => {
  const play = new Play()
  const [one, two] = play.threads
  play.pass(1)
  one!.answers = false
  play.pass(9)
  assert.equal(play.watch.isStalled(one!), false)
  play.pass(2)
  assert.equal(play.watch.isStalled(one!), true)
  assert.equal(play.watch.isStalled(two!), false)
  assert.deepEqual(play.logged, ['WARN core-1 has not answered for 10 s: its 3 clients wait, and it gets no new ones'])
  one!.answers = true
  play.pass(1)
  assert.equal(play.watch.isStalled(one!), false)
  assert.equal(play.logged.at(-1), 'WARN core-1 answers again')
  assert.equal(play.counted('shotover_thread_stalls_count'), 1)
  assert.equal(play.counted('shotover_thread_hangs_count'), 0)
})

test('a thread that hangs is ended, once, and forgotten when it is gone', () => {
  const play = new Play()
  const [one] = play.threads
  one!.answers = false
  play.pass(100)
  assert.equal(one!.closed, 1)
  assert.equal(play.threads[1]!.closed, 0)
  assert.equal(play.logged.at(-1), 'ERROR core-1 has not answered for 60 s: it is ended, and its clients with it')
  assert.equal(play.counted('shotover_thread_hangs_count'), 1)
  play.threads.shift()
  play.pass(1)
  assert.equal(play.watch.isStalled(one!), false)
})

test('when the process was stopped nobody is blamed but it is said', () => {
  const play = new Play()
  for (const thread of play.threads) thread.answers = false
  play.pass(5)
  play.watch.tick((play.now += 100_000))
  play.pass(8)
  assert.deepEqual(play.logged, ['WARN the main thread did not run for 99 s: it was busy, or the process was stopped'])
  assert.equal(play.threads[0]!.closed, 0)
})
