import assert from 'node:assert/strict'
import { test } from 'node:test'
import { encodeBody, plain } from '../body/body.ts'
import { requestFrame } from '../envelope.ts'
import { REGISTER } from '../opcodes.ts'
import { eventsAskedFor } from './subscription.ts'

const register = (...events: string[]) => encodeBody(plain(4, { type: 'register', events }), 0)

test('who asks for events that there are not is left to a node, which refuses', () => {
  assert.deepEqual(eventsAskedFor(register('SCHEMA_CHANGE', 'STATUS_CHANGE')), ['SCHEMA_CHANGE', 'STATUS_CHANGE'])
  assert.deepEqual(eventsAskedFor(register()), [])
  assert.equal(eventsAskedFor(register('SCHEMA_CHANGE', 'NOTHING')), null)
  assert.equal(eventsAskedFor(requestFrame(4, 0, REGISTER, Buffer.from([0, 2, 0]))), null)
})
