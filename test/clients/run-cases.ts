import { execFile } from 'node:child_process'
import type { Program } from './programs.ts'

const PROGRAM_MS = 120_000

/** What a program that prints `ok NAME` or `failed NAME: WHY` says of each of its cases: null where it went well. */
export function runCases(
  program: Program,
  port: number,
  words: readonly string[],
): Promise<Map<string, string | null>> {
  return new Promise((resolve) => {
    const args = [...program.args, String(port), ...words]
    const options = {
      env: program.env,
      timeout: PROGRAM_MS,
      killSignal: 'SIGKILL',
      maxBuffer: 16 * 1024 * 1024,
    } as const
    execFile(program.command, args, options, (error, stdout, stderr) => {
      const told = new Map<string, string | null>()
      for (const line of stdout.split('\n')) {
        const [, verdict, name, why] = /^(ok|failed) ([^:]+)(?:: (.*))?$/.exec(line) ?? []
        if (name !== undefined) told.set(name, verdict === 'ok' ? null : (why ?? 'it does not say why'))
      }
      if (error !== null) told.set('the program itself', `${error.message}\n${stderr}`)
      resolve(told)
    })
  })
}
