import { configSchema, topologySchema } from '../config/schema.ts'

/** `shotover schema topology|config`: prints the JSON schema of the file, for editors. Exit code 0. */
export async function schema(file: 'topology' | 'config'): Promise<number> {
  const json = file === 'topology' ? await topologySchema() : configSchema()
  process.stdout.write(`${JSON.stringify(json, null, 2)}\n`)
  return 0
}
