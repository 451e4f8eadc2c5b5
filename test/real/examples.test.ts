import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { startProxy } from './proxy.ts'
import { RawClient } from './raw-client.ts'
import { startRedis } from './servers.ts'

const EXAMPLES = join(import.meta.dirname, '../../examples')

/** What a client says to the proxy of an example, and what it gets; `server:` is said to the server itself. */
const TALKS: Readonly<Record<string, readonly (readonly [said: string, got: RegExp])[]>> = {
  'rewrite-keys': [
    ['SET a 1', /OK/],
    ['server: GET app1:a', /"1"/],
    ['GET a', /"1"/],
    ['EVAL return(KEYS[1]) 1 b', /app1:b/],
  ],
  'deny-commands': [
    ['SET a 1', /OK/],
    ['FLUSHALL', /FLUSHALL is not allowed here/],
    ['GET a', /"1"/],
  ],
  'mask-values': [
    ['SET a write-to-me@example.org', /OK/],
    ['server: GET a', /write-to-me@example.org/],
    ['GET a', /^\$"\*\*\*"$/],
    ['HSET h mail x@example.org', /1/],
    ['HGETALL h', /mail.*\*\*\*/],
  ],
  'count-by-tenant': [
    ['SET acme:a 1', /OK/],
    ['GET acme:a', /"1"/],
  ],
  'cache-reads': [
    ['SET a 1', /OK/],
    ['GET a', /"1"/],
    ['server: SET a 2', /OK/],
    ['GET a', /"1"/],
    ['SET a 3', /OK/],
    ['GET a', /"3"/],
  ],
}

for (const [name, talk] of Object.entries(TALKS)) {
  test(`examples/${name} does before a real server what it says`, async () => {
    await using redis = await startRedis()
    const topology = (listen: string) =>
      readFileSync(join(EXAMPLES, name, 'topology.yaml'), 'utf8')
        .replace('127.0.0.1:6379', listen)
        .replace('127.0.0.1:1111', redis.address)
        .replace('- ./', `- ${join(EXAMPLES, name)}/`)
    await using proxy = await startProxy({ topology })
    const client = await RawClient.open(proxy.port)
    const server = await RawClient.open(redis.port)
    for (const [said, got] of talk) {
      const [to, line] = said.startsWith('server: ') ? [server, said.slice('server: '.length)] : [client, said]
      assert.match(await to.ask(...line.split(' ')), got, said)
    }
    client.destroy()
    server.destroy()
    assert.deepEqual(proxy.complaints, [])
  })
}
