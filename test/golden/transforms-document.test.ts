import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { KINDS, SHOTOVER_TRANSFORMS } from '../../src/config/kinds.ts'

const ROOT = join(import.meta.dirname, '../..')
const DOCUMENT = readFileSync(join(ROOT, 'docs/transforms.md'), 'utf8')

/** How deep code stands in a document is the formatter's to say. */
const unindented = (code: string) => code.replace(/^ +/gm, '')

test('the code in docs/transforms.md is that of the examples, which are tested', () => {
  const examples = globSync('examples/**/*.ts', { cwd: ROOT }).map((path) =>
    unindented(readFileSync(join(ROOT, path), 'utf8')),
  )
  const blocks = [...DOCUMENT.matchAll(/```ts\n([^]*?)```/g)].map(([, code]) => code!)
  assert.equal(blocks.length, 9)
  for (const block of blocks)
    assert.ok(
      examples.some((example) => example.includes(unindented(block))),
      block,
    )
})

test('docs/from-shotover.md says of every transform that Shotover has too in what it differs', () => {
  const page = readFileSync(join(ROOT, 'docs/from-shotover.md'), 'utf8')
  for (const type of SHOTOVER_TRANSFORMS.filter((name) => Object.hasOwn(KINDS.transforms, name)))
    assert.ok(new RegExp(`^\\| .*\`${type}\`.* \\| .+`, 'm').test(page), `${type} has no line`)
})

test('docs/transforms.md names every transform of the list', () => {
  for (const type of Object.keys(KINDS.transforms))
    assert.ok(
      new RegExp(`^\\| (\`\\w+\`, )?\`${type}\`(, \`\\w+\`)? +\\| \\w.+`, 'm').test(DOCUMENT),
      `${type} has no line in its table`,
    )
})
