import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { test } from 'node:test'

const MODULE = join(import.meta.dirname, 'stdout.ts')

/** A process that runs `body` with a writer on its standard output. */
function start(body: string) {
  const code = `import { StdoutWriter } from ${JSON.stringify(MODULE)}; const writer = new StdoutWriter(); ${body}`
  return spawn(process.execPath, ['--input-type=module', '-e', code], { stdio: ['ignore', 'pipe', 'pipe'] })
}

async function finish(child: ReturnType<typeof start>): Promise<{ code: number; out: string; error: string }> {
  let out = ''
  let error = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (error += text))
  const [code] = (await once(child, 'close')) as [number]
  return { code, out, error }
}

test('lines leave whole and in order before a flush resolves', async () => {
  const { out, error } = await finish(
    start(`for (let i = 0; i < 10000; i++) writer.write(i + '\\n'); await writer.flush(10000); process.exit(0)`),
  )
  assert.equal(error, '')
  assert.equal(out, Array.from({ length: 10000 }, (_, i) => `${i}\n`).join(''))
})

test('lines that nobody flushed are written when the process exits', async () => {
  const { out, code } = await finish(start(`writer.write('a\\n'); writer.write('b\\n'); process.exit(3)`))
  assert.equal(code, 3)
  assert.equal(out, 'a\nb\n')
})

test('a reader that does not read never blocks; what finds no room is dropped and counted', async () => {
  const child = start(`
    const line = 'x'.repeat(1023) + '\\n'
    let most = 0
    for (let i = 0; i < 20000; i++) {
      const before = performance.now()
      writer.write(line)
      most = Math.max(most, performance.now() - before)
      if (i % 100 === 0) await new Promise(setImmediate)
    }
    const whileFull = writer.takeDropped()
    process.stderr.write(JSON.stringify({ most, whileFull }))
    await writer.flush(20000)
    const dropped = writer.takeDropped()
    writer.write(JSON.stringify({ dropped }) + '\\n')
    await writer.flush(20000)
    process.exit(0)
  `)
  // Its report on standard error comes while it has all written and nobody has read.
  const [report] = (await once(child.stderr, 'data')) as [Buffer]
  const { most, whileFull } = JSON.parse(report.toString()) as { most: number; whileFull: number }
  assert.ok(most < 1000, `a write took ${most} ms`)
  assert.equal(whileFull, 0)
  const { out } = await finish(child)
  const lines = out.trimEnd().split('\n')
  const { dropped } = JSON.parse(lines.pop() ?? '') as { dropped: number }
  assert.ok(dropped > 0)
  assert.equal(lines.length + dropped, 20000)
  assert.ok(lines.every((line) => line.length === 1023))
})

test('a reader that is gone ends the log, not the process', async () => {
  const child = start(`
    let i = 0
    while (i++ < 200) {
      writer.write('line\\n')
      await new Promise(setImmediate)
    }
    await writer.flush(1000)
    process.stderr.write('still here')
  `)
  child.stdout.destroy()
  let error = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => (error += text))
  const [code] = (await once(child, 'close')) as [number]
  assert.equal(error, 'still here')
  assert.equal(code, 0)
})

test('a disk that was full, and is no more, gets the later lines and how many were lost', async () => {
  const { error, code } = await finish(
    start(`
      const { closeSync, openSync, readFileSync, rmSync } = await import('node:fs')
      const fd = openSync('/dev/full', 'w')
      const disk = new StdoutWriter(fd)
      disk.write('a\\n')
      disk.write('b\\n')
      await disk.flush(10000)
      disk.write('c\\n')
      await disk.flush(10000)
      const whileFull = disk.takeDropped()
      closeSync(fd)
      // The same descriptor, another file.
      const path = '/tmp/shotover-stdout-' + process.pid
      if (openSync(path, 'w') !== fd) throw new Error('another descriptor')
      disk.write('d\\n')
      await disk.flush(10000)
      const text = readFileSync(path, 'utf8')
      rmSync(path)
      process.stderr.write(JSON.stringify({ whileFull, text, dropped: disk.takeDropped() }))
      process.exit(0)
    `),
  )
  assert.deepEqual([code, error], [0, JSON.stringify({ whileFull: 0, text: 'd\n', dropped: 3 })])
})
