import assert from 'node:assert/strict'
import { dirname } from 'node:path'
import { test } from 'node:test'
import { checkProject, readProject } from './tidy/project.ts'
import { split } from './tidy/source-file.ts'

const root = dirname(import.meta.dirname)

test('the project keeps its own rules', () => {
  const found = checkProject(readProject(root)).map(
    ({ rule, path, line, message }) => `${path}:${line}: ${rule}: ${message}`,
  )
  if (found.length > 0) assert.fail(found.join('\n'))
})

test('the project is read whole', () => {
  const paths = [...readProject(root).keys()]
  for (const path of [
    'package.json',
    'shotover',
    'tools/node',
    'tools/tidy.test.ts',
    '.ci/run',
    'docs/dependencies.md',
  ]) {
    assert.ok(paths.includes(path), path)
  }
  assert.deepEqual(
    paths.filter((path) => path.includes('node_modules/')),
    [],
  )
})

/** Small projects: what the rules are to find in each (rule and place), nothing where nothing is wrong. */
const samples: [string, Record<string, string>, string[]][] = [
  [
    'an import that goes down',
    { 'src/core/a.ts': "import { b } from '../base/b.ts'\nb()", 'src/base/b.ts': 'export function b() {}' },
    [],
  ],
  [
    'an import that goes up',
    { 'src/base/b.ts': "import { a } from '../core/a.ts'\na()", 'src/core/a.ts': 'export function a() {}' },
    ['floors src/base/b.ts:1'],
  ],
  [
    'an import of a type that goes up',
    { 'src/base/b.ts': "\nimport type { A } from '../core/a.ts'", 'src/core/a.ts': 'export type A = 1' },
    ['floors src/base/b.ts:2'],
  ],
  [
    'an import over several lines, and one at run time',
    {
      'src/base/b.ts': "import {\n  a,\n} from '../core/a.ts'\nvoid import('../core/a.ts')\na()",
      'src/core/a.ts': 'export function a() {}',
    },
    ['floors src/base/b.ts:1', 'floors src/base/b.ts:4'],
  ],
  [
    'a codec that imports its sink',
    {
      'src/protocols/p/wire.ts': "import { s } from './sink-single.ts'\ns()",
      'src/protocols/p/sink-single.ts': "import { b } from './body.ts'\nexport const s = b",
      'src/protocols/p/body.ts': 'export const b = () => 1',
    },
    ['floors src/protocols/p/wire.ts:1'],
  ],
  [
    'a codec that imports a transform of its protocol',
    {
      'src/protocols/p/wire.ts': "import { s } from './cache.ts'\ns()",
      'src/protocols/p/cache.ts': 'export const s = transform({})',
    },
    ['floors src/protocols/p/wire.ts:1'],
  ],
  ['a file on no floor', { 'src/other/a.ts': '' }, ['floors src/other/a.ts:1']],
  [
    'a file that imports a test; a test that imports anything',
    {
      'src/cli/a.ts': "import '../base/b.test.ts'",
      'src/base/b.test.ts': "import '../cli/c.ts'\nimport '../sim/s.ts'\nimport 'fast-check'",
      'src/cli/c.ts': '',
      'src/sim/s.ts': '',
    },
    ['floors src/cli/a.ts:1'],
  ],
  [
    'the simulator used by the command line, and by the running proxy',
    {
      'src/sim/net.ts': 'export const net = 1',
      'src/cli/sim.ts': "import { net } from '../sim/net.ts'\nvoid net",
      'src/runtime/worker.ts': "import { net } from '../sim/net.ts'\nvoid net",
    },
    ['neighbours src/runtime/worker.ts:1'],
  ],
  [
    'a protocol that imports another one, and a transform for any protocol that imports one',
    {
      'src/protocols/p/wire.ts': "import { q } from '../q/wire.ts'\nvoid q",
      'src/protocols/q/wire.ts': 'export const q = 1',
      'src/transforms/t.ts': "import { q } from '../protocols/q/wire.ts'\nvoid q",
    },
    ['neighbours src/protocols/p/wire.ts:1', 'neighbours src/transforms/t.ts:1'],
  ],
  [
    'a transform that has a folder, for it reads the bodies of several protocols',
    {
      'src/transforms/t/t.ts':
        "import { q } from '../../protocols/q/wire.ts'\nimport { p } from '../../protocols/p/wire.ts'\nq(p)",
      'src/protocols/p/wire.ts': 'export const p = 1',
      'src/protocols/q/wire.ts': 'export const q = () => 1',
    },
    [],
  ],
  [
    'time, chance and timers on the path of a request',
    {
      'src/core/a.ts':
        'Date.now()\nMath.random()\nsetTimeout(() => {}, 1)\nqueueMicrotask(() => {})\nprocess.nextTick(() => {})',
      'src/transforms/b.ts':
        'performance.now()\nsetImmediate (() => {})\nsetInterval(() => {}, 1)\nnew Date()\nnew Date(1)',
      'src/protocols/p/model/server.ts': "import { connect } from 'node:net'\nimport 'node:tls'\nconnect(1)",
    },
    [
      ...[1, 2, 3, 4, 5].map((line) => `world src/core/a.ts:${line}`),
      ...[1, 2, 3, 4].map((line) => `world src/transforms/b.ts:${line}`),
      ...[1, 2].map((line) => `world src/protocols/p/model/server.ts:${line}`),
    ],
  ],
  [
    'time and the network where they belong, in comments, strings and types',
    {
      'src/world/node.ts': "import 'node:net'\nDate.now()\nsetTimeout(() => {}, 1)",
      'src/core/a.test.ts': 'Date.now()',
      'src/core/a.ts':
        "// Date.now()\n/* Math.random() */\nconst a = 'Date.now()' + `Date.now()` // setTimeout()\nclock.setTimeout(a)",
      'src/core/b.ts': 'export interface Log { at(date: Date): typeof Math.random }',
    },
    [],
  ],
  [
    'a template hides its text and not its code',
    { 'src/core/a.ts': 'export const a = `Date.now() ${ { a: Date.now() }.a } Math.random()\n${Math.random()}`' },
    ['world src/core/a.ts:1', 'world src/core/a.ts:2'],
  ],
  [
    'what a hot file avoids',
    {
      'src/core/a.ts':
        '// Hot path\nasync function a(b: number[]) {\n  await 1\n  void [...b]\n  b.map(c)\n  b.filter(c)\n  b.forEach(c)\n  new Promise(c)\n}',
      'src/core/cold.ts': 'export async function a(b: number[]) {\n  return [...b].map(c)\n}',
      'src/core/types.ts':
        '// Hot path\nexport type A = (...b: number[]) => Promise<void>\nexport let c: Promise<A> | null = null',
    },
    [2, 3, 4, 5, 6, 7, 8].map((line) => `hot path src/core/a.ts:${line}`),
  ],
  [
    'what a hot file says is cold, down to its end and no further',
    {
      'src/core/a.ts':
        '// Hot path\nclass A {\n  // Cold: once a session\n  a(b: number[]) {\n    if (b) {\n    }\n    return b.map(c)\n  }\n  d(b: number[]) {\n    return [...b]\n  }\n}\n// Cold: at start\nasync function e() {\n}\n// Cold:\nasync function f() {\n}',
    },
    ['hot path src/core/a.ts:10', 'hot path src/core/a.ts:17'],
  ],
  [
    'empty words in names',
    {
      'src/core/pool-manager.ts': '',
      'src/core/a.ts':
        'class PoolManager {}\nfunction parseHelper() {}\nconst utils = 1\ntype WireImpl = 1\ninterface IWire {}',
    },
    ['names src/core/pool-manager.ts:1', ...[1, 2, 3, 4, 5].map((line) => `names src/core/a.ts:${line}`)],
  ],
  [
    'words that only resemble them',
    { 'src/core/a.ts': 'class Utilization {}\ninterface Index {}\nconst implied = 1\ninterface IO {}' },
    [],
  ],
  [
    'default exports, of anything and of a transform',
    {
      'src/core/a.ts': 'export default 1',
      'examples/a/b.ts': 'export default 1',
      'test/golden/b.ts': 'export default transform({})',
      'bench/c.ts': 'export default class C {}',
    },
    ['exports src/core/a.ts:1', 'exports bench/c.ts:1'],
  ],
  [
    'a barrel, and what users import',
    {
      'src/api.ts': "export type { B } from './core/b.ts'",
      'src/core/a.ts': "export * from './b.ts'\nexport type { B } from './b.ts'\nexport const c = 'd'",
      'src/core/b.ts': 'export type B = 1',
    },
    ['exports src/core/a.ts:1', 'exports src/core/a.ts:2'],
  ],
  [
    'files of 401 lines',
    {
      'src/core/a.ts': 'a\n'.repeat(401),
      'src/core/b.ts': 'a\n'.repeat(400),
      'src/core/c.table.ts': 'a\n'.repeat(401),
      'src/core/generated/d.ts': 'a\n'.repeat(401),
      'src/core/e.ts': '// Generated from a list\n' + 'a\n'.repeat(401),
    },
    ['size src/core/a.ts:400'],
  ],
  [
    'what is put off',
    { 'src/core/a.ts': `// ${'TODO'}: later\n/* ${'FIXME'} */\n// ${'TODO'} #12: then\nconst TODO = 1` },
    ['honesty src/core/a.ts:1', 'honesty src/core/a.ts:2'],
  ],
  [
    'tests that do not run, or sleep',
    {
      'src/core/a.test.ts':
        "test.only('a')\ntest.skip('a')\nt.skip('a')\ntest('a', { skip: true })\ntest('a', { todo: 'later' })\nawait sleep(1)\nnew Promise((resolve) => setTimeout(resolve, 5))",
      'src/core/a.ts': 'list.skip(1)\nt.skip(1)',
    },
    [1, 2, 3, 4, 5, 6, 7].map((line) => `honesty src/core/a.test.ts:${line}`),
  ],
  [
    'circles of values, not of types',
    {
      'src/core/a.ts': "import { b } from './b.ts'\nexport const a = () => b",
      'src/core/b.ts': "import { c } from './c.ts'\nexport const b = () => c",
      'src/core/c.ts': "import { a } from './a.ts'\nexport const c = () => a",
      'src/core/d.ts': "import type { E } from './e.ts'\nexport type D = E",
      'src/core/e.ts': "import { type D } from './d.ts'\nexport type E = D",
      'src/core/self.ts': "import { s } from './self.ts'\nexport const s = 1",
    },
    ['cycles src/core/a.ts:1', 'cycles src/core/self.ts:1'],
  ],
  [
    'places of one machine, in any file of text',
    {
      'docs/a.md': `\nsee /${'work'}/main`,
      'src/core/a.ts': `// /${'farm'}/x`,
      'docs/b.md': 'a network/work/farm/b; https://x.org/work/',
    },
    ['places docs/a.md:2', 'places src/core/a.ts:1'],
  ],
  [
    'dependencies without a reason, reasons without a dependency, and imports of what only development has',
    {
      'package.json': '{"dependencies":{"a":"1"},"devDependencies":{"@b/c":"1","d":"1"}}',
      'docs/dependencies.md': '| `a` | x |\n| `@b/c` | y |\n| `gone` | z |',
      'src/core/x.ts': "import 'a/sub'\nimport '@b/c'\nimport 'node:fs'",
      'src/core/x.test.ts': "import 'd'",
    },
    ['dependencies docs/dependencies.md:1', 'dependencies docs/dependencies.md:1', 'dependencies src/core/x.ts:2'],
  ],
  [
    'libraries that only the main thread needs, loaded by a thread that serves clients',
    {
      'src/runtime/worker-main.ts': "import { a } from '../config/a.ts'\na()",
      'src/config/a.ts':
        "import type { z } from 'zod'\nexport const a = async (): Promise<z.ZodType> => (await import('./b.ts')).b",
      'src/config/b.ts': "import { z } from 'zod'\nexport const b = z.any()",
      'src/config/c.ts': "import { z } from 'zod'\nexport const c = z.any()",
    },
    ['threads src/config/b.ts:1'],
  ],
  ['text that is not TypeScript', { 'src/core/a.ts': 'enum A { B }' }, ['syntax src/core/a.ts:1']],
]

for (const [name, files, expected] of samples) {
  test(`tidy finds what is wrong, and nothing else: ${name}`, () => {
    const found = checkProject(new Map(Object.entries(files))).map(({ rule, path, line }) => `${rule} ${path}:${line}`)
    assert.deepEqual(found.sort(), [...expected].sort())
  })
}

const views: [string, string, string][] = [
  ['a quote in a regular expression', "a = /['\"]/g; b = 'c'", "a = /     g; b = ' '"],
  ['a slash in a class of a regular expression', 'a(/[/]b/); c', 'a(/    /); c'],
  ['a division is not a regular expression', 'a = b / c; d = e / f', 'a = b / c; d = e / f'],
  ['an escaped quote', "a('\\'b', c)", "a('   ', c)"],
  ['a comment in a string', "a('// b') // c", "a('    ')     "],
  ['a template in a template', 'a(`b${ `c${d}` }e`) + f', 'a(`  { `  {d}` } `) + f'],
  ['a brace in a template', 'a(`${ {b: 1} }`, c)', 'a(` { {b: 1} }`, c)'],
]
for (const [name, text, code] of views) {
  test(`code is told from what it quotes: ${name}`, () => assert.equal(split(text).code, code))
}
