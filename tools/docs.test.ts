import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { parse } from 'yaml'
import { buildTopology } from '../src/config/build.ts'
import type { CheckedTopology } from '../src/config/checked.ts'
import { checkTopology } from '../src/config/topology.ts'
import { mergeSnapshots } from '../src/observability/snapshot.ts'
import { Registry } from '../src/observability/metrics.ts'
import { collectTopology } from '../src/observability/topology-metrics.ts'
import { SimWorld } from '../src/sim/world.ts'
import { presentPages, wantedPages } from './docs.ts'
import { optionRows } from './docs/options.ts'
import { loadKinds } from './docs/pages.ts'

const kinds = await loadKinds()
const wanted = await wantedPages()
const silent = { debug() {}, info() {}, warn() {}, error() {} }

test('docs/reference is what `npm run docs` writes', () => {
  const present = presentPages()
  assert.deepEqual(Object.keys(present), Object.keys(wanted).toSorted(), 'run `npm run docs`')
  for (const [name, text] of Object.entries(wanted)) assert.equal(present[name], text, `${name}: run \`npm run docs\``)
})

function exampleOf(type: string): string {
  const [, yaml] = /```yaml\n([^]*?)```/.exec(wanted[`${type}.md`]!)!
  return yaml!
}

for (const { type } of [...kinds.sources, ...kinds.transforms]) {
  test(`the example of ${type} is a topology without a fault that has it`, async () => {
    const yaml = exampleOf(type)
    const { sources } = await checkTopology('topology.yaml', yaml)
    assert.ok(sources[0]!.type === type || sources[0]!.chain.some((transform) => transform.type === type))
    assert.ok(JSON.stringify(parse(yaml)).includes(`"${type}"`))
  })
}

// What acts past its world does so when it is built already: it empties a folder.
for (const { type, metrics: told = [] } of kinds.transforms.filter(({ outside }) => outside === undefined)) {
  test(`${type} tells of every metric that it makes`, async () => {
    const topology = await checkTopology('topology.yaml', exampleOf(type))
    const [source] = topology.sources
    const chain = source!.chain.filter((transform) => transform.type === type)
    const made = await metricsOf({ sources: [{ ...source!, chain }] })
    // What the source has before any sink is its own.
    const { sources: nothing } = await checkTopology('topology.yaml', exampleOf('NullSink'))
    const common = await metricsOf({ sources: [{ ...source!, chain: nothing[0]!.chain }] })
    assert.deepEqual(
      [...made].filter((name) => !common.has(name) && !told.includes(name)),
      [],
    )
  })
}

async function metricsOf(topology: CheckedTopology): Promise<Set<string>> {
  const registry = new Registry()
  const built = await buildTopology(topology, { world: new SimWorld().world, metrics: registry, logger: () => silent })
  collectTopology(registry, built.sources)
  built.close()
  return new Set(mergeSnapshots([registry.snapshot()]).keys())
}

test('options of every shape have a row that says what may stand there', () => {
  const rows = optionRows({
    required: ['a', 'b'],
    properties: {
      a: { type: 'string', description: 'one|two\nthree' },
      b: { type: 'integer', default: 5, minimum: 0, maximum: Number.MAX_SAFE_INTEGER },
      c: { enum: ['x', 'y'] },
      d: { type: 'array', items: { type: 'string' } },
      e: { type: 'object', additionalProperties: { type: 'integer', exclusiveMinimum: 0, maximum: 9 } },
      f: { anyOf: [{ const: 'Ignore' }, { type: 'object', properties: { chain: { type: 'array' } } }] },
      g: { type: 'array', items: { type: 'object', properties: { h: { type: 'boolean' } } } },
    },
  })
  assert.deepEqual(rows, [
    '| `a` | string | required | one\\|two three |',
    '| `b` | integer, 0 or more | `5` |  |',
    '| `c` | `x`, `y` |  |  |',
    '| `d` | list of string |  |  |',
    '| `e` | map to integer, 1 to 9 |  |  |',
    '| `f` | `Ignore` or map |  |  |',
    '| `f.chain` | chain |  |  |',
    '| `g` | list of map |  |  |',
    '| `g.h` | boolean |  |  |',
  ])
})

test('other pages lead to the reference', () => {
  const root = join(import.meta.dirname, '..')
  for (const page of ['README.md', 'docs/configuration.md', 'docs/transforms.md'])
    assert.match(readFileSync(join(root, page), 'utf8'), /\]\((docs\/)?reference\/(README\.md)?\)/, page)
})
