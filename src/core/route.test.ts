import assert from 'node:assert/strict'
import { test } from 'node:test'
import { valkeySinkSingle } from '../protocols/valkey/sink-single.ts'
import { typedRequest } from '../protocols/valkey/inline.ts'
import { valkey } from '../protocols/valkey/index.ts'
import { AT_OWNER, Exchange, PART_TAKEN } from './exchange.ts'
import { Parts } from './parts.ts'
import type { SessionInfo } from './transform.ts'

const nobody = { level: AT_OWNER, onReplies() {}, onReplyPart: () => PART_TAKEN, onSilent() {} }
const session = { id: 1, source: 'main', protocol: valkey } as unknown as SessionInfo
const options = { remote_address: '10.0.0.1:6379', connect_timeout_ms: 1000 }

const ROUTES: readonly (readonly [line: string, way: string, reason: string | null])[] = [
  ['SET a 1', 'shared', null],
  ['BLPOP a 0', 'pinned', 'blocking'],
  ['SUBSCRIBE news', 'pinned', 'subscribe'],
  ['WAIT 1 100', 'kept', 'wait'],
  ['SELECT 3', 'attributes', null],
  ['QUIT', 'ended', null],
  ['NO.SUCH', 'pinned', 'unknown-command'],
]
for (const [line, way, reason] of ROUTES) {
  test(`${line} goes: ${way}`, () => {
    const exchange = new Exchange(typedRequest(line), nobody, AT_OWNER, 0)
    const route = valkeySinkSingle.route!(options, session)(exchange)
    assert.deepEqual(route, { way, server: '10.0.0.1:6379', reason })
  })
}

test('what comes in parts goes where nobody waits behind it', () => {
  const exchange = new Exchange(typedRequest('SET a 1'), nobody, AT_OWNER, 0)
  exchange.requestParts = new Parts()
  const { way, reason } = valkeySinkSingle.route!(options, session)(exchange)
  assert.deepEqual([way, reason], ['pinned', 'large-request'])
})
