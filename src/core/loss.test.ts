import assert from 'node:assert/strict'
import { test } from 'node:test'
import { frameOf, PLAIN } from '../../test/core/chain-play.ts'
import { AT_OWNER, Exchange, PART_TAKEN, type Carrier } from './exchange.ts'
import { waitsInVain } from './loss.ts'
import { PLAN_BLOCK, PLAN_SHARE, type Sharing } from './sharing.ts'
import type { Upstream } from './upstream.ts'

const nobody = { level: AT_OWNER, onReplies() {}, onReplyPart: () => PART_TAKEN, onSilent() {} }

/** An upstream of a session's own that owes replies to these; those in capitals are of its handshake. */
function owing(...texts: string[]) {
  const lane = {} as Carrier
  const owed = texts.map((text) => {
    const exchange = new Exchange(frameOf(text), nobody, AT_OWNER, 0)
    exchange.carrier = text === text.toUpperCase() ? ({} as Carrier) : lane
    return exchange
  })
  const planned: string[] = []
  const sharing = {
    plan({ request }: Exchange) {
      planned.push(String(request.toBuffer()))
      return planned.at(-1) === 'blpop' ? PLAN_BLOCK : PLAN_SHARE
    },
  } as unknown as Sharing
  const upstream = { owed: () => owed, pinnedTo: lane } as unknown as Upstream
  return { inVain: waitsInVain(upstream, sharing, PLAIN), planned }
}

test('a session that ends waits in vain where the next reply is one that may never come', () => {
  assert.equal(owing('blpop', 'get').inVain, true)
  assert.equal(owing('get', 'blpop').inVain, false)
  assert.equal(owing().inVain, false)
})

test('what gives an upstream its attributes is not taken for a request of the session, which then would be elsewhere', () => {
  assert.deepEqual(owing('SELECT', 'blpop'), { inVain: false, planned: [] })
})
