import { ConfigError } from '../config/diagnostics.ts'
import { KINDS } from '../config/kinds.ts'
import { configSchema, topologySchema } from '../config/schema.ts'
import { isUserKind, loadUserKind } from '../config/user-kinds.ts'
import { readText, TOPOLOGY_WORDS, YamlFile } from '../config/yaml-file.ts'
import type { TransformKind } from '../core/kind.ts'

/**
 * `shotover schema topology|config`: prints the JSON schema of the file, for editors. With a topology, that of the transforms of users that
 * it names too, and on standard error which these are. Exit code 0, or 1 where one of them can't be loaded: it is left out.
 */
export async function schema(file: 'topology' | 'config', topologyFile: string | null): Promise<number> {
  const print = (json: unknown) => process.stdout.write(`${JSON.stringify(json, null, 2)}\n`)
  if (file === 'config' || topologyFile === null) {
    print(file === 'config' ? configSchema() : await topologySchema())
    return 0
  }
  const users = new Map<string, TransformKind>()
  const failures: string[] = []
  try {
    const { value } = new YamlFile(topologyFile, readText(topologyFile, TOPOLOGY_WORDS), TOPOLOGY_WORDS)
    for (const key of userKeys(value)) {
      try {
        users.set(key, (await loadUserKind(key, process.cwd())).kind)
      } catch (error) {
        failures.push(`${key} is not in the schema: ${(error as Error).message}`)
      }
    }
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    process.stderr.write(`${error.describe()}\n`)
    return 1
  }
  const whose = users.size === 0 ? 'no transforms of your own' : [...users.keys()].join(', ')
  process.stderr.write([`JSON schema of a topology with ${whose}`, ...failures, ''].join('\n'))
  print(await topologySchema(KINDS, users))
  return failures.length === 0 ? 0 : 1
}

/** Keys of users' transforms in the chains of a topology, at every depth; it may be faulty otherwise. */
function userKeys(value: unknown): Set<string> {
  const found = new Set<string>()
  const walk = (part: unknown, inChain: boolean): void => {
    if (Array.isArray(part)) {
      for (const item of part) walk(item, inChain)
    } else if (typeof part === 'object' && part !== null) {
      for (const [key, item] of Object.entries(part)) {
        if (inChain && isUserKind(key)) found.add(key)
        walk(item, key === 'chain')
      }
    }
  }
  walk(value, false)
  return found
}
