import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { startProxy, type Proxy } from '../real/proxy.ts'
import { RawClient } from '../real/raw-client.ts'
import { startRedis, type RedisServer } from '../real/servers.ts'
import { ask, openSocket, words } from './talk.ts'

// What one client does, the others do not notice.

let redis: RedisServer
let proxy: Proxy

before(async () => {
  redis = await startRedis()
  proxy = await startProxy({ upstream: redis.address })
})
after(async () => {
  await proxy.kill()
  await redis.stop()
})

test('who waits for replicas and leaves takes nobody along', async () => {
  const other = await RawClient.open(proxy.port)
  let sent = 0
  for (let round = 0; round < 40; round++) {
    // Both on the connection that they share, one right behind the other.
    other.write(Buffer.concat(Array.from({ length: 200 }, () => words('INCR counter'))))
    const leaver = await openSocket(proxy.port)
    leaver.write(Buffer.concat([words('INCR own'), words('WAIT 1 1000')]))
    for (let turns = 0; turns < round % 8; turns++) await turn()
    leaver.resetAndDestroy()
    await other.until((sent += 200))
  }
  const replies = other.replies.map(({ bytes }) => bytes.toString())
  assert.deepEqual(
    replies,
    Array.from({ length: sent }, (_, index) => `:${index + 1}\r\n`),
  )
  assert.equal(await ask(other, 'PING'), '+PONG\r\n')
  other.destroy()
})
