import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import type { CheckedTopology } from '../config/checked.ts'
import { ConfigError } from '../config/diagnostics.ts'
import type { Versions } from '../config/user-kinds.ts'
import { Registry } from '../observability/metrics.ts'
import { mergeSnapshots } from '../observability/snapshot.ts'
import { Reload } from './reload.ts'

const LIMIT = { timeout: 20_000 }

/** Two modules in a topology, `b.ts` within a chain of a transform; what is done, as words. */
async function reloading(context: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), 'reload-'))
  const at = (name: string) => join(folder, name)
  for (const name of ['a.ts', 'b.ts']) writeFileSync(at(name), '')
  const within = { B: { names: ['w'], chain: [{ type: 'B', name: 'B-1', options: {}, module: at('b.ts') }] } }
  const first = {
    sources: [
      {
        chain: [
          { type: 'A', name: 'A-1', options: {}, module: at('a.ts') },
          { type: 'Tee', name: 'Tee-1', options: {}, chains: within },
        ],
      },
    ],
  } as unknown as CheckedTopology
  const done: string[] = []
  let wake = () => {}
  const note = (word: string) => {
    done.push(word)
    wake()
  }
  const said = (versions: Versions) => [...versions].map(([file, version]) => `${file.slice(-4)} ${version}`).join(' ')
  const named = new Map<CheckedTopology, string>([[first, 'first']])
  const hooks = { check: (): void => {}, swap: (): void | Promise<void> => {} }
  const at2 = (level: string) => (message: string, fields?: Record<string, unknown>) =>
    note(`${level} ${message}${fields === undefined ? '' : ` ${String(fields.error)}`}`)
  const registry = new Registry()
  const reload = new Reload({
    topology: first,
    metrics: registry,
    log: { debug: at2('debug'), info: at2('info'), warn: at2('warn'), error: at2('error') },
    async check(versions) {
      hooks.check()
      const topology: CheckedTopology = { sources: [] }
      named.set(topology, said(versions))
      return topology
    },
    async swap(topology) {
      await hooks.swap()
      note(`swap ${named.get(topology)}`)
    },
    revert: (topology) => note(`revert ${named.get(topology)}`),
  })
  context.after(() => {
    reload.close()
    rmSync(folder, { recursive: true })
  })
  await reload.start()
  return {
    reload,
    /** How many reloads succeeded, failed and were reverted. */
    counts: () => (mergeSnapshots([registry.snapshot()]).get('shotover_transform_reloads_count') ?? []).map((one) => `${one.labels['outcome']} ${one.value}`).sort(), // prettier-ignore
    hooks,
    save: (name: string, text: string) => writeFileSync(at(name), text),
    async next(): Promise<string> {
      while (done.length === 0) await new Promise<void>((resolve) => (wake = resolve))
      return done.shift()!
    },
  }
}

test('each module that is saved is read anew, wherever it stands', LIMIT, async (t) => {
  const { save, next } = await reloading(t)
  save('a.ts', '1')
  assert.equal(await next(), 'swap a.ts 1')
  assert.equal(await next(), 'info a.ts was saved: sessions get the new version')
  save('b.ts', '1')
  assert.equal(await next(), 'swap a.ts 1 b.ts 2')
})

test('what can not be read, checked or made leaves all as it was, and the reason is logged', LIMIT, async (t) => {
  const { save, next, hooks, counts } = await reloading(t)
  assert.deepEqual(counts(), ['failed 0', 'reverted 0', 'succeeded 0'])
  hooks.check = () => {
    throw new ConfigError(['no'], [{ file: 't.yaml', line: 3, column: 5, path: 'x', text: 'it is wrong', hint: null }])
  }
  save('a.ts', '1')
  const kept = "warn a.ts was saved and can't be used: the version before goes on serving"
  assert.match(await next(), /^warn a\.ts was saved and can't be used.*t\.yaml:3:5: x: it is wrong/)
  hooks.check = () => {}
  hooks.swap = () => Promise.reject(new Error('it throws'))
  save('a.ts', '2')
  assert.equal(await next(), `${kept} it throws`)
  hooks.swap = () => {}
  save('b.ts', '1')
  assert.equal(await next(), 'swap b.ts 3')
  await next()
  assert.deepEqual(counts(), ['failed 2', 'reverted 0', 'succeeded 1'])
})

test(
  'a version that threw too often is taken back, once, and the next one comes in the place of the one before',
  LIMIT,
  async (t) => {
    const { save, next, reload, counts } = await reloading(t)
    reload.givenUp('nothing was swapped')
    save('a.ts', '1')
    assert.equal(await next(), 'swap a.ts 1')
    await next()
    reload.givenUp('boom')
    reload.givenUp('boom on another thread')
    assert.equal(await next(), 'warn a.ts threw too often: the version before serves again boom')
    assert.equal(await next(), 'revert first')
    assert.deepEqual(counts(), ['failed 0', 'reverted 1', 'succeeded 1'])
    save('a.ts', '2')
    assert.equal(await next(), 'swap a.ts 2')
  },
)

test('what is saved while a version is being swapped in comes after it', LIMIT, async (t) => {
  const { save, next, hooks } = await reloading(t)
  const swapping = Promise.withResolvers<void>()
  let swaps = 0
  hooks.swap = () => (++swaps === 1 ? swapping.promise : undefined)
  save('a.ts', '1')
  while (swaps === 0) await new Promise((resolve) => setImmediate(resolve))
  save('b.ts', '1')
  swapping.resolve()
  assert.equal(await next(), 'swap a.ts 1')
  await next()
  assert.equal(await next(), 'swap a.ts 1 b.ts 2')
})
