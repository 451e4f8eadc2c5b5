import { test } from 'node:test'
import { play } from '../../test/kit.ts'
import { nullSink } from './null-sink.ts'

test('every request gets the same error', async () => {
  const p = play(nullSink, {})
  await p.send(['GET', 'a'], ['SET', 'a', '1'])
  const error = '-ERR Handled by shotover null transform\r\n'
  p.expectReplied(error, error)
})
