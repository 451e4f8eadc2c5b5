import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Reply } from '../load/resp-reader.ts'
import { judge } from './kill-client.ts'

const line = (text: string): Reply => ({ type: text[0] as Reply['type'], text: text.slice(1), bytes: null, length: 0 })
const bulk = (text: string): Reply => ({ type: '$', text: '', bytes: Buffer.from(text), length: text.length })
const NIL: Reply = { type: '$', text: '', bytes: null, length: -1 }
const OK = line('+OK')
const ERROR = line('-ERR gone')

for (const [name, replies, outcome] of [
  ['everything as asked', [OK, bulk('me:1'), line(':4')], 'good'],
  ['errors of a dead server', [ERROR, ERROR, ERROR], 'error'],
  ['written, and the rest lost', [OK, ERROR, ERROR], 'error'],
  ['refused, and the next two reach a new server', [ERROR, NIL, line(':0')], 'error'],
  ['a new server does not know it', [OK, NIL, line(':0')], 'forgotten'],
  ["another client's value", [OK, bulk('you:1'), line(':5')], 'crossed'],
  ['an older value of its own', [OK, bulk('me:0'), line(':4')], 'crossed'],
  ['replies shifted by one', [bulk('me:1'), line(':4'), OK], 'crossed'],
  ['the length of something else', [OK, bulk('me:1'), line(':9')], 'crossed'],
] as [string, [Reply, Reply, Reply], string][])
  test(`replies are judged: ${name}`, () => assert.equal(judge('me:1', ...replies), outcome))
