import assert from 'node:assert/strict'
import { test } from 'node:test'
import { controlsOf } from './controls.ts'
import { checkTopology } from './topology.ts'

const TOPOLOGY = `
sources:
  - Valkey:
      name: one
      listen_addr: "127.0.0.1:7001"
      chain:
        - Tee:
            name: outer
            switch_port: 7101
            chain:
              - Tee: { name: inner, switch_port: 7102, chain: [{ NullSink: }] }
              - NullSink:
        - Tee: { name: silent, chain: [{ NullSink: }] }
        - NullSink:
`

test('controls are found at every depth, each with the memory of its transform', async () => {
  const asked: string[] = []
  const topology = await checkTopology('t.yaml', TOPOLOGY)
  const memory = new Map<string, SharedArrayBuffer>()
  const controls = await controlsOf(topology, (key, bytes) => {
    asked.push(`${key} ${bytes}`)
    memory.set(key, new SharedArrayBuffer(bytes))
    return memory.get(key)!
  })
  assert.deepEqual(
    controls.map(({ port }) => port),
    [7101, 7102],
  )
  assert.deepEqual(asked, ['["one","Tee","outer"] 4', '["outer","Tee","inner"] 4', '["one","Tee","silent"] 4'])
  const log = { debug() {}, info() {}, warn() {}, error() {} }
  controls[1]!.answer('PUT', '/transform/tee/result-source', 'tee-chain', log)
  const values = [...memory.values()].map((cells) => new Int32Array(cells)[0])
  assert.deepEqual(values, [0, 1, 0])
})
