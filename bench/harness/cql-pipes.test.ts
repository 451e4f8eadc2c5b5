import assert from 'node:assert/strict'
import { test } from 'node:test'
import { cassandraSinkSingle } from '../../src/protocols/cassandra/sink-single.ts'
import { openCql } from './cql-pipes.ts'
import { env, server, turn } from './pipes.ts'

for (const version of [4, 5])
  for (const clients of [1, 8])
    test(`version ${version}: what ${clients} of the clients that share a connection ask in a turn leaves in one write`, () => {
      const to = { remote_address: '127.0.0.1:9', connect_timeout_ms: 1000 }
      const { pipes, asked, answered } = openCql(version, clients, 4, [cassandraSinkSingle.create(to, env)])
      const before = server!.writes
      for (let turns = 0; turns < 3; turns++) turn(pipes, asked, answered)
      assert.equal(server!.writes - before, 3)
      const replies = pipes.map(({ written }) => written)
      assert.ok(replies.every((written) => written > 3 * 4 * 130))
    })
