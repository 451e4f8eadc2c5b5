import assert from 'node:assert/strict'
import { test, mock } from 'node:test'
import { LogRoot } from './log.ts'
import type { LineWriter } from './stdout.ts'

class Lines implements LineWriter {
  readonly messages: string[] = []
  write(line: string): void {
    const { fields, level } = JSON.parse(line) as { fields: Record<string, unknown>; level: string }
    this.messages.push(`${level} ${Object.values(fields).join(' ')}`)
  }
  flush(): Promise<void> {
    return Promise.resolve()
  }
  takeDropped(): number {
    return 0
  }
}

function open(): { log: LogRoot; messages: string[] } {
  const writer = new Lines()
  const log = new LogRoot({ format: 'json', colours: false, writer, now: () => 0 })
  log.setFilter('info')
  return { log, messages: writer.messages }
}

test('of a thousand warnings that say the same ten are written, and then how many more there were', () => {
  mock.timers.enable({ apis: ['setTimeout'] })
  try {
    const { log, messages } = open()
    const logger = log.logger('t')
    for (let i = 0; i < 1000; i++) {
      logger.error('lost\n\nCaused by:\n    x', { id: i })
      if (i % 100 === 0) logger.error(`other ${i}`)
    }
    assert.equal(messages.length, 20)
    mock.timers.tick(10_000)
    assert.equal(messages.length, 21)
    assert.equal(messages.at(-1), 'ERROR lost (990 more like it within 10 s) 990')
    logger.error('lost\n\nCaused by:\n    x', { id: 1000 })
    assert.equal(messages.length, 22)
    mock.timers.tick(60_000)
    assert.equal(messages.length, 22)
  } finally {
    mock.timers.reset()
  }
})

test('what is no warning is never held back, nor what another target says', () => {
  const { log, messages } = open()
  for (let i = 0; i < 100; i++) log.logger('t').info('hello')
  assert.equal(messages.length, 100)
  for (let i = 0; i < 20; i++) log.logger(`t${i % 2}`).warn('the same')
  assert.equal(messages.length, 120)
})

test('clients that send all kinds of things do not make a new line each', () => {
  const { log, messages } = open()
  for (let i = 0; i < 100; i++) log.logger('t').warn(`expected '$', got '${i}'`)
  assert.equal(messages.length, 10)
  for (let i = 0; i < 1000; i++) log.logger('t').warn(`got ${i}`)
  // 255 kinds, and ten that are too many to be told apart.
  assert.equal(messages.length, 10 + 255 + 10)
})

test('what was held back is told before the process ends', async () => {
  const { log, messages } = open()
  for (let i = 0; i < 12; i++) log.logger('t').warn('the same')
  await log.flush()
  assert.equal(messages.at(-1), 'WARN the same (2 more like it within 10 s) 2')
})
