import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ReplyParser } from '../protocols/valkey/model/reply-parser.ts'
import { relay, type Tampering } from './relay.ts'
import { runSeed, type MakeProxy } from './run.ts'

const SEEDS = 150

test('a relay that only passes bytes on keeps every promise, whatever breaks', async () => {
  let [sent, executed, faulty] = [0, 0, 0]
  for (let seed = 1; seed <= SEEDS; seed++) {
    const result = await runSeed(seed, relay)
    assert.equal(result.violation, null, `seed ${seed}`)
    sent += result.sent
    executed += result.executed
    faulty += Number(result.faulty)
  }
  assert.ok(sent > 50 * SEEDS && executed > sent / 2, `${sent} sent, ${executed} executed`)
  assert.ok(faulty > SEEDS / 4 && faulty < SEEDS, `${faulty} runs with faults`)
})

test('the same seed gives the identical run', async () => {
  const hashes = new Set<string>()
  for (let seed = 1; seed <= 12; seed++) {
    const { hash } = await runSeed(seed, relay)
    assert.equal((await runSeed(seed, relay)).hash, hash, `seed ${seed}`)
    hashes.add(hash)
  }
  assert.equal(hashes.size, 12)
})

/** Cuts replies and hands each to `change` with its number; what that gives is passed on. */
function perReply(change: (reply: Buffer, number: number) => Buffer) {
  return () => {
    const parser = new ReplyParser()
    let pending = Buffer.alloc(0)
    let number = 0
    return (bytes: Buffer): Buffer => {
      pending = Buffer.concat([pending, bytes])
      parser.push(bytes, 0, bytes.length)
      const out: Buffer[] = []
      while (parser.next() !== null) {
        const size = pending.length - parser.pendingBytes
        out.push(change(pending.subarray(0, size), number++))
        pending = pending.subarray(size)
      }
      return Buffer.concat(out)
    }
  }
}

/** Drops the byte at `place` of each direction. */
function dropByte(place: number) {
  return () => {
    let seen = 0
    return (bytes: Buffer): Buffer => {
      const at = place - seen
      seen += bytes.length
      return at < 0 || at >= bytes.length ? bytes : Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1)])
    }
  }
}

/** Keeps reply `number` back until the next one went. */
function swapReplies(number: number) {
  let kept: Buffer | null = null
  return perReply((reply, at) => {
    if (at === number) {
      kept = Buffer.from(reply)
      return Buffer.alloc(0)
    }
    const out = kept === null ? reply : Buffer.concat([reply, kept])
    kept = null
    return out
  })
}

/** Sends the first write that stands alone in what came twice, and hides the second reply. */
function repeatWrite(): Tampering {
  let hidden = -1
  return {
    request: () => {
      let first = true
      return (bytes) => {
        const text = bytes.toString('latin1')
        const alone =
          first && /^\*3\r\n\$(3\r\nSET|5\r\nRPUSH)\r\n/.test(text) && text.length < 100 && text.split('*').length === 2
        first = false
        if (!alone || !text.endsWith('\r\n')) return bytes
        hidden = 1
        return Buffer.concat([bytes, bytes])
      }
    },
    reply: () => perReply((reply, at) => (at === hidden ? Buffer.alloc(0) : reply))(),
  }
}

/** Answers plain writes by itself and never sends them. */
function pretend(): Tampering {
  const write = /\*3\r\n\$3\r\nSET\r\n\$\d+\r\n[^\r]*\r\n(?=\$\d+\r\nt\d+\.\d+p)/g
  return {
    request: () => (bytes) => Buffer.from(bytes.toString('latin1').replaceAll(write, '*2\r\n$4\r\nECHO\r\n'), 'latin1'),
    reply: perReply((reply) =>
      /^\$\d+\r\nt\d+\.\d+p/.test(reply.toString('latin1')) ? Buffer.from('+OK\r\n') : reply,
    ),
  }
}

const BROKEN: [name: string, tampering: () => Tampering, caught: RegExp][] = [
  ['drops a byte of the replies', () => ({ reply: dropByte(40) }), /.*/],
  ['drops a byte of the requests', () => ({ request: dropByte(40) }), /.*/],
  ['swaps two replies', () => ({ reply: swapReplies(3) }), /expected|nobody asked|order|message/],
  [
    'loses a reply',
    () => ({ reply: perReply((reply, at) => (at === 5 ? Buffer.alloc(0) : reply)) }),
    /expected|nothing moves/,
  ],
  [
    'sends a reply twice',
    () => ({ reply: perReply((reply, at) => (at === 5 ? Buffer.concat([reply, reply]) : reply)) }),
    /expected|nobody asked/,
  ],
  ['sends a write twice and hides the second reply', repeatWrite, /executed twice|expected/],
  ['answers writes by itself', pretend, /never executed|expected/],
  ['does not pass on that a client ended', () => ({ swallowsEnd: true }), /nothing moves|no end in sight/],
]
for (const [name, tampering, caught] of BROKEN)
  test(`a relay that ${name} is found out`, async () => {
    const broken: MakeProxy = (world, upstream, listen) => relay(world, upstream, listen, tampering())
    const found: string[] = []
    for (let seed = 1; seed <= 40 && found.length < 3; seed++) {
      const { violation } = await runSeed(seed, broken, { calm: true })
      if (violation !== null) found.push(violation)
    }
    assert.equal(found.length, 3, 'three of forty calm seeds find it')
    for (const violation of found) assert.match(violation, caught)
  })
