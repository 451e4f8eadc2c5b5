import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkTopology } from '../config/topology.ts'
import { TEST_KINDS } from '../../test/golden/kinds.ts'
import { warningsFor } from './warnings.ts'

async function warnings(addresses: readonly string[], limit: number, descriptors: number | null): Promise<string[]> {
  const sources = addresses.map((address, index) => ({
    Valkey: { name: `s${index}`, listen_addr: address, connection_limit: limit, chain: [{ NullSink: null }] },
  }))
  return warningsFor(await checkTopology('t.yaml', JSON.stringify({ sources }), { kinds: TEST_KINDS }), descriptors)
}

test('a source that others can reach without TLS is warned of, one on loopback is not', async () => {
  const found = await warnings(['127.0.0.1:1', '0.0.0.0:2', '[::1]:3', '10.0.0.1:4'], 1, null)
  assert.deepEqual(
    found.map((text) => /^\[(s\d)\] listens at (\S+) without TLS/.exec(text)?.slice(1)),
    [
      ['s1', '0.0.0.0:2'],
      ['s3', '10.0.0.1:4'],
    ],
  )
})

test('too few file descriptors for all clients and their connections are warned of', async () => {
  assert.deepEqual(await warnings(['127.0.0.1:1', '127.0.0.1:2'], 480, 1984), [])
  const [text, ...more] = await warnings(['127.0.0.1:1', '127.0.0.1:2'], 480, 1983)
  assert.deepEqual(more, [])
  assert.match(text, /^this process may open 1983 file descriptors, .* need up to 1984: raise the limit/)
})
