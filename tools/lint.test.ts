import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { test, type TestContext } from 'node:test'

const root = dirname(import.meta.dirname)

/** What a tool says about one file under the project's own settings. */
function check(t: TestContext, script: string, args: string[], text: string): Promise<{ code: number; said: string }> {
  const folder = mkdtempSync(join(tmpdir(), 'shotover-lint-'))
  t.after(() => rmSync(folder, { recursive: true }))
  for (const name of ['tsconfig.json', '.oxlintrc.json', '.prettierrc.json', 'package.json']) {
    copyFileSync(join(root, name), join(folder, name))
  }
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
  mkdirSync(join(folder, 'src'))
  writeFileSync(join(folder, 'src/sample.ts'), text)
  return new Promise((resolve) => {
    execFile(process.execPath, [join(root, 'node_modules', script), ...args], { cwd: folder }, (error, out, err) =>
      resolve({ code: error === null ? 0 : Number(error.code), said: out + err }),
    )
  })
}

const lint = 'oxlint/bin/oxlint'
const types = 'typescript/bin/tsc'
const format = 'prettier/bin/prettier.cjs'
const samples: [string, string, string[], string, RegExp][] = [
  ['a promise nobody waits for', lint, ['src'], 'async function f() {}\nf()\n', /no-floating-promises/],
  [
    'an async function where none is waited for',
    lint,
    ['src'],
    'setTimeout(async () => {}, 1)\n',
    /no-misused-promises/,
  ],
  [
    'a switch that forgets a case',
    lint,
    ['src'],
    "export function f(a: 1 | 2) {\n  switch (a) {\n    case 1:\n      return 'b'\n  }\n  return 'c'\n}\n",
    /switch-exhaustiveness/,
  ],
  ['a variable nobody reads', lint, ['src'], 'const a = 1\n', /no-unused-vars/],
  [
    'a function of 71 lines',
    lint,
    ['src'],
    `export function f() {\n${'  void 1\n'.repeat(71)}}\n`,
    /max-lines-per-function/,
  ],
  ['an enum', types, ['-p', '.'], 'export enum A {\n  B,\n}\n', /TS1294/],
  ['a parameter property', types, ['-p', '.'], 'export class A {\n  constructor(readonly b: number) {}\n}\n', /TS1294/],
  ['a type that does not fit', types, ['-p', '.'], "export const a: number = 'b'\n", /TS2322/],
  ['a format of its own', format, ['--check', 'src'], 'const a = "b";\n', /sample\.ts/],
]

for (const [name, script, args, text, expected] of samples) {
  test(`${script.split('/')[0]} finds ${name}`, async (t) => {
    const { code, said } = await check(t, script, args, text)
    assert.notEqual(code, 0)
    assert.match(said, expected)
  })
}

test('nothing is found where nothing is wrong', async (t) => {
  const text = "import { test } from 'node:test'\n\ntest('a', async () => {})\n"
  for (const [script, args] of [
    [lint, ['src']],
    [types, ['-p', '.']],
    [format, ['--check', 'src']],
  ] as [string, string[]][]) {
    const { code, said } = await check(t, script, args, text)
    assert.equal(code, 0, said)
  }
})
