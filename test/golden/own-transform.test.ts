import assert from 'node:assert/strict'
import { once } from 'node:events'
import { copyFileSync, readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { ValkeyModel } from '../../src/protocols/valkey/model/server.ts'
import { nodeWorld } from '../../src/world/node.ts'
import { Folder, freePort } from './shotover.ts'

const EXAMPLE = join(import.meta.dirname, '../../examples/own-transform')

for (const threads of ['1', '2']) {
  test(`the transform of examples/own-transform refuses what it is to refuse, on ${threads} core threads`, async (context) => {
    const model = new ValkeyModel(nodeWorld())
    context.after(() => model.close())
    const { address } = await model.listen({ host: '127.0.0.1', port: 0 })
    const port = await freePort()
    const folder = new Folder(context)
    const topology = readFileSync(join(EXAMPLE, 'topology.yaml'), 'utf8')
    folder.write('topology.yaml', topology.replace(':6379', `:${port}`).replace(':1111', `:${address.port}`))
    folder.write('config.yaml', 'main_log_level: "off, shotover::config::topology=info, shotover::transforms=info"')
    copyFileSync(join(EXAMPLE, 'protect-keys.ts'), join(folder.path, 'protect-keys.ts'))
    const shotover = folder.start([
      '-t',
      'topology.yaml',
      '-c',
      'config.yaml',
      '--core-threads',
      threads,
      '--log-format',
      'json',
    ])
    await shotover.said('Shotover is now accepting inbound connections')
    const client = connect(port, '127.0.0.1').setEncoding('utf8')
    client.write('SET a 1\r\nSET config:x 2\r\nGET a\r\nGET config:x\r\n')
    let replies = ''
    while (!replies.endsWith('$-1\r\n')) replies += String((await once(client, 'data'))[0])
    assert.equal(replies, '+OK\r\n-ERR this key is protected\r\n$1\r\n1\r\n$-1\r\n')
    client.destroy()
    shotover.process.kill('SIGTERM')
    const { code, out, error } = await shotover.ended()
    assert.deepEqual([code, error], [0, ''])
    const logged = out
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line))
    assert.deepEqual(
      logged.map(({ target, fields }) => [target, fields.message]),
      [
        ['shotover::config::topology', 'Shotover is now accepting inbound connections'],
        ['shotover::transforms::ProtectKeys', 'refused 1 writes of 127.0.0.1'],
      ],
    )
  })
}
