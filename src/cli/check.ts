import { ConfigError } from '../config/diagnostics.ts'
import { readSettings } from '../config/settings.ts'
import { readTopology } from '../config/topology.ts'
import type { FileFlags } from './command-line.ts'

/** `shotover check`: prints everything that is wrong with both files. Exit code 0 or 1. */
export async function check(flags: FileFlags): Promise<number> {
  const lines: string[] = []
  let failed = false
  const attempt = async <T>(file: string, read: () => T | Promise<T>): Promise<T | null> => {
    try {
      const result = await read()
      lines.push(`${file}: ok`)
      return result
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error
      failed = true
      lines.push(error.describe())
      return null
    }
  }
  const settings = await attempt(flags.configFile, () => readSettings(flags.configFile))
  await attempt(flags.topologyFile, () => readTopology(flags.topologyFile, { limits: settings?.limits ?? {} }))
  process.stdout.write(`${lines.join('\n')}\n`)
  return failed ? 1 : 0
}
