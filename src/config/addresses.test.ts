import assert from 'node:assert/strict'
import { test } from 'node:test'
import { addressText, collide, isIp, isLoopback, parseAddress, parseListenAddress, unixPath } from './addresses.ts'

const PARSED: [string, string | null, number][] = [
  ['127.0.0.1:6379', '127.0.0.1', 6379],
  ['localhost:0', 'localhost', 0],
  ['[::1]:6379', '::1', 6379],
  ['::1:6379', '::1', 6379],
  ['0.0.0.0:65535', '0.0.0.0', 65535],
  ['127.0.0.1:65536', null, 0],
  ['127.0.0.1', null, 0],
  ['127.0.0.1:', null, 0],
  ['127.0.0.1:http', null, 0],
  ['127.0.0.1:-1', null, 0],
  [':6379', null, 0],
  ['[]:6379', null, 0],
  ['', null, 0],
]
for (const [text, host, port] of PARSED) {
  test(`"${text}" is ${host === null ? 'no address' : 'an address'}`, () => {
    assert.deepEqual(parseAddress(text), host === null ? null : { host, port })
  })
}

test('a source may listen at a socket of the file system', () => {
  const unix = parseListenAddress('unix:/run/shotover.sock')!
  assert.equal(unixPath(unix), '/run/shotover.sock')
  assert.equal(addressText(unix), 'unix:/run/shotover.sock')
  assert.equal(isLoopback(unix.host), true)
  assert.equal(unixPath(parseListenAddress('127.0.0.1:1')!), null)
  assert.equal(parseListenAddress('unix:'), null)
  assert.equal(parseListenAddress('unix:a\0b'), null)
  assert.equal(parseAddress('unix:/run/shotover.sock'), null)
  assert.ok(collide(unix, parseListenAddress('unix:/run/shotover.sock')!))
  assert.ok(!collide(unix, parseListenAddress('unix:/run/other.sock')!))
})

test('an address is printed as it is read', () => {
  for (const text of ['127.0.0.1:6379', '[::1]:6379', 'localhost:0']) {
    const address = parseAddress(text)
    assert.ok(address)
    assert.equal(addressText(address), text)
  }
})

test('loopback is told from what others can reach', () => {
  for (const host of ['127.0.0.1', '127.9.9.9', '::1', 'localhost', '::ffff:127.0.0.1'])
    assert.ok(isLoopback(host), host)
  for (const host of ['0.0.0.0', '::', '10.0.0.1', '128.0.0.1', 'localhost.example']) assert.ok(!isLoopback(host), host)
})

test('an IP address is told from a name', () => {
  for (const host of ['127.0.0.1', '::1', 'fe80::1%eth0', '::ffff:1.2.3.4']) assert.ok(isIp(host), host)
  for (const host of ['localhost', '127.0.0', '256.0.0.1', '1.2.3.4.5', 'a.b.c.d', 'xyz::'])
    assert.ok(!isIp(host), host)
})

const PAIRS: [string, string, boolean][] = [
  ['127.0.0.1:1', '127.0.0.1:1', true],
  ['127.0.0.1:1', '127.0.0.1:2', false],
  ['127.0.0.1:1', '127.0.0.2:1', false],
  ['127.0.0.1:0', '127.0.0.1:0', false],
  ['0.0.0.0:1', '127.0.0.1:1', true],
  ['0.0.0.0:1', '[::1]:1', false],
  ['[::]:1', '127.0.0.1:1', true],
  ['[::]:1', '[::1]:1', true],
  ['0.0.0.0:1', '[::]:1', true],
]
for (const [a, b, collides] of PAIRS) {
  test(`${a} and ${b} ${collides ? "are in each other's way" : 'can both be listened at'}`, () => {
    assert.equal(collide(parseAddress(a)!, parseAddress(b)!), collides)
    assert.equal(collide(parseAddress(b)!, parseAddress(a)!), collides)
  })
}
