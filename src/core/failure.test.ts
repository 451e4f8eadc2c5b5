import assert from 'node:assert/strict'
import { test } from 'node:test'
import { logRefusal } from './failure.ts'
import type { Log } from './kind.ts'
import { ProtocolError } from './protocol.ts'

const REFUSALS: readonly (readonly [what: string, error: unknown, level: string, message: RegExp, reason: string])[] = [
  [
    'a broken message',
    new ProtocolError('no'),
    'warn',
    /^failed to decode message: .*\n\nCaused by:\n {4}no$/,
    'protocol-error',
  ],
  ['one that is too large', new RangeError('no'), 'warn', /^failed to decode message/, 'protocol-error'],
  ['one that comes in the normal course', new ProtocolError('no', null, true), 'info', /^no$/, 'protocol-error'],
  ['a fault of ours', new TypeError('no'), 'error', /fault of ours/, 'fault'],
]

for (const [what, error, level, message, reason] of REFUSALS) {
  test(`${what} is logged as ${level}`, () => {
    const logged: [level: string, message: string][] = []
    const at = (name: string) => (text: string) => void logged.push([name, text])
    const log: Log = { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
    assert.equal(logRefusal(log, 'Lines', error), reason)
    assert.equal(logged.length, 1)
    assert.equal(logged[0]![0], level)
    assert.match(logged[0]![1], message)
  })
}
