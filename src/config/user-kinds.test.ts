import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, test } from 'node:test'
import { schemaOf } from './options.ts'
import { filesOf } from './user-modules.ts'
import { PackageNotFound, importKind, isUserKind, loadUserKind } from './user-kinds.ts'

const directory = mkdtempSync(join(tmpdir(), 'user-kinds-'))
after(() => rmSync(directory, { recursive: true }))

function write(path: string, text: string): string {
  const file = join(directory, path)
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, text)
  return file
}

const KIND = `
import { transform } from 'shotover'
import { z } from 'zod'
export default transform({ type: 'Mine', doc: '', options: z.strictObject({}), create: () => () => ({}) })
`

test('files and packages are told from kinds of the list', () => {
  for (const key of ['./a.ts', '../a.ts', '/a/b.ts', 'my-transform', '@me/transform', '@me/transform/sub.js', 'a/b']) {
    assert.ok(isUserKind(key), key)
  }
  for (const key of ['NullSink', 'ValkeySinkSingle', 'Mine', '', 'nullSink']) assert.ok(!isUserKind(key), key)
})

test('a file is found from the given folder, and gets shotover and zod where it has none', async () => {
  const file = write('far/mine.ts', KIND)
  const { kind, module } = await loadUserKind('./far/mine.ts', directory)
  assert.equal(module, file)
  assert.equal(kind.type, 'Mine')
  assert.equal(kind.terminating, false)
  assert.equal((await loadUserKind(file, '/')).module, file)
})

test('a package is found as from a file in the given folder, by its conditions for import', async () => {
  const manifest = { name: '@me/mine', type: 'module', exports: { import: './lib/kind.js' } }
  write('node_modules/@me/mine/package.json', JSON.stringify(manifest))
  const file = write('node_modules/@me/mine/lib/kind.js', KIND)
  const { kind, module } = await loadUserKind('@me/mine', directory)
  assert.equal(module, file)
  assert.equal(kind.type, 'Mine')
})

test('a package of its own comes before ours', async () => {
  write('other/node_modules/zod/package.json', JSON.stringify({ name: 'zod', type: 'module', exports: './index.js' }))
  write(
    'other/node_modules/zod/index.js',
    'export const z = { strictObject: () => ({ safeParse: () => "their zod" }) }',
  )
  const file = write('other/mine.ts', KIND)
  const kind = await importKind(file)
  assert.equal(schemaOf(kind.options).safeParse({}), 'their zod')
})

test('a package that is not there is told from one that is broken', async () => {
  await assert.rejects(loadUserKind('no-such-package', directory), PackageNotFound)
  write('node_modules/broken/package.json', JSON.stringify({ name: 'broken', type: 'module', exports: './index.js' }))
  write('node_modules/broken/index.js', 'throw new Error("at once")')
  await assert.rejects(loadUserKind('broken', directory), {
    message: /^Couldn't import the transform .*broken\/index\.js: at once$/,
  })
})

const BROKEN: [string, string, RegExp][] = [
  ['absent.ts', '', /^Couldn't open the transform .*absent\.ts: No such file or directory \(os error 2\)$/],
  ['syntax.ts', 'export default {\n  type: 1,,\n}', /^Couldn't import the transform .*syntax\.ts: .+syntax\.ts:2\)$/],
  ['imports.ts', "import './gone.ts'", /^Couldn't import the transform .*imports\.ts: Cannot find module '.*gone\.ts'/],
  ['nothing.ts', 'export const a = 1', /nothing\.ts is no transform: it has no default export$/],
  ['number.ts', 'export default 7', /number\.ts is no transform: its default export is not what/],
  ['untyped.ts', 'export default {}', /untyped\.ts is no transform: its default export has no `type`$/],
  [
    'inert.ts',
    "export default { type: 'A' }",
    /inert\.ts is no transform: its default export has no function `create`$/,
  ],
  [
    'open.ts',
    "export default { type: 'A', create() {} }",
    /open\.ts is no transform: its default export has no `options`: neither a zod schema nor a function of zod that makes one$/,
  ],
]
for (const [file, text, message] of BROKEN) {
  test(`what is wrong with ${file} is said, with its name`, async () => {
    if (text !== '') write(file, text)
    await assert.rejects(loadUserKind(`./${file}`, directory), { message })
  })
}

test('another version reads the file anew, and what it imports by its path; the first stays as it was', async () => {
  const kind = (doc: string) => `import { transform } from 'shotover'
import { z } from 'zod'
import { text } from './lib.ts'
export default transform({ type: 'Mine', doc: text + ${doc}, options: z.strictObject({}), create: () => () => ({}) })`
  const file = write('versions/mine.ts', kind("'1'"))
  const lib = write('versions/lib.ts', "export const text: string = 'a'")
  assert.equal((await importKind(file)).doc, 'a1')
  assert.deepEqual(filesOf(file), [file, lib])
  write('versions/lib.ts', "export const text: string = 'b'")
  write('versions/mine.ts', kind("'2'"))
  assert.equal((await importKind(file)).doc, 'a1')
  assert.equal((await loadUserKind(file, directory, new Map([[file, 1]]))).kind.doc, 'b2')
  assert.equal((await importKind(file, 1)).doc, 'b2')
  assert.equal((await importKind(file)).doc, 'a1')
})

test('the place of an error is told without the number of the version', async () => {
  const file = write('broken-version.ts', 'export default {\n  type: 1,,\n}')
  await assert.rejects(importKind(file, 3), {
    message: /^Couldn't import the transform \S+broken-version\.ts: [^?]+broken-version\.ts:2\)$/,
  })
})
