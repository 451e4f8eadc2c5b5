import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ProxyHeader, type ProxiedClient } from './proxy-header.ts'

const SIGNATURE = '0d0a0d0a000d0a515549540a'
const v1 = (text: string) => Buffer.from(text, 'latin1')
const v2 = (rest: string) => Buffer.from(SIGNATURE + rest.replaceAll(' ', ''), 'hex')

const HEADERS: [string, Buffer, ProxiedClient | null][] = [
  ['v1, IPv4', v1('PROXY TCP4 192.0.2.7 198.51.100.1 56324 6379\r\n'), { address: '192.0.2.7', port: 56324 }],
  ['v1, IPv6', v1('PROXY TCP6 2001:db8::7 2001:db8::1 1 65535\r\n'), { address: '2001:db8::7', port: 1 }],
  ['v1, of nobody', v1('PROXY UNKNOWN\r\n'), null],
  ['v1, of nobody, with more', v1('PROXY UNKNOWN ffff::1 ffff::2 1 2\r\n'), null],
  ['v2, IPv4', v2('21 11 000c c0000207 c6336401 dc04 18eb'), { address: '192.0.2.7', port: 56324 }],
  [
    'v2, IPv6, with an extension',
    v2(`21 21 0028 20010db8000000000000000000000007 ${'0'.repeat(32)} dc04 18eb 04000100`),
    { address: '2001:db8::7', port: 56324 },
  ],
  ['v2, of the balancer itself', v2('20 00 0000'), null],
  ['v2, of the balancer itself, with an address', v2('20 11 000c c0000207 c6336401 dc04 18eb'), null],
  ['v2, of a unix socket', v2(`21 31 00d8 ${'00'.repeat(216)}`), null],
]
for (const [name, bytes, client] of HEADERS) {
  for (const step of [1, 5, Infinity]) {
    test(`a header is read by its own bytes alone, ${step} at a time: ${name}`, () => {
      const header = new ProxyHeader()
      let at = 0
      while (header.wanted > 0) {
        const count = Math.min(step, header.wanted)
        assert.ok(at + count <= bytes.length, 'it wants what is not its own')
        header.push(bytes.subarray(at, (at += count)))
      }
      assert.equal(at, bytes.length)
      assert.deepEqual(header.client, client)
    })
  }
}

const REFUSED: [string, Buffer, RegExp][] = [
  ['a request', v1('*1\r\n$4\r\nPING\r\n'), /does not begin with a PROXY header/],
  ['zeros', Buffer.alloc(300), /does not begin/],
  ['a line without end', v1(`PROXY TCP4 ${'1'.repeat(200)}`), /does not end/],
  ['no address', v1('PROXY TCP4 example.org 1.1.1.1 1 1\r\n'), /names no client/],
  ['an address that is a log’s line', v1('PROXY TCP4 1.1.1.1\n1.1.1.1 1 1\r\n'), /names no client/],
  ['no port', v1('PROXY TCP4 1.1.1.1 1.1.1.1\r\n'), /names no client/],
  ['a port too high', v1('PROXY TCP4 1.1.1.1 1.1.1.1 65536 1\r\n'), /names no client/],
  ['an unknown family', v1('PROXY UDP4 1.1.1.1 1.1.1.1 1 1\r\n'), /names no client/],
  ['version 3', v2('31 11 000c c0000207 c6336401 dc04 18eb'), /no version that is known/],
  ['an unknown command', v2('22 11 000c c0000207 c6336401 dc04 18eb'), /no version that is known/],
  ['too short an address', v2('21 11 0004 c0000207'), /names no client/],
  ['too long', v2('21 11 ffff'), /too long: 65535 bytes/],
]
for (const [name, bytes, message] of REFUSED) {
  test(`what is no header is refused: ${name}`, () => {
    const header = new ProxyHeader()
    assert.throws(
      () => {
        for (let at = 0; header.wanted > 0 && at < bytes.length;) {
          const count = Math.min(header.wanted, bytes.length - at)
          header.push(bytes.subarray(at, (at += count)))
        }
      },
      { message },
    )
  })
}
