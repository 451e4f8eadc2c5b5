import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CONVERSATIONS } from '../../../test/valkey/conversations.ts'
import { Talk } from '../../../test/valkey/talk.ts'
import { ProtocolError } from '../../core/protocol.ts'
import { ServerWire } from './wire-server.ts'

const BULK = Buffer.from('$3\r\nabc\r\n')

for (const [name, steps] of Object.entries(CONVERSATIONS)) {
  for (const size of [Infinity, 1, 7]) {
    test(`${name}, read ${size} bytes at a time`, () => {
      const talk = new Talk()
      for (const { sent, received, told } of steps) {
        for (const line of sent ?? []) talk.send(line)
        talk.receive(received, size)
        // A stream of bytes comes in pieces as it was read.
        assert.equal(talk.told().replace(/(push, )+opaque/, 'push, opaque'), told)
      }
    })
  }
}

/** What does not depend on a server's mood. A line that begins with `>` is sent, one with `<` received, `=` told, `x` abandoned. */
const TALKS: Record<string, readonly string[]> = {
  'a reply that nobody asked for is handed on by a dirty one': [
    '> WATCH k',
    '< +OK\r\n+hello\r\n',
    '= reply 1, push, dirty',
  ],
  'a push on a clean connection is a push': ['> PING', '< >1\r\n+x\r\n+PONG\r\n', '= push, reply 1, clean'],
  'the reply of an abandoned exchange is dropped': [
    '> PING',
    '> PING',
    'x 1',
    '= clean, 2 in flight',
    '< +PONG\r\n+PONG\r\n',
    '= drop, reply 2, clean',
  ],
  'all confirmations of an abandoned exchange are dropped': [
    '> SUBSCRIBE a b',
    'x 1',
    '> PING',
    '< *3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n*3\r\n$9\r\nsubscribe\r\n$1\r\nb\r\n:2\r\n*2\r\n$4\r\npong\r\n$0\r\n\r\n',
    '= drop, drop, reply 2, dirty',
  ],
  'an exchange abandoned between its confirmations': [
    '> SUBSCRIBE a b',
    '< *3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n',
    '= reply 1 .., dirty, 1 in flight',
    'x 1',
    '< *3\r\n$9\r\nsubscribe\r\n$1\r\nb\r\n:2\r\n',
    '= drop, dirty',
  ],
  'a message between confirmations is a push': [
    '> SUBSCRIBE a b',
    '< *3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$1\r\nx\r\n*3\r\n$9\r\nsubscribe\r\n$1\r\nb\r\n:2\r\n',
    '= reply 1 .., push, part 1, dirty',
  ],
  'a shard channel that moves away is a push': [
    '> SSUBSCRIBE a',
    '< *3\r\n$10\r\nssubscribe\r\n$1\r\na\r\n:1\r\n*3\r\n$12\r\nsunsubscribe\r\n$1\r\na\r\n:0\r\n',
    '= reply 1, push, clean',
    '> PING',
    '< +PONG\r\n',
    '= reply 2, clean',
  ],
  'a list that looks like a message is a reply where nothing is subscribed': [
    '> LRANGE l 0 -1',
    '< *3\r\n$7\r\nmessage\r\n$1\r\na\r\n$1\r\nx\r\n',
    '= reply 1, clean',
  ],
  'a subscription may be denied': [
    '> SUBSCRIBE a b',
    '> PING',
    '< -NOPERM no\r\n+PONG\r\n',
    '= reply 1, reply 2, clean',
  ],
  'a subscription in a transaction may fail': [
    '> MULTI',
    '> SUBSCRIBE a b',
    '> PSUBSCRIBE c d',
    '> EXEC',
    '< +OK\r\n+QUEUED\r\n+QUEUED\r\n*2\r\n-NOPERM no\r\n*3\r\n$10\r\npsubscribe\r\n$1\r\nc\r\n:1\r\n',
    '= reply 1, reply 2, reply 3, reply 4 .., dirty, 1 in flight',
    '> GET k',
    '< *3\r\n$10\r\npsubscribe\r\n$1\r\nd\r\n:2\r\n*3\r\n$8\r\nmmessage\r\n:1\r\n:2\r\n',
    '= part 4, reply 5, dirty',
  ],
  'a subscription that fails in a transaction is not confirmed by what stands behind it': [
    '> MULTI',
    '> SSUBSCRIBE s',
    '> ECHO ssubscribe',
    '> ECHO s',
    '> INCR n',
    '> EXEC',
    '< +OK\r\n+QUEUED\r\n+QUEUED\r\n+QUEUED\r\n+QUEUED\r\n*4\r\n-ERR no\r\n$10\r\nssubscribe\r\n$1\r\ns\r\n:1\r\n',
    '= reply 1, reply 2, reply 3, reply 4, reply 5, reply 6, clean',
  ],
  'a command of a module leaves the connection dirty for good': [
    '> MODULE.COMMAND x',
    '< +OK\r\n',
    '= reply 1, dirty',
    '> RESET',
    '< +RESET\r\n',
    '= reply 2, dirty',
  ],
  'a command of a module that fails may have done anything': ['> MODULE.COMMAND', '< -ERR no\r\n', '= reply 1, dirty'],
  'RESET forgets how many channels there were': [
    '> SUBSCRIBE a',
    '> RESET',
    '> PSUBSCRIBE p',
    '< *3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n+RESET\r\n*3\r\n$10\r\npsubscribe\r\n$1\r\np\r\n:1\r\n',
    '= reply 1, reply 2, reply 3, dirty',
  ],
  'a queued command of a module, too': [
    '> MULTI',
    '> MODULE.COMMAND x',
    '> EXEC',
    '< +OK\r\n+QUEUED\r\n*1\r\n:1\r\n',
    '= reply 1, reply 2, reply 3, dirty',
  ],
  'DISCARD that is refused leaves the transaction open': [
    '> MULTI',
    '> DISCARD',
    '< +OK\r\n-NOPERM no\r\n',
    '= reply 1, reply 2, dirty',
  ],
  'ASKING holds for one request': [
    '> ASKING',
    '< +OK\r\n',
    '= reply 1, dirty',
    '> GET k',
    '< $-1\r\n',
    '= reply 2, clean',
  ],
  'READONLY holds until READWRITE': [
    '> READONLY',
    '< +OK\r\n',
    '= reply 1, dirty',
    '> READWRITE',
    '< +OK\r\n',
    '= reply 2, clean',
  ],
  'two reasons must both end': [
    '> WATCH k',
    '> CLIENT NO-TOUCH ON',
    '< +OK\r\n+OK\r\n',
    '= reply 1, reply 2, dirty',
    '> UNWATCH',
    '< +OK\r\n',
    '= reply 3, dirty',
    '> CLIENT NO-TOUCH OFF',
    '< +OK\r\n',
    '= reply 4, clean',
  ],
  'RESET does not end what a server may tell of, or keep, all the same': [
    '> CLIENT TRACKING ON',
    '> RESET',
    '< +OK\r\n+RESET\r\n',
    '= reply 1, reply 2, dirty',
  ],
  'RESET does not end NO-EVICT': [
    '> CLIENT NO-EVICT ON',
    '> RESET',
    '< +OK\r\n+RESET\r\n',
    '= reply 1, reply 2, dirty',
    '> CLIENT NO-EVICT OFF',
    '< +OK\r\n',
    '= reply 3, clean',
  ],
  'what is refused changes nothing': [
    '> CLIENT TRACKING ON',
    '> READONLY',
    '< -ERR no\r\n-ERR no\r\n',
    '= reply 1, reply 2, clean',
  ],
  'silent requests wait for the replies before them': [
    '> GET k',
    '> CLIENT REPLY SKIP',
    '> GET k',
    '> GET k',
    '= clean, 4 in flight',
    '< $-1\r\n',
    '= reply 1, silent 2, silent 3, dirty, 1 in flight',
    '< $-1\r\n',
    '= reply 4, clean',
  ],
  'a silent request that is abandoned is told of no more': [
    '> GET k',
    '> CLIENT REPLY SKIP',
    '> GET k',
    'x 3',
    '< $-1\r\n',
    '= reply 1, silent 2, dirty',
  ],
  'replication makes bytes of everything that follows': [
    '> GET k',
    '> PSYNC ? -1',
    '= clean, 2 in flight',
    '< $1\r\nx\r\n',
    '= reply 1, silent 2, opaque',
    '< +FULLRESYNC 0123 1\r\n$5\r\nREDIS',
    '= push, opaque',
    '> REPLCONF ACK 1',
    '= silent 3, opaque',
    '< \xff\r\n*1\r\n',
    '= push, opaque',
  ],
  'the Lua debugger takes over after its reply': [
    '> SCRIPT DEBUG YES',
    '< +OK\r\n',
    '= reply 1, opaque',
    '> EVAL x 0',
    '< *2\r\n+a\r\n+b\r\n+c\r\n',
    '= silent 2, push, opaque',
  ],
  'no debugger, no change': ['> SCRIPT DEBUG NO', '< +OK\r\n', '= reply 1, clean'],
  'a MULTI that is refused begins no transaction': [
    '> SUBSCRIBE a',
    '< *3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n',
    '= reply 1, dirty',
    '> MULTI',
    '> UNSUBSCRIBE',
    "< -ERR Can't execute 'multi'\r\n*3\r\n$11\r\nunsubscribe\r\n$1\r\na\r\n:0\r\n",
    '= reply 2, reply 3, clean',
    '> CLIENT REPLY OFF',
    '= silent 4, dirty',
    '> RESET',
    '< +RESET\r\n',
    '= reply 5, clean',
  ],
  'CLIENT REPLY in a transaction is refused by Valkey 9': [
    '> MULTI',
    '> CLIENT REPLY OFF',
    '> EXEC',
    '> PING',
    "< +OK\r\n-ERR Command 'client|reply' not allowed inside a transaction\r\n-EXECABORT no\r\n+PONG\r\n",
    '= reply 1, reply 2, reply 3, reply 4, clean',
  ],
  'replies switched on inside a silent transaction come out in order': [
    '> CLIENT REPLY OFF',
    '> MULTI',
    '> CLIENT REPLY ON',
    '> EXEC',
    '< +OK\r\n',
    '= silent 1, silent 2, silent 3, silent 4, push, dirty',
  ],
  'an attribute that failed in a transaction is not known any more': [
    '> MULTI',
    '> SELECT 99',
    '> EXEC',
    '< +OK\r\n+QUEUED\r\n*1\r\n-ERR DB index is out of range\r\n',
    '= reply 1, reply 2, reply 3, dirty',
  ],
}

for (const [name, lines] of Object.entries(TALKS)) {
  test(name, () => {
    const talk = new Talk()
    for (const line of lines) {
      const text = line.slice(2)
      if (line[0] === '>') talk.send(text)
      else if (line[0] === '<') talk.receive(text)
      else if (line[0] === '=') assert.equal(talk.told(), text)
      else talk.wire.abandon(talk.exchanges[Number(text) - 1])
    }
  })
}

test('a large reply comes as a head and parts, announced by its bulk string', () => {
  const talk = new Talk(100)
  talk.send('GET k')
  talk.send('PING')
  talk.receive(`$1000\r\n${'x'.repeat(200)}`)
  assert.equal(talk.told(), 'reply 1 .., clean, 2 in flight')
  talk.receive('x'.repeat(500))
  assert.equal(talk.told(), 'part 1 .., clean, 2 in flight')
  talk.receive(`${'x'.repeat(300)}\r\n+PONG\r\n`)
  assert.equal(talk.told(), 'part 1, reply 2, clean')
})

test('a large reply that is abandoned half-way is dropped to its end', () => {
  const talk = new Talk(100)
  talk.send('GET k')
  talk.send('PING')
  talk.receive(`$300\r\n${'x'.repeat(200)}`)
  talk.wire.abandon(talk.exchanges[0])
  talk.receive(`${'x'.repeat(100)}\r\n+PONG\r\n`)
  assert.equal(talk.told(), 'reply 1 .., drop in part, reply 2, clean')
})

test('a large message between confirmations is a push in parts', () => {
  const talk = new Talk(100)
  talk.send('SUBSCRIBE a b')
  const big = 'y'.repeat(500)
  talk.receive('>3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n')
  talk.receive(`>3\r\n$7\r\nmessage\r\n$1\r\na\r\n$500\r\n${big}\r\n>3\r\n$9\r\nsubscribe\r\n$1\r\nb\r\n:2\r\n`, 60)
  const told = talk.told()
  assert.match(told, /^reply 1 \.\., push in part, (push in part, )+part 1, dirty$/)
})

test('a transaction with subscriptions keeps its order though its reply comes in parts', () => {
  for (const size of [Infinity, 50, 7]) {
    const talk = new Talk(100)
    for (const line of ['MULTI', 'ECHO x', 'SUBSCRIBE a b', 'EXEC', 'PING', 'UNSUBSCRIBE', 'GET k']) talk.send(line)
    const confirmation = (word: string, channel: string, total: number) =>
      `>3\r\n$${word.length}\r\n${word}\r\n$1\r\n${channel}\r\n:${total}\r\n`
    talk.receive('+OK\r\n+QUEUED\r\n+QUEUED\r\n', size)
    talk.receive(`*2\r\n$300\r\n${'x'.repeat(200)}`, size)
    talk.receive(`${'x'.repeat(100)}\r\n${confirmation('subscribe', 'a', 1)}${confirmation('subscribe', 'b', 2)}`, size)
    talk.receive(`+PONG\r\n${confirmation('unsubscribe', 'a', 1)}${confirmation('unsubscribe', 'b', 0)}$-1\r\n`, size)
    assert.match(talk.told(), /reply 4 \.\., (part 4 \.\., )+part 4, reply 5, reply 6 \.\., part 6, reply 7, clean$/)
  }
})

test('a confirmation in parts leaves its exchange in flight once', () => {
  const talk = new Talk(100)
  talk.send('SUBSCRIBE a b')
  talk.receive(`*3\r\n$9\r\nsubscribe\r\n$200\r\n${'a'.repeat(150)}`)
  assert.equal(talk.told(), 'reply 1 .., dirty, 1 in flight')
  assert.deepEqual(talk.wire.waiting(), talk.exchanges)
  talk.receive(`${'a'.repeat(50)}\r\n:1\r\n*3\r\n$9\r\nsubscribe\r\n$200\r\n${'b'.repeat(150)}`)
  assert.equal(talk.told(), 'part 1 .., part 1 .., dirty, 1 in flight')
  assert.deepEqual(talk.wire.waiting(), talk.exchanges)
  talk.receive(`${'b'.repeat(50)}\r\n:2\r\n`)
  assert.equal(talk.told(), 'part 1, dirty')
})

test('replication waits for the end of a large reply', () => {
  const talk = new Talk(100)
  talk.send('GET k')
  talk.send('SYNC')
  talk.receive(`$300\r\n${'x'.repeat(200)}`)
  talk.receive(`${'x'.repeat(100)}\r\n$5\r\nREDIS`)
  assert.equal(talk.told(), 'reply 1 .., silent 2, part 1, push, opaque')
})

test('a server that leaves inside a reply tore it; in a stream of bytes it did not', () => {
  const wire = new ServerWire(65536)
  assert.equal(wire.eof(), null)
  wire.push(BULK, 0, 4)
  wire.next()
  assert.throws(() => wire.eof(), ProtocolError)
  const talk = new Talk()
  talk.send('SYNC')
  talk.receive('$100\r\nabc')
  assert.equal(talk.wire.eof(), null)
})

test('a reply that nobody asked for, on a clean connection, ends it: none after it could be told whose it is', () => {
  assert.throws(() => new Talk().receive('+hello\r\n'), ProtocolError)
  const talk = new Talk()
  talk.send('PING')
  assert.throws(() => talk.receive('+PONG\r\n+PONG\r\n'), ProtocolError)
  assert.equal(talk.told(), 'reply 1, clean')
})
