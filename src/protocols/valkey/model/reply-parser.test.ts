import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ReplyFault, ReplyParser, showReply } from './reply-parser.ts'

const REPLIES: [bytes: string, shown: string[]][] = [
  ['+OK\r\n-ERR x\r\n:5\r\n', ['+"OK"', '-"ERR x"', ':"5"']],
  ['$5\r\nhe\r\nl\r\n$0\r\n\r\n$-1\r\n*-1\r\n_\r\n', ['$"he\\r\\nl"', '$""', '$nil', '*nil', '_nil']],
  ['*2\r\n*1\r\n:1\r\n$1\r\na\r\n', ['*[*[:"1"] $"a"]']],
  ['%1\r\n+a\r\n#t\r\n~1\r\n,1.5\r\n>1\r\n(123\r\n', ['%[+"a" #"t"]', '~[,"1.5"]', '>[("123"]']],
  ['=7\r\ntxt:abc\r\n!3\r\nERR\r\n', ['="txt:abc"', '!"ERR"']],
  ['|1\r\n+ttl\r\n:5\r\n$1\r\nv\r\n', ['$"v"']],
]
test('replies come whole, however they are torn', () => {
  for (const [text, shown] of REPLIES)
    for (let cut = 0; cut <= text.length; cut++) {
      const parser = new ReplyParser()
      const found: string[] = []
      for (const piece of [text.slice(0, cut), text.slice(cut)]) {
        parser.push(Buffer.from(piece), 0, piece.length)
        for (let reply = parser.next(); reply !== null; reply = parser.next()) found.push(showReply(reply))
      }
      assert.deepEqual(found, shown)
      assert.equal(parser.pendingBytes, 0)
    }
})

test('what is no reply is a fault', () => {
  for (const text of ['hello\r\n', '$x\r\n', '*-2\r\n', '$1\r\nabcd', '\r\n']) {
    const parser = new ReplyParser()
    parser.push(Buffer.from(text), 0, text.length)
    assert.throws(() => parser.next(), ReplyFault)
  }
})
