import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ValkeyModel } from '../../src/protocols/valkey/model/server.ts'
import { nodeWorld } from '../../src/world/node.ts'
import { SCENES, playScene } from './scenes.ts'
import { startRedis } from './servers.ts'

test('several clients see of the model what they see of a real server', async (t) => {
  const model = new ValkeyModel(nodeWorld())
  const listener = await model.listen({ host: '127.0.0.1', port: 0 })
  await using redis = await startRedis()
  for (const [name, steps] of Object.entries(SCENES))
    await t.test(name, async () => {
      const expected = await playScene(redis.port, steps)
      assert.deepEqual(await playScene(listener.address.port, steps), expected)
      assert.ok(!expected.join().includes(': closed'))
    })
  model.close()
})
