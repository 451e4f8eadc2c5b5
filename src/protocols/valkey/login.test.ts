import assert from 'node:assert/strict'
import { test } from 'node:test'
import { encodeReply } from './encode-reply.ts'
import { encodeRequest } from './encode.ts'
import { login } from './login.ts'
import type { Reply } from './values.ts'

const ok: Reply = { type: 'simple', text: 'OK' }
const queued: Reply = { type: 'simple', text: 'QUEUED' }
const refused: Reply = { type: 'error', text: 'WRONGPASS invalid username-password pair or user is disabled.' }
const hello3: Reply = { type: 'map', entries: [] }
const hello2: Reply = { type: 'array', items: [] }

const rows: [request: string, reply: Reply, user: string | null][] = [
  ['AUTH alice secret', ok, 'alice'],
  ['auth alice secret', ok, 'alice'],
  ['AUTH alice secret', refused, null],
  ['AUTH alice secret', queued, null],
  ['AUTH secret', ok, ''],
  ['AUTH default secret', ok, ''],
  ['HELLO 3 AUTH alice secret', hello3, 'alice'],
  ['HELLO 2 SETNAME me auth alice secret', hello2, 'alice'],
  ['HELLO 3 AUTH default secret SETNAME me', hello3, ''],
  ['HELLO 3', hello3, null],
  ['HELLO', hello2, null],
  ['HELLO 3 AUTH alice secret', refused, null],
  ['RESET', { type: 'simple', text: 'RESET' }, ''],
  ['GET alice', ok, null],
]
for (const [request, reply, user] of rows) {
  test(`after ${request}, answered ${reply.type}, the user is ${user === null ? 'who it was' : `"${user}"`}`, () => {
    assert.equal(login(encodeRequest(request.split(' ')), encodeReply(reply)), user)
  })
}
