import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { FileWatch } from './file-watch.ts'

/** Files in a folder, watched; what is said to have changed is asked for in its order. */
async function watched(context: TestContext, ...names: string[]) {
  const folder = mkdtempSync(join(tmpdir(), 'file-watch-'))
  const at = (name: string) => join(folder, name)
  const said: string[] = []
  let wake = () => {}
  const watch = new FileWatch((files) => {
    said.push(...files)
    wake()
  })
  context.after(() => {
    watch.close()
    rmSync(folder, { recursive: true })
  })
  for (const name of names) writeFileSync(at(name), 'first')
  await watch.add(names.map(at))
  return {
    at,
    watch,
    async next(): Promise<string> {
      while (said.length === 0) await new Promise<void>((resolve) => (wake = resolve))
      return said.shift()!.slice(folder.length + 1)
    },
  }
}

const LIMIT = { timeout: 20_000 }

test('a file is said to have changed when it is written, put in place of another, or comes back', LIMIT, async (t) => {
  const { at, next } = await watched(t, 'a.ts', 'b.ts')
  writeFileSync(at('a.ts'), 'second')
  assert.equal(await next(), 'a.ts')
  writeFileSync(at('b.ts~'), 'second')
  renameSync(at('b.ts~'), at('b.ts'))
  assert.equal(await next(), 'b.ts')
  rmSync(at('a.ts'))
  writeFileSync(at('b.ts'), 'third')
  assert.equal(await next(), 'b.ts')
  writeFileSync(at('a.ts'), 'third')
  assert.equal(await next(), 'a.ts')
})

test('a file that is only touched, or written as it was, is not', LIMIT, async (t) => {
  const { at, next } = await watched(t, 'a.ts', 'b.ts')
  utimesSync(at('a.ts'), 1, 1)
  writeFileSync(at('a.ts'), 'first')
  writeFileSync(at('b.ts'), 'second')
  assert.equal(await next(), 'b.ts')
  writeFileSync(at('a.ts'), 'second')
  assert.equal(await next(), 'a.ts')
})

test('a link that is turned to another file is seen, as mounted configuration does it', LIMIT, async (t) => {
  const { at, watch, next } = await watched(t)
  for (const version of ['1', '2']) {
    mkdirSync(at(version))
    writeFileSync(join(at(version), 'a.ts'), version)
  }
  symlinkSync('1', at('data'))
  await watch.add([join(at('data'), 'a.ts')])
  symlinkSync('2', at('data~'))
  renameSync(at('data~'), at('data'))
  assert.equal(await next(), 'data/a.ts')
})

test('a file that is not there yet is seen when it comes', LIMIT, async (t) => {
  const { at, watch, next } = await watched(t)
  await watch.add([at('a.ts')])
  writeFileSync(at('a.ts'), 'first')
  assert.equal(await next(), 'a.ts')
})
