import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SessionPlay } from '../../test/core/session-play.ts'

for (const how of ['end', 'destroy'] as const) {
  test(`a session whose client is gone (${how}) leaves no timer behind, which would hold it in memory`, async () => {
    const play = new SessionPlay()
    const client = await play.connect()
    if (how === 'end') {
      client.connection.end()
      await play.rest(100)
      assert.equal(client.count('end'), 1)
    }
    client.connection.destroy()
    await play.sim.run(() => play.source.sessions.size === 0)
    const since = play.sim.nowMs
    assert.equal(await play.sim.run(() => false), 'idle')
    assert.ok(play.sim.nowMs - since < 1000, `something waited for ${play.sim.nowMs - since} ms`)
  })
}

test('a client that does not close its end is closed after five seconds', async () => {
  const play = new SessionPlay()
  const client = await play.connect()
  client.connection.write(Buffer.from('!\n'))
  await play.rest(4000)
  assert.equal(play.source.sessions.size, 1)
  await play.rest(2000)
  assert.equal(play.source.sessions.size, 0)
})
