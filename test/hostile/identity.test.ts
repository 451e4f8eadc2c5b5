import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { request } from '../real/lines.ts'
import { startProxy, type Proxy } from '../real/proxy.ts'
import { RawClient } from '../real/raw-client.ts'
import { startRedis, type RedisServer } from '../real/servers.ts'
import { ask, words } from './talk.ts'

// One identity's connection to the server never serves another, whatever a client sends to confuse the two.

const MAY = '-@all +get +set +ping +hello +auth +select +acl|whoami +client +multi +exec +blpop +reset'
const LARGE = 'x'.repeat(70_000)

let redis: RedisServer

before(async () => {
  const users = [`default on nopass ~* &* ${MAY}`, 'open on nopass ~* &* +@all', 'bob on >bobpw ~* &* +@all']
  redis = await startRedis({ users })
})
after(() => redis.stop())

async function send(client: RawClient, ...requests: (string | string[])[]): Promise<void> {
  for (const one of requests) await ask(client, typeof one === 'string' ? one : request(one))
}

/** What a client that never said who it is can find out of its connections: the shared one, and two that it has for itself. */
async function stranger(proxy: Proxy): Promise<string[]> {
  const client = await RawClient.open(proxy.port)
  const found: string[] = []
  for (const asked of ['ACL WHOAMI', 'CLIENT INFO']) found.push(await ask(client, asked))
  // A second blocking client takes a second spare connection.
  const second = await RawClient.open(proxy.port)
  second.write(words('BLPOP nothing 0.2'))
  for (const asked of ['MULTI', 'ACL WHOAMI', 'CLIENT INFO']) await ask(client, asked)
  found.push(await ask(client, 'EXEC'), await ask(second, 'PING'))
  await second.until(2)
  found.push(second.replies[0]!.bytes.toString('latin1'))
  client.destroy()
  second.destroy()
  return found
}

const ATTACKS: Record<string, (client: RawClient) => Promise<void>> = {
  'AUTH too large to be looked at whole': (client) => send(client, ['AUTH', 'open', LARGE]),
  'HELLO too large to be looked at whole': (client) => send(client, ['HELLO', '3', 'SETNAME', LARGE]),
  'HELLO with an identity, too large to be looked at whole': (client) =>
    send(client, ['HELLO', '3', 'AUTH', 'bob', 'bobpw', 'SETNAME', LARGE]),
  'HELLO that is refused after it has changed the identity': (client) =>
    send(client, ['HELLO', '3', 'AUTH', 'bob', 'bobpw', 'SETNAME', 'a bad name']),
  'HELLO with an option that there is not': (client) => send(client, ['HELLO', '3', 'AUTH', 'bob', 'bobpw', 'WHAT']),
  'HELLO with two identities': (client) =>
    send(client, ['HELLO', '3', 'AUTH', 'bob', 'bobpw', 'SETNAME', 'a bad name', 'AUTH', 'default', '']),
  'an identity from a transaction, by a client of large replies': async (client) => {
    await send(client, ['SET', 'large', 'v'.repeat(3_000_000)], 'GET large')
    await send(client, 'MULTI', 'AUTH bob bobpw', 'EXEC', 'ACL WHOAMI')
  },
  'an identity from a transaction whose last one fails': (client) =>
    send(client, 'MULTI', 'AUTH bob bobpw', 'AUTH bob wrong', 'EXEC', 'ACL WHOAMI'),
  'an identity without a reply': async (client) => {
    for (const text of ['CLIENT REPLY OFF', 'AUTH bob bobpw']) client.write(words(text))
    await send(client, 'CLIENT REPLY ON')
  },
  'an identity and a database at once': async (client) => {
    client.write(Buffer.concat(['AUTH bob bobpw', 'SELECT 3', 'HELLO 3'].map(words)))
    await client.until(3)
  },
  'an identity, and gone': async (client) => client.write(words('AUTH bob bobpw')),
}

for (const [name, attack] of Object.entries(ATTACKS)) {
  test(`a stranger stays one: ${name}`, async () => {
    await using proxy = await startProxy({ upstream: redis.address })
    const attacker = await RawClient.open(proxy.port)
    await stranger(proxy)
    await attack(attacker)
    const during = await stranger(proxy)
    attacker.destroy()
    await ask(await RawClient.open(proxy.port), 'PING')
    for (const found of [during, await stranger(proxy)]) {
      const text = found.join('')
      assert.doesNotMatch(text, /bob|open|resp=3|_\r\n/, text)
      assert.equal(text.match(/default/g)?.length, 4, text)
    }
  })
}
