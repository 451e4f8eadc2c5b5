import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TICK_US, cpuTicks, cpuUs, parseMachine, parseStat, parseStatusBytes, rssBytes } from './proc.ts'

const TAIL = 'S 1 42 42 0 -1 4194304 900 17 3 0 120 30 7 5 20 0 3 0 8812 1000 200 18446744073709551615'

for (const name of ['redis-server', 'a b', 'tmux: (1) S 9', ') 1 2 3']) {
  test(`CPU time is found behind a process named "${name}"`, () => {
    assert.deepEqual(parseStat(`42 (${name}) ${TAIL}\n`), { own: 150, children: 12 })
  })
}

test('a line that is no stat line is refused', () => {
  assert.throws(() => parseStat('42 (x) S 1 2'), /not the stat line/)
})

test('memory fields of a status file are read in bytes', () => {
  const status = 'Name:\tx\nVmHWM:\t   2048 kB\nVmRSS:\t    1024 kB\nRssAnon:\t 1 kB\n'
  assert.equal(parseStatusBytes(status, 'VmRSS'), 1024 * 1024)
  assert.equal(parseStatusBytes(status, 'VmHWM'), 2048 * 1024)
  assert.throws(() => parseStatusBytes(status, 'VmSwap'), /no VmSwap/)
})

test('idle and iowait do not count as busy', () => {
  const stat = 'cpu  10 1 20 400 9 3 2 5 7 7\ncpu0 1 1 1 1 1 1 1 1 1 1\n'
  assert.deepEqual(parseMachine(stat), { busy: 41, total: 450 })
})

test('the CPU time and memory of a living process grow with what it does', () => {
  const before = cpuTicks('self').own
  const until = performance.now() + 2000
  while (cpuTicks('self').own < before + 3) assert.ok(performance.now() < until, 'no CPU time counted in two seconds')
  assert.ok(rssBytes(process.pid) > 10 * 1024 * 1024)
})

test('CPU time in microseconds is what ticks are, but finer', () => {
  const ticks = cpuTicks('self').own * TICK_US
  const us = cpuUs(process.pid)
  // Threads that have ended are in ticks alone.
  assert.ok(us > 0 && us < ticks + 3 * TICK_US, `${us} us, ${ticks} us in ticks`)
  for (const until = performance.now() + 2; performance.now() < until;);
  assert.ok(cpuUs(process.pid) > us)
})
