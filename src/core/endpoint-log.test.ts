import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SimWorld } from '../sim/world.ts'
import { EndpointLog } from './endpoint-log.ts'
import type { Log } from './kind.ts'
import { ProtocolError } from './protocol.ts'

class Play {
  readonly lines: string[] = []
  readonly sim = new SimWorld({ tearChance: 0 })
  readonly log: EndpointLog

  constructor() {
    const keep = (level: string) => (message: string, fields?: Record<string, unknown>) =>
      this.lines.push(`${level} ${message.replaceAll(/\s+/g, ' ')} ${JSON.stringify(fields ?? {})}`)
    const log: Log = { debug: keep('debug'), info: keep('info'), warn: keep('warn'), error: keep('error') }
    this.log = new EndpointLog('host:1', log, this.sim.world.clock)
  }

  async later(ms: number): Promise<void> {
    await this.sim.run(this.sim.nowMs + ms)
  }

  take(): string[] {
    return this.lines.splice(0)
  }
}

const refused = new Error('no way', { cause: Object.assign(new Error('refused'), { code: 'ECONNREFUSED' }) })

test('failures are told at once, then summed up every ten seconds, then that they are over', async () => {
  const play = new Play()
  for (let i = 0; i < 100; i++) play.log.failed(2, refused)
  const [first, ...none] = play.take()
  assert.deepEqual(none, [])
  assert.match(
    first!,
    /^warn requests to host:1 are answered with errors Caused by: 0: no way 1: refused .*"requests":2/,
  )
  assert.match(first!, /"hint":"Nothing listens there/)
  await play.later(10_001)
  assert.match(play.take().join(), /^warn .*"requests":198[^]*$/)
  await play.later(10_001)
  assert.match(play.take().join(), /^info no request to host:1 has failed for 10 s .*"failed_for_seconds":10/)
  await play.later(60_000)
  assert.deepEqual(play.take(), [])
  play.log.failed(1, new ProtocolError('nonsense'))
  assert.match(play.take().join(), /does it want TLS/)
})

test('that it answers again is told where it was silent, once', () => {
  const play = new Play()
  play.log.answered()
  assert.deepEqual(play.take(), [])
  play.log.silent(2000, 3)
  play.log.answered()
  play.log.answered()
  const lines = play.take()
  assert.equal(lines.length, 2)
  assert.match(lines[0]!, /^warn host:1 does not answer.*"seconds":2,"requests":3/)
  assert.match(lines[1]!, /^info host:1 answers again/)
})
