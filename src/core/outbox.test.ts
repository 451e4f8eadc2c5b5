import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SimRandom } from '../sim/random.ts'
import type { Clock, Connection, ConnectionHandler, Task, Turn } from '../world/world.ts'
import { FRAME_HEAD, FRAME_LAST, Frame } from './frame.ts'
import { Outbox, Scratch } from './outbox.ts'
import type { Enclosure } from './protocol.ts'

const KIB = 1024

/** A connection that keeps what it could not take, and finds out when that changes before it drained. */
class FakeConnection implements Connection {
  handler!: ConnectionHandler
  readonly remoteAddress = ''
  readonly remotePort = 0
  readonly localAddress = ''
  readonly localPort = 0
  /** Everything that was written, as it was when the kernel took it. */
  readonly taken: Buffer[] = []
  /** Sizes of the writes. */
  readonly writes: number[] = []
  room = Infinity
  #kept: Buffer | null = null
  #copy: Buffer | null = null

  get unsentBytes(): number {
    return this.#kept?.length ?? 0
  }

  write(bytes: Buffer): boolean {
    assert.equal(this.#kept, null, 'nothing is written while the kernel takes no more')
    assert.ok(bytes.length > 0)
    this.writes.push(bytes.length)
    if (bytes.length <= this.room) {
      this.room -= bytes.length
      this.taken.push(Buffer.from(bytes))
      return true
    }
    this.#kept = bytes
    this.#copy = Buffer.from(bytes)
    return false
  }

  /** The kernel took what was kept, and has room for `room` more. */
  drain(room = Infinity): void {
    assert.ok(this.#kept!.equals(this.#copy!), 'a buffer changed while the connection had it')
    this.taken.push(this.#copy!)
    this.#kept = this.#copy = null
    this.room = room
  }

  get text(): string {
    return Buffer.concat(this.taken).toString('latin1')
  }

  pause(): void {}
  resume(): void {}
  end(): void {}
  destroy(): void {}
  reset(): void {}
}

class FakeTurn implements Turn {
  readonly isSlow = false
  computedMs = () => 0
  readonly flushes: Task[] = []
  work(): void {
    assert.fail('an outbox has no work')
  }
  flush(task: Task): void {
    this.flushes.push(task)
  }
  end(): void {
    for (const task of this.flushes.splice(0)) task.run()
  }
}

function play(retain: boolean) {
  const connection = new FakeConnection()
  const turn = new FakeTurn()
  const scratch = new Scratch()
  return { connection, turn, scratch, outbox: new Outbox(connection, turn, scratch, retain) }
}

/** A frame in a lent buffer, which `poison` overwrites as the next read would. */
function lent(text: string): { frame: Frame; poison: () => void } {
  const bytes = Buffer.from(`.${text}.`, 'latin1')
  return { frame: new Frame(bytes, 1, 1 + text.length, 0, 0, true), poison: () => bytes.fill(0xee) }
}

/** Encloses in two bytes that no text of these tests has. */
const brackets: Enclosure = {
  enclose: (bytes, start, end) =>
    Buffer.concat([Buffer.from('«', 'latin1'), bytes.subarray(start, end), Buffer.from('»', 'latin1')]),
}

function append(outbox: Outbox, text: string): Frame {
  const { frame, poison } = lent(text)
  outbox.append(frame)
  poison()
  return frame
}

for (const retain of [false, true]) {
  const kind = retain ? 'a retaining outbox' : 'an outbox'

  test(`${kind} writes the small frames of a turn at once, at its end`, () => {
    const { connection, turn, outbox } = play(retain)
    for (const text of ['one', 'two', 'three']) append(outbox, text)
    assert.deepEqual(connection.writes, [])
    assert.equal(outbox.waitingBytes, 11)
    assert.equal(turn.flushes.length, 1, 'it asked for one flush')
    turn.end()
    assert.deepEqual(connection.writes, [11])
    assert.equal(connection.text, 'onetwothree')
    append(outbox, 'four')
    turn.end()
    assert.equal(connection.text, 'onetwothreefour')
    assert.equal(outbox.waitingBytes, 0)
    assert.equal(outbox.handedBytes, 15)
    assert.equal(outbox.appendedBytes, 15)
  })

  test(`${kind} does not wait for the end of the turn once 64 KiB are there`, () => {
    const { connection, outbox } = play(retain)
    for (let i = 0; i < 64; i++) append(outbox, String.fromCharCode(97 + (i % 26)).repeat(KIB))
    assert.ok(connection.taken.length > 0)
    assert.ok(outbox.waitingBytes < 64 * KIB)
  })

  test(`${kind} keeps everything in order while the kernel takes no more`, () => {
    const { connection, turn, outbox } = play(retain)
    connection.room = 5
    append(outbox, 'first')
    turn.end()
    append(outbox, 'second')
    turn.end()
    for (let i = 0; i < 100; i++) {
      append(outbox, `<${i}>`)
      turn.end()
    }
    assert.equal(connection.writes.length, 2, 'nothing more was tried')
    assert.equal(outbox.unsentBytes, outbox.waitingBytes + 6)
    connection.drain()
    outbox.drained()
    assert.equal(connection.text, `firstsecond${Array.from({ length: 100 }, (_, i) => `<${i}>`).join('')}`)
    assert.equal(outbox.unsentBytes, 0)
  })

  test(`${kind} writes edits as they leave, and the frame keeps its own`, () => {
    const { connection, turn, outbox } = play(retain)
    const { frame, poison } = lent('key=old')
    frame.edits = [{ start: 4, end: 7, bytes: Buffer.from('brand new') }]
    outbox.append(frame)
    append(outbox, '|after')
    poison()
    turn.end()
    assert.equal(connection.text, 'key=brand new|after')
    if (retain) assert.equal(frame.toBuffer().toString(), 'key=brand new', 'it can be sent again')
  })

  for (const length of [7, 2 * KIB, 100 * KIB]) {
    test(`${kind} writes the edits of what is never sent again, ${length} bytes of it`, () => {
      const { connection, turn, outbox } = play(retain)
      const { frame, poison } = lent(`key=${'v'.repeat(length - 4)}`)
      frame.edits = [{ start: 0, end: 3, bytes: Buffer.from('prefix:key') }]
      append(outbox, 'before|')
      outbox.appendPart(frame)
      append(outbox, '|after')
      poison()
      turn.end()
      assert.equal(connection.text, `before|prefix:key=${'v'.repeat(length - 4)}|after`)
      assert.equal(outbox.appendedBytes, connection.text.length)
      assert.equal(outbox.handedBytes, connection.text.length)
    })
  }

  test(`${kind} writes nothing any more once it was cleared`, () => {
    const { connection, turn, outbox } = play(retain)
    append(outbox, 'never')
    outbox.clear()
    turn.end()
    assert.deepEqual(connection.writes, [])
    assert.equal(outbox.unsentBytes, 0)
  })

  test(`${kind} encloses whole frames that leave in one write, from where it was told to on`, () => {
    const { connection, turn, outbox } = play(retain)
    append(outbox, 'before')
    outbox.enclose(brackets)
    for (const text of ['one', 'two']) append(outbox, text)
    const head = lent('head').frame
    head.flags = FRAME_HEAD
    outbox.append(head)
    outbox.appendPart(lent('part').frame)
    append(outbox, 'three')
    turn.end()
    append(outbox, 'four')
    turn.end()
    outbox.enclose(null)
    append(outbox, 'after')
    turn.end()
    assert.equal(connection.text, 'before«onetwo»headpart«three»«four»after')
    assert.equal(outbox.waitingBytes, 0)
    assert.equal(outbox.handedBytes, outbox.appendedBytes)
  })

  for (const enclosure of [null, brackets])
    test(`${kind} gets any mix of frames and parts through a kernel that stalls, ${enclosure === null ? '' : 'enclosed, '}unchanged and in order`, () => {
      for (let seed = 1; seed <= 40; seed++) mix(new SimRandom(seed), retain, enclosure)
    })
}

/** Each enclosure must hold frames that were whole, each of them to its end; all else must be outside. */
function assertEnclosed(text: string, appended: readonly (readonly [text: string, isWhole: boolean])[]): void {
  let next = 0
  for (const piece of text.split(/(«[^»]*»)/)) {
    const isEnclosed = piece.startsWith('«')
    const inner = isEnclosed ? piece.slice(1, -1) : piece
    for (let at = 0; at < inner.length; next++) {
      const [expected, isWhole] = appended[next]!
      assert.ok(inner.startsWith(expected, at), 'whole, and in order')
      assert.equal(isEnclosed, isWhole)
      at += expected.length
    }
  }
  assert.equal(next, appended.length)
}

/** Many outboxes over one scratch, each against what it should have written. */
function mix(random: SimRandom, retain: boolean, enclosure: Enclosure | null): void {
  const scratch = new Scratch()
  const turn = new FakeTurn()
  const ends = Array.from({ length: 3 }, () => {
    const connection = new FakeConnection()
    return {
      connection,
      outbox: new Outbox(connection, turn, scratch, retain),
      sent: '',
      kept: [] as [Frame, string][],
      appended: [] as [string, boolean][],
    }
  })
  for (const { outbox } of ends) outbox.enclose(enclosure)
  for (let step = 0; step < 120; step++) {
    const { connection, outbox, sent, kept } = ends[random.below(3)]!
    const size = random.pick([1, 20, 300, 5 * KIB, 16 * KIB, 40 * KIB, 70 * KIB])
    const text = String.fromCharCode(33 + random.below(90)).repeat(size)
    const { frame, poison } = lent(text)
    if (random.chance(0.3)) frame.own()
    const end = ends.find((one) => one.outbox === outbox)!
    if (random.chance(0.2)) {
      frame.flags = random.pick([0, FRAME_LAST])
      outbox.appendPart(frame)
    } else {
      if (random.chance(0.1)) frame.flags = FRAME_HEAD
      outbox.append(frame)
      if (retain) kept.push([frame, text])
    }
    poison()
    end.sent = sent + text
    end.appended.push([text, frame.whole])
    if (random.chance(0.4)) turn.end()
    if (connection.unsentBytes !== 0 && random.chance(0.3)) {
      connection.drain(random.pick([0, 1000, Infinity]))
      outbox.drained()
    }
    if (connection.unsentBytes === 0 && random.chance(0.2)) connection.room = random.pick([0, 10, 30 * KIB])
  }
  turn.end()
  for (const { connection, outbox, sent, kept, appended } of ends) {
    while (connection.unsentBytes !== 0) {
      connection.drain()
      outbox.drained()
    }
    if (enclosure === null) assert.equal(connection.text, sent)
    else assertEnclosed(connection.text, appended)
    assert.equal(outbox.waitingBytes, 0)
    assert.equal(outbox.handedBytes, outbox.appendedBytes)
    for (const [frame, text] of kept) assert.equal(frame.toBuffer().toString('latin1'), text, 'what was kept changed')
  }
}

test('a frame that a retaining outbox took stays right after later appends and writes', () => {
  const { connection, turn, outbox } = play(true)
  const frames: Frame[] = []
  for (let i = 0; i < 3000; i++) {
    frames.push(append(outbox, `request ${i};`))
    if (i % 7 === 0) turn.end()
    if (i === 1500) connection.room = 10
  }
  frames.forEach((frame, i) => {
    assert.equal(frame.borrowed, false)
    assert.equal(frame.toBuffer().toString(), `request ${i};`)
  })
})

test('a large owned frame leaves from where it lies, a small one is copied next to its neighbours', () => {
  const { connection, turn, outbox } = play(false)
  append(outbox, 'head ')
  const large = new Frame(Buffer.alloc(20 * KIB, 'x'), 0, 20 * KIB, 0, 0, false)
  outbox.append(large)
  append(outbox, ' tail')
  turn.end()
  assert.deepEqual(connection.writes, [5, 20 * KIB, 5])
  assert.equal(connection.text, `head ${'x'.repeat(20 * KIB)} tail`)
})

test('the kernel has a frame as soon as its first byte was handed over', () => {
  const { connection, turn, outbox } = play(true)
  connection.room = 0
  append(outbox, 'one')
  const before = outbox.appendedBytes
  assert.equal(outbox.handedBytes, 0)
  turn.end()
  assert.equal(outbox.handedBytes, 3, 'handed over, though the kernel has not taken it')
  append(outbox, 'two')
  assert.ok(outbox.handedBytes < before + 1, 'the second waits here')
  connection.drain()
  outbox.drained()
  assert.ok(outbox.handedBytes >= before + 1)
})

test('a scratch buffer goes back only when the connection is done with it', () => {
  const { connection, turn, scratch, outbox } = play(false)
  connection.room = 0
  append(outbox, 'kept by the connection')
  turn.end()
  for (let i = 0; i < 4; i++) scratch.take(false).fill('z')
  for (let i = 0; i < 4; i++) scratch.take(true).fill('z')
  connection.drain()
  outbox.drained()
  assert.equal(connection.text, 'kept by the connection')
})

test('a write tells how long the oldest of what it takes was on its way, also while the kernel takes no more', () => {
  const { connection, turn, outbox } = play(false)
  const seconds: number[] = []
  let now = 0
  outbox.measure({ observe: (value) => void seconds.push(value) }, { now: () => now } as Clock)
  for (const since of [3000, 1000, 2000, Infinity]) {
    outbox.since(since)
    append(outbox, 'some')
  }
  now = 4000
  turn.end()
  append(outbox, 'unmeasured')
  turn.end()
  assert.deepEqual(seconds, [3])
  connection.room = 0
  outbox.since(5000)
  append(outbox, 'kept by the connection')
  now = 5000
  turn.end()
  outbox.since(6000)
  append(outbox, 'waits here')
  turn.end()
  now = 8000
  connection.drain()
  outbox.drained()
  assert.deepEqual(seconds, [3, 0, 2])
})

test('of small buffers as many are kept as hundreds of sockets write in one turn', () => {
  const scratch = new Scratch()
  const taken = Array.from({ length: 600 }, () => scratch.take(false))
  for (const buffer of taken) scratch.give(buffer)
  const again = new Set(Array.from({ length: 600 }, () => scratch.take(false)))
  assert.ok(taken.every((buffer) => again.has(buffer)))
})
