import { globSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import { run } from 'node:test'
import { spec } from 'node:test/reporters'
import { offerOwnPackages } from '../config/user-modules.ts'

const TESTS = '**/*.test.{ts,mts,js,mjs}'

/** `shotover test`: runs the tests of transforms of a user's own, in this process. Exit code 0; 1 where one fails or there is none. */
export async function runTests(paths: readonly string[]): Promise<number> {
  const files = testFiles(paths)
  if (files.length === 0) {
    process.stderr.write(`there are no tests in ${paths.join(', ') || process.cwd()}: their names end in .test.ts\n`)
    return 1
  }
  offerOwnPackages()
  let failed = false
  const events = run({ files, isolation: 'none' })
  events.on('test:fail', () => (failed = true))
  for await (const text of events.compose(spec)) process.stdout.write(text as string)
  return failed ? 1 : 0
}

function testFiles(paths: readonly string[]): string[] {
  const found = (paths.length === 0 ? ['.'] : paths).flatMap((path) => {
    const isFolder = statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false
    if (!isFolder) return [resolve(path)]
    const exclude = (name: string) => name.split('/').includes('node_modules')
    return globSync(TESTS, { cwd: path, exclude }).map((file) => resolve(path, file))
  })
  return [...new Set(found)].sort()
}
