import assert from 'node:assert/strict'
import { test } from 'node:test'
import { play, type Message, type Play, type PlayOptions } from '../../test/kit.ts'
import type { TransformKind } from '../core/kind.ts'
import { coalesce } from './coalesce.ts'
import { ResultSource } from './tee-result-source.ts'
import { tee } from './tee.ts'

const DROPPED = 'shotover_tee_dropped_messages_count{chain="Tee",name="Tee-1"}'

/** A Tee, and what operators may do with it. */
function playTee(options: Record<string, unknown> = {}, settings: PlayOptions = {}): { p: Play; source: ResultSource } {
  const memory = new SharedArrayBuffer(4)
  const kind = {
    ...tee,
    create: (given: never, env: never) => tee.create(given, { ...(env as object), shared: memory } as never),
  }
  return { p: play(kind as TransformKind, { chain: [], ...options }, settings), source: new ResultSource(memory) }
}

const get = (...names: string[]): Message[] => names.map((name) => ['GET', name])
const set = (size: number): Message => ['SET', 'a', 'x'.repeat(size)]
/** Copies leave together, after so long. */
const gather = (p: Play) => p.advance(10)
const dropped = (p: Play) => p.metrics[DROPPED]

test('Ignore: the chain within gets a copy of everything, and nobody sees what it says', async () => {
  const { p } = playTee()
  const shadow = p.within('chain')
  await p.send(...get('a', 'b'))
  p.expectForwarded(...get('a', 'b'))
  await gather(p)
  shadow.expectForwarded(...get('a', 'b'))
  await shadow.answer('-ERR no\r\n')
  await p.answer('+a\r\n', '+b\r\n')
  await shadow.push('>1\r\n$4\r\nnews\r\n')
  await p.push('>1\r\n$4\r\nreal\r\n')
  p.expectReplied('+a\r\n+b\r\n>1\r\n$4\r\nreal\r\n')
  await shadow.answer('+late\r\n')
  p.expectReplied()
  assert.deepEqual([p.faults, dropped(p)], [0, 0])
})

test('Ignore: a chain within that fails is logged, and what it does not get is counted', async () => {
  const { p } = playTee()
  const shadow = p.within('chain')
  await p.send(...get('a'))
  await gather(p)
  await shadow.fail('no luck')
  await p.send(...get('b', 'c'))
  await p.answer('+a\r\n', '+b\r\n', '+c\r\n')
  p.expectReplied('+a\r\n+b\r\n+c\r\n')
  shadow.expectForwarded(...get('a'))
  const text = p.logged.find((line) => line.includes('Internal error'))
  assert.match(
    text!,
    /^error: Internal error in buffered chain "Tee-1": Transform Server named server failed in chain Tee-1\n\nCaused by:\n    no luck/,
  )
  assert.equal(dropped(p), 3)
})

test('Ignore: what a shadow does not take waits, up to the size of the buffer, and no client waits for it', async () => {
  const { p } = playTee({ buffer_size: 2 }, { limits: { sessionInFlightMax: 2 } })
  const shadow = p.within('chain')
  for (const name of 'abcdefg') {
    await p.send(...get(name))
    await p.answer(`+${name}\r\n`)
    p.expectReplied(`+${name}\r\n`)
  }
  shadow.expectForwarded(...get('a', 'b'))
  assert.equal(dropped(p), 3)
  await shadow.answer('+a\r\n', '+b\r\n')
  shadow.expectForwarded(...get('c', 'd'))
})

test('Ignore: copies leave together, after a while or when there are many, of all clients in their order', async () => {
  const { p } = playTee({}, { limits: { sessionInFlightMax: 1000 } })
  const q = p.connect()
  const shadows = [p.within('chain'), q.within('chain')]
  const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h']
  for (const name of names) await p.send(...get(name))
  await p.advance(5)
  await q.send(...get('x'))
  await p.advance(4.9)
  for (const shadow of shadows) shadow.expectForwarded()
  await p.advance(0.1)
  shadows[0]!.expectForwarded(...get(...names))
  shadows[1]!.expectForwarded(...get('x'))
  const many = (count: number) => Array.from({ length: count }, () => get('y')[0]!)
  // Of one client 256, of several 64.
  await p.send(...many(255))
  shadows[0]!.expectForwarded()
  await p.send(...many(1))
  assert.equal(shadows[0]!.takeForwarded().length, 256)
  await p.send(...many(40))
  for (let i = 0; i < 24; i++) await q.send(...get('z'))
  assert.deepEqual(
    shadows.map(({ open }) => open.length),
    [8 + 256 + 40, 1 + 24],
  )
  assert.equal(dropped(p), 0)
})

test('Ignore: what gathers has room, however many batches it is; what waits for room has the buffer', async () => {
  const { p } = playTee({ buffer_size: 1 }, { limits: { sessionInFlightMax: 4 } })
  const shadow = p.within('chain')
  for (const name of 'abcdef') {
    await p.send(...get(name))
    await p.answer('+ok\r\n')
  }
  shadow.expectForwarded(...get('a', 'b', 'c', 'd'))
  assert.equal(dropped(p), 1)
  await shadow.answer('+a\r\n')
  shadow.expectForwarded(...get('e'))
})

test('Ignore: with a time-out more may wait, each so long', async () => {
  const { p } = playTee({ buffer_size: 1, timeout_micros: 5000 }, { limits: { sessionInFlightMax: 1 } })
  const shadow = p.within('chain')
  const send = async (name: string) => {
    await p.send(...get(name))
    await p.answer('+ok\r\n')
  }
  await send('a')
  await send('b')
  await send('c')
  await p.advance(3)
  await send('d')
  await p.advance(1.9)
  assert.equal(dropped(p), 0)
  await p.advance(0.2)
  assert.equal(dropped(p), 1)
  await shadow.answer('+a\r\n')
  await shadow.answer('+b\r\n')
  shadow.expectForwarded(...get('a', 'b', 'd'))
})

test('Ignore: of a transaction all is sent, or nothing', async () => {
  const { p } = playTee({ buffer_size: 1 }, { limits: { sessionInFlightMax: 1 } })
  const shadow = p.within('chain')
  const talk: string[] = ['GET 1', 'GET 2', 'GET 3', 'MULTI', 'SET k v', 'EXEC', 'GET 4']
  for (const line of talk) {
    await p.send(line.split(' '))
    await p.answer('+ok\r\n')
  }
  await shadow.answer('+1\r\n')
  await p.send(['MULTI'])
  await p.answer('+ok\r\n')
  for (const line of ['SET k w', 'GET 5', 'EXEC', 'GET 6']) {
    await p.send(line.split(' '))
    await p.answer('+ok\r\n')
  }
  for (let open = shadow.open.length; open > 0; open = shadow.open.length) await shadow.answer('+ok\r\n')
  const came = shadow.takeForwarded().map(({ bytes }) =>
    String(bytes)
      .split('\r\n')
      .filter((_, i) => i > 0 && i % 2 === 0)
      .join(' '),
  )
  assert.deepEqual(came, ['GET 1', 'GET 2', 'MULTI', 'SET k w', 'GET 5', 'EXEC'])
  assert.equal(dropped(p), 6)
})

test('Ignore: large requests flow on in parts, to both', async () => {
  const { p } = playTee({}, { limits: { cutThroughBytes: 64 } })
  await p.send(set(1000), ...get('b'))
  p.expectForwarded(set(1000), ...get('b'))
  p.within('chain').expectForwarded(set(1000), ...get('b'))
  const reply = `$1000\r\n${'y'.repeat(1000)}\r\n`
  await p.within('chain').answer(reply)
  await p.answer(reply, '+b\r\n')
  p.expectReplied(reply, '+b\r\n')
  assert.equal(p.faults, 0)
})

test('Ignore: a large request whose client leaves in the middle is given up in the shadow too', async () => {
  const { p } = playTee({}, { limits: { cutThroughBytes: 64 } })
  await p.send(`*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1000\r\n${'x'.repeat(500)}`)
  const [forwarded] = p.within('chain').open
  assert.equal(forwarded!.isWhole, false)
  await p.leave()
  assert.ok(forwarded!.exchange.requestParts!.error !== null)
})

test('Ignore: what clients had sent goes to the shadow after they left, and what it holds too', async () => {
  const within = { chain: [{ kind: coalesce as TransformKind, options: { flush_when_buffered_message_count: 100 } }] }
  for (const end of ['leave', 'finish', 'drain'] as const) {
    const { p } = playTee({}, { within })
    const shadow = p.within('chain')
    await p.send(...get('a', 'b'))
    await p.answer('+a\r\n', '+b\r\n')
    shadow.expectForwarded()
    await p[end]()
    shadow.expectForwarded(...get('a', 'b'))
    assert.equal(p.lingering, 1)
    await shadow.answer('+a\r\n', '+b\r\n')
    assert.equal(p.lingering, 0)
    assert.ok(p.logged.includes('info: Buffered chain Tee-1 was shutdown'))
  }
})

test('Ignore: the shadow may hold more than a client may have in flight', async () => {
  const within = { chain: [{ kind: coalesce as TransformKind, options: { flush_when_buffered_message_count: 20 } }] }
  const { p } = playTee({ buffer_size: 1 }, { within, limits: { sessionInFlightMax: 2 } })
  for (let i = 1; i <= 19; i++) {
    await p.send(...get(String(i)))
    await p.answer('+ok\r\n')
  }
  await p.advance(1000)
  p.within('chain').expectForwarded()
  await p.send(...get('20'))
  await gather(p)
  assert.equal(p.within('chain').open.length, 20)
  assert.equal(dropped(p), 0)
})

for (const options of [{ behavior: 'LogWarningOnMismatch' }, { behavior: 'Ignore' }]) {
  test(`${options.behavior}: what the chain within keeps, and clients wait for, does not keep them from sending more`, async () => {
    const within = { chain: [{ kind: coalesce as TransformKind, options: { flush_when_buffered_message_count: 20 } }] }
    const { p, source } = playTee(options, { within, limits: { sessionInFlightMax: 4 } })
    source.isTee = true
    for (let i = 1; i <= 20; i++) await p.send(...get(String(i)))
    await gather(p)
    assert.equal(p.within('chain').open.length, 20)
    const replies = Array.from({ length: 20 }, () => '+ok\r\n')
    await p.within('chain').answer(...replies)
    while (p.open.length !== 0) {
      await p.answer('+ok\r\n')
      await gather(p)
    }
    p.expectReplied(...replies)
  })
}

test('Ignore: a shadow that keeps what has many bytes does not wait for ever', async () => {
  const within = { chain: [{ kind: coalesce as TransformKind, options: { flush_when_buffered_message_count: 100 } }] }
  const { p } = playTee({}, { within, limits: { sessionUnsentBytes: 2000 } })
  for (let i = 0; i < 10; i++) {
    await p.send(set(300))
    await p.answer('+ok\r\n')
    await gather(p)
  }
  assert.equal(p.within('chain').open.length, 7)
  assert.equal(dropped(p), 0)
})

test('Ignore, switched: clients get the replies of the chain within, and the rest of the chain gets copies', async () => {
  const { p, source } = playTee({}, { limits: { cutThroughBytes: 64 } })
  const within = p.within('chain')
  await p.send(...get('a'))
  source.isTee = true
  await p.send(...get('b'), set(1000))
  await gather(p)
  p.expectForwarded(...get('a', 'b'), set(1000))
  within.expectForwarded(...get('a', 'b'), set(1000))
  await p.answer('+a from main\r\n', '+b from main\r\n')
  p.expectReplied('+a from main\r\n')
  const large = `$1000\r\n${'y'.repeat(1000)}\r\n`
  await within.answer('+a\r\n', '+b\r\n', large)
  p.expectReplied('+b\r\n', large)
  await within.push('>1\r\n$4\r\nnews\r\n')
  await p.push('>1\r\n$4\r\nlost\r\n')
  p.expectReplied('>1\r\n$4\r\nnews\r\n')
  source.isTee = false
  await p.send(...get('c'))
  await gather(p)
  await within.answer('+c\r\n')
  await p.answer('+main\r\n', '+c from main\r\n')
  p.expectReplied('+c from main\r\n')
  assert.equal(p.faults, 0)
})

test('Ignore, switched: the rest of the chain may be gone, and is missed when it is asked again', async () => {
  const { p, source } = playTee()
  source.isTee = true
  await p.send(...get('a'))
  await gather(p)
  await p.failServer('no luck')
  await p.send(...get('b'))
  await p.within('chain').answer('+a\r\n', '+b\r\n')
  p.expectReplied('+a\r\n+b\r\n')
  assert.equal(dropped(p), 1)
  source.isTee = false
  await p.send(...get('c'))
  assert.match(String(p.takeReplied()), /^-ERR Internal.*no luck/)
  assert.deepEqual(p.closings, { failed: 1 })
})

test('Ignore, switched: without the chain within there is nobody to answer', async () => {
  const { p, source } = playTee()
  await p.send(...get('a'))
  await gather(p)
  await p.within('chain').fail('no luck')
  source.isTee = true
  await p.send(...get('b'))
  assert.match(String(p.takeReplied()), /^-ERR Internal.*no luck.*\r\n-ERR Internal.*no luck/s)
  assert.deepEqual(p.closings, { failed: 1 })
})

for (const [behavior, text] of [
  ['LogWarningOnMismatch', '+main\r\n'],
  [
    'FailOnMismatch',
    '-ERR The responses from the Tee subchain and down-chain did not match and behavior is set to fail on mismatch\r\n',
  ],
] as const) {
  test(`${behavior}: both replies are awaited, whichever comes first, and compared`, async () => {
    const { p } = playTee({ behavior })
    const within = p.within('chain')
    await p.send(...get('a', 'b', 'c'))
    within.expectForwarded(...get('a', 'b', 'c'))
    await p.answer('+same\r\n', '+main\r\n')
    p.expectReplied()
    await within.answer('+same\r\n', '+other\r\n', '+c\r\n')
    p.expectReplied('+same\r\n', text)
    await p.answer('+c\r\n')
    p.expectReplied('+c\r\n')
    const said =
      'Tee mismatch:\nresult-source response: Valkey SimpleString(b"main")\nother response: Valkey SimpleString(b"other")'
    assert.deepEqual(p.logged, [`${behavior === 'FailOnMismatch' ? 'debug' : 'warn'}: ${said}`])
    assert.equal(p.faults, 0)
  })
}

test('LogWarningOnMismatch, switched: the reply of the chain within is kept', async () => {
  const { p, source } = playTee({ behavior: 'LogWarningOnMismatch' })
  source.isTee = true
  await p.send(...get('a'))
  await p.answer('+main\r\n')
  await p.within('chain').answer('+other\r\n')
  p.expectReplied('+other\r\n')
  assert.match(p.logged[0]!, /result-source response: .*other.*\nother response: .*main/)
  await p.within('chain').push('>1\r\n$4\r\nnews\r\n')
  await p.push('>1\r\n$4\r\nlost\r\n')
  p.expectReplied('>1\r\n$4\r\nnews\r\n')
})

test('LogWarningOnMismatch: large messages are compared whole', async () => {
  const { p } = playTee({ behavior: 'LogWarningOnMismatch' }, { limits: { cutThroughBytes: 64 } })
  const reply = (letter: string) => `$1000\r\n${letter.repeat(1000)}\r\n`
  await p.send(set(1000), ...get('b'))
  p.within('chain').expectForwarded(set(1000), ...get('b'))
  await p.answer(reply('y'), reply('y'))
  await p.within('chain').answer(reply('y'), reply('z'))
  p.expectReplied(reply('y'), reply('y'))
  assert.equal(p.logged.length, 1)
})

test('LogWarningOnMismatch: what has no reply on one side is passed by, or differs', async () => {
  const { p } = playTee({ behavior: 'LogWarningOnMismatch' })
  await p.send(...get('a', 'b'))
  await p.silence()
  await p.within('chain').silence()
  await p.within('chain').silence()
  await p.answer('+b\r\n')
  p.expectReplied('+b\r\n')
  assert.match(p.logged.join(), /other response: none/)
})

test('an error of the chain within is the client’s where it waits for it', async () => {
  const { p } = playTee({ behavior: 'FailOnMismatch' })
  await p.send(...get('a'))
  await p.within('chain').fail('no luck')
  assert.match(String(p.takeReplied()), /^-ERR Internal.*Transform Tee named Tee-1 failed in chain main.*no luck/)
  assert.deepEqual(p.closings, { failed: 1 })
})

test('SubchainOnMismatch: what differs goes down a third chain, whose reply is awaited and dropped', async () => {
  const { p } = playTee({ behavior: { SubchainOnMismatch: { chain: [] } } })
  const third = p.within('behavior.SubchainOnMismatch.chain')
  await p.send(...get('a', 'b'))
  await p.within('chain').answer('+a\r\n', '+other\r\n')
  await p.answer('+a\r\n', '+main\r\n')
  third.expectForwarded(...get('b'))
  p.expectReplied('+a\r\n')
  await third.answer('-ERR whatever\r\n')
  p.expectReplied('+main\r\n')
  await p.send(...get('c'))
  await p.answer('+c\r\n')
  await p.within('chain').answer('+d\r\n')
  await third.fail('no luck')
  assert.match(String(p.takeReplied()), /^-ERR Internal.*no luck/)
  assert.equal(p.faults, 2)
})

test('options that make no sense are refused', () => {
  assert.throws(() => playTee({ behavior: 'ignore' }))
  assert.throws(() => playTee({ buffer_size: 0 }))
  assert.throws(() => playTee({ switch_port: 65536 }))
})
