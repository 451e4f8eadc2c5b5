import assert from 'node:assert/strict'
import { test } from 'node:test'
import { conformance } from 'shotover/conformance'
import { play } from 'shotover/kit'
import countByTenant from './count-by-tenant.ts'

test('requests are counted by what stands before the separator, those of any further tenant together', async () => {
  const p = play(countByTenant, { tenants_max: 3 })
  await p.send(['GET', 'acme:a'], ['GET', 'acme:b'], ['PING'], ['GET', 'initech:a'], ['GET', 'x:1'], ['GET', 'y:1'])
  assert.deepEqual(p.metrics, {
    'tenant_requests_count{tenant="acme"}': 2,
    'tenant_requests_count{tenant="none"}': 1,
    'tenant_requests_count{tenant="initech"}': 1,
    'tenant_requests_count{tenant="other"}': 2,
  })
})

conformance(countByTenant, {})
