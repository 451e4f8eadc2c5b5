import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { LogFormat } from './log-format.ts'
import { LogRoot } from './log.ts'
import { logPanic } from './panics.ts'
import { logStartFailure } from './start-failure.ts'
import type { LineWriter } from './stdout.ts'

class Lines implements LineWriter {
  readonly lines: string[] = []
  dropped = 0
  write(line: string): void {
    this.lines.push(line)
  }
  flush(): Promise<void> {
    return Promise.resolve()
  }
  takeDropped(): number {
    const dropped = this.dropped
    this.dropped = 0
    return dropped
  }
}

const TIME = Date.UTC(2026, 0, 2, 3, 4, 5, 67) + 0.0895

function open(
  format: LogFormat,
  filter = 'info',
  colours = false,
): { log: LogRoot; writer: Lines; text: () => string } {
  const writer = new Lines()
  const log = new LogRoot({ format, colours, writer, now: () => TIME })
  log.setFilter(filter)
  return { log, writer, text: () => writer.lines.join('') }
}

test('human: time with microseconds, padded level, target, message, fields', () => {
  const { log, text } = open('human')
  log
    .logger('shotover::runner')
    .info('hello world', { count: 3, name: 'two words', plain: 'a:b', list: [1], error: new Error('bad') })
  assert.equal(
    text(),
    '2026-01-02T03:04:05.067089Z  INFO shotover::runner: hello world count=3 name="two words" plain=a:b list=[1] error=bad\n',
  )
})

test('human: an event without a message consists of its fields', () => {
  const { log, text } = open('human')
  log.logger('shotover::runner').error('', { configuration: 'x' })
  assert.equal(text(), '2026-01-02T03:04:05.067089Z ERROR shotover::runner: configuration=x\n')
})

test('human: what a terminal would obey is shown instead, but for line ends and tabs', () => {
  const { log, text } = open('human')
  log.logger('t').warn("got '\x1b[2J\r'\n\tnext", { word: '\x07', words: 'a \x9b', error: new Error('\x00') })
  assert.equal(
    text(),
    '2026-01-02T03:04:05.067089Z  WARN t: got \'\\x1b[2J\\x0d\'\n\tnext word=\\x07 words="a \\x9b" error=\\x00\n',
  )
})

test('human: fields of several lines follow below the message', () => {
  const { log, text } = open('human')
  log.logger('t').warn('first', { below: 'a\nb\n', beside: 1 })
  assert.equal(text(), '2026-01-02T03:04:05.067089Z  WARN t: first beside=1\na\nb\n')
})

test('human: colours dim time and target, and tell the levels apart', () => {
  const { log, text } = open('human', 'debug', true)
  const logger = log.logger('t')
  logger.debug('d')
  logger.info('i', { k: 1 })
  logger.warn('w')
  logger.error('e')
  const time = '\x1b[2m2026-01-02T03:04:05.067089Z\x1b[0m'
  const target = '\x1b[2mt\x1b[0m\x1b[2m:\x1b[0m'
  assert.equal(
    text(),
    `${time} \x1b[34mDEBUG\x1b[0m ${target} d\n${time} \x1b[32m INFO\x1b[0m ${target} i \x1b[3mk\x1b[0m\x1b[2m=\x1b[0m1\n${time} \x1b[33m WARN\x1b[0m ${target} w\n${time} \x1b[31mERROR\x1b[0m ${target} e\n`,
  )
})

test('json: one object per line, message first among the fields', () => {
  const { log, text } = open('json')
  log.logger('shotover::server').info('two\nlines', { count: 3, big: 7n, error: new Error('bad') })
  assert.equal(
    text(),
    '{"timestamp":"2026-01-02T03:04:05.067089Z","level":"INFO","fields":{"message":"two\\nlines","count":3,"big":7,"error":"bad"},"target":"shotover::server"}\n',
  )
})

test('json: an event without a message has no field of that name', () => {
  const { log, text } = open('json')
  log.logger('t').info('', { topology: '{}' })
  assert.deepEqual(JSON.parse(text()).fields, { topology: '{}' })
})

const SPAN = { name: 'connection', fields: { id: 7, source: 'valkey' } }

test('spans show only where their target is at debug', () => {
  const { log, writer } = open('human', 'info, shotover::connection_span=info')
  const logger = log.logger('shotover::server', SPAN)
  logger.info('without')
  log.setFilter('info, shotover::connection_span=debug')
  logger.info('with')
  assert.deepEqual(
    writer.lines.map((line) => line.slice('2026-01-02T03:04:05.067089Z  INFO '.length)),
    ['shotover::server: without\n', 'connection{id=7 source=valkey}: shotover::server: with\n'],
  )
})

test('json: span and spans', () => {
  const { log, text } = open('json', 'debug')
  log.logger('t', SPAN).info('x')
  const { span, spans } = JSON.parse(text())
  assert.deepEqual(span, { id: 7, source: 'valkey', name: 'connection' })
  assert.deepEqual(spans, [span])
})

test('a changed filter holds at once for loggers that exist, and a bad one changes nothing', () => {
  const { log, writer } = open('human', 'warn')
  const logger = log.logger('shotover::server')
  logger.info('1')
  log.setFilter('info')
  logger.info('2')
  assert.throws(() => log.setFilter('debug', 'nonsense'), /error parsing level filter/)
  logger.debug('3')
  logger.info('4')
  log.setFilter('info', 'shotover::server=off')
  logger.error('5')
  assert.deepEqual(
    writer.lines.map((line) => line.at(-2)),
    ['2', '4'],
  )
})

test('later texts of a filter override earlier ones', () => {
  const { log } = open('human')
  log.setFilter('error, a=warn', 'info, a=debug')
  assert.equal(log.level('b'), 3)
  assert.equal(log.level('a::b'), 4)
})

test('dropped lines are told of by a line of their own', () => {
  const { log, writer } = open('human')
  writer.dropped = 12
  log.logger('t').info('next')
  assert.equal(writer.lines.length, 2)
  assert.match(
    writer.lines[0],
    / WARN shotover::logging: log lines were dropped: there was no room for them dropped=12\n$/,
  )
})

test('the clock has microseconds and does not stray from the system', () => {
  const writer = new Lines()
  const log = new LogRoot({ format: 'json', colours: false, writer })
  log.setFilter('info')
  const before = Date.now()
  log.logger('t').info('x')
  const { timestamp } = JSON.parse(writer.lines[0])
  assert.match(timestamp, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/)
  const logged = Date.parse(`${timestamp.slice(0, 23)}Z`)
  assert.ok(logged >= before - 25 && logged <= Date.now() + 25, `${logged} against ${before}`)
})

test('a failed start is one error with its causes, and details apart from the message', () => {
  const { log, text } = open('json', 'error')
  logStartFailure(log.logger('shotover::runner'), ['Topology errors\nfoo source:\n  x\n'], 'topology.yaml:1:2: x')
  assert.deepEqual(JSON.parse(text()).fields, {
    message: 'Failed to start shotover\n\nCaused by:\n    Topology errors\n    foo source:\n      x\n    ',
    details: '\ntopology.yaml:1:2: x',
  })
})

test('several causes are numbered', () => {
  const { log, text } = open('human', 'error')
  logStartFailure(log.logger('shotover::runner'), ['one', 'two\nlines'])
  assert.ok(text().endsWith('Failed to start shotover\n\nCaused by:\n    0: one\n    1: two\n       lines\n'), text())
})

test('json: an error that nobody caught is an ERROR event with its place', () => {
  const { log, text } = open('json', 'error')
  const error = new Error('broken')
  logPanic(log, error)
  const { level, fields } = JSON.parse(text())
  assert.equal(level, 'ERROR')
  assert.equal(fields.message, 'broken')
  assert.match(fields['panic.file'], /log\.test\.ts$/)
  assert.ok(fields['panic.line'] > 0 && fields['panic.column'] > 0)
  assert.equal(fields['panic.backtrace'], error.stack)
})

test('json: something thrown that is no error is logged all the same', () => {
  const { log, text } = open('json', 'error')
  logPanic(log, 'text')
  assert.equal(JSON.parse(text()).fields.message, 'text')
})
