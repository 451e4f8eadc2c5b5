import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { Folder } from './shotover.ts'

const ROOT = join(import.meta.dirname, '../..')

test('a new transform passes its test and the check of its types, and explain shows it at work', async (context) => {
  const folder = new Folder(context)
  const made = await folder.start(['new', 'transform', 'tag-all']).ended()
  assert.equal(made.code, 0, made.error)
  assert.match(made.out, /^tag-all\/ has a transform that works/)
  const inside = join(folder.path, 'tag-all')
  const run = (command: string, ...args: string[]) =>
    spawnSync(command, args, { cwd: inside, encoding: 'utf8', timeout: 60_000 })
  const tested = run('npm', 'test')
  assert.equal(tested.status, 0, tested.stdout + tested.stderr)
  assert.match(tested.stdout, /✔ TagAll \{"prefix":"app1:"\}: two clients do not see each other/)
  const typed = run(process.execPath, join(ROOT, 'node_modules/typescript/bin/tsc'), '-p', '.')
  assert.equal(typed.status, 0, typed.stdout)
  const explained = run(join(ROOT, 'shotover'), 'explain', '-t', 'topology.yaml', '--json', 'GET a')
  const [{ stages }] = JSON.parse(explained.stdout) as [{ stages: { type: string; request: string | null }[] }]
  assert.deepEqual(
    stages.map(({ type, request }) => [type, request]),
    [
      ['TagAll', 'Valkey Array([BulkString(b"GET"), BulkString(b"app1:a")])'],
      ['ValkeySinkSingle', null],
    ],
  )
})

test('what can not be made is refused: a name that is none, a folder that is there', async (context) => {
  const folder = new Folder(context)
  mkdirSync(join(folder.path, 'taken'))
  const refused = async (name: string) => {
    const { code, error } = await folder.start(['new', 'transform', name]).ended()
    return [code, error]
  }
  assert.deepEqual(await refused('taken'), [1, 'there is a taken already\n'])
  assert.deepEqual(await refused('../up'), [
    1,
    '../up is no name for a transform: write words with dashes, such as mask-values\n',
  ])
})

test('a test that fails ends with 1, and so does a folder without tests', async (context) => {
  const folder = new Folder(context)
  const none = await folder.start(['test']).ended()
  assert.deepEqual([none.code, none.out], [1, ''])
  assert.match(none.error, /^there are no tests in /)
  folder.write(
    'a.test.ts',
    "import { test } from 'node:test'\nimport 'shotover/kit'\ntest('it holds', () => { throw new Error('not so') })",
  )
  const failed = await folder.start(['test']).ended()
  assert.equal(failed.code, 1)
  assert.match(failed.out, /✖ it holds/)
})
