import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ConfigError, describeProblem, didYouMean, oneOf } from './diagnostics.ts'

const KNOWN = ['ValkeySinkSingle', 'ValkeySinkCluster', 'NullSink', 'QueryCounter', 'name', 'Tee']

const MEANT: [string, string | null][] = [
  ['ValkeySinkSingel', 'ValkeySinkSingle'],
  ['valkey_sink_single', 'ValkeySinkSingle'],
  ['NulSink', 'NullSink'],
  ['nullsink', 'NullSink'],
  ['QueryCuonter', 'QueryCounter'],
  ['nmae', 'name'],
  ['Te', 'Tee'],
  ['Cassandra', null],
  ['xyz', null],
  ['', null],
]
for (const [word, meant] of MEANT) {
  test(`"${word}" may have meant ${meant ?? 'nothing known'}`, () => assert.equal(didYouMean(word, KNOWN), meant))
}

test('alternatives are listed as the parser of Shotover lists them', () => {
  assert.equal(oneOf(['a']), '`a`')
  assert.equal(oneOf(['a', 'b']), '`a` or `b`')
  assert.equal(oneOf(['a', 'b', 'c']), 'one of `a`, `b`, `c`')
})

const PROBLEM = { file: 't.yaml', line: 3, column: 7, path: 'sources[0]', text: 'one\ntwo', hint: 'do\nthis' }

test('a problem is shown with its place, its hint on a line of its own', () => {
  assert.equal(describeProblem(PROBLEM), 't.yaml:3:7: sources[0]: one\n    two\n    hint: do\n    this')
  assert.equal(describeProblem({ ...PROBLEM, line: 0, path: '', text: 'x', hint: null }), 't.yaml: x')
})

test('an error shows all its problems', () => {
  const error = new ConfigError(['outer', 'inner'], [PROBLEM, { ...PROBLEM, line: 4 }])
  assert.equal(error.message, 'outer\n\nCaused by:\n    inner')
  assert.match(error.describe(), /t\.yaml:3:7[^]*t\.yaml:4:7/)
})
