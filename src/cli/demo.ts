import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseDocument } from 'yaml'
import { systemErrorText } from '../base/errors.ts'
import { addressText, parseAddress } from '../config/addresses.ts'
import { readSettings } from '../config/settings.ts'
import { checkTopology } from '../config/topology.ts'
import type { Address, World } from '../world/world.ts'
import { openLog } from './open-log.ts'
import { orReport, serve } from './run.ts'

export interface DemoFlags {
  /** Where to listen; absent: as the topology says. */
  readonly listen?: string
  /** A server to use; absent: an in-memory store of our own. */
  readonly upstream?: string
}

const FOLDER = join(import.meta.dirname, '../../examples/demo')
const SOURCE = ['sources', 0, 'Valkey']
const SINK = [...SOURCE, 'chain', 0, 'ValkeySinkSingle']

/** `shotover demo`, which is what `npm start` runs: the topology in examples/demo in front of a store of its own, or of a server. */
export async function demo(flags: DemoFlags): Promise<number> {
  const { nodeWorld } = await import('../world/node.ts')
  const world = nodeWorld()
  const file = join(FOLDER, 'topology.yaml')
  const document = parseDocument(readFileSync(file, 'utf8'))
  if (flags.listen !== undefined) document.setIn([...SOURCE, 'listen_addr'], flags.listen)
  const listen = parseAddress(String(document.getIn([...SOURCE, 'listen_addr'])))
  if (listen === null) return refuse(`${flags.listen} is no address: write it as 127.0.0.1:7000`)
  const taken = await tryListening(world, listen)
  if (taken !== null) return refuse(takenText(listen, taken))
  if (flags.upstream !== undefined && parseAddress(flags.upstream) === null)
    return refuse(`${flags.upstream} is no address of a server: write it as 10.0.0.1:6379`)
  const upstream = flags.upstream ?? (await startStore(world))
  document.setIn([...SINK, 'remote_address'], upstream)
  const settings = readSettings(join(FOLDER, 'config.yaml'))
  const topology = await checkTopology(file, document.toString(), { limits: settings.limits })
  const log = openLog('human')
  const ready = () => void process.stdout.write(welcome(listen, upstream, flags.upstream === undefined))
  return await orReport(log, () => serve(topology, settings, { coreThreads: 1, log, ready }))
}

/** The store's address. It lives as long as the process. */
async function startStore(world: World): Promise<string> {
  const { ValkeyModel } = await import('../protocols/valkey/model/server.ts')
  const listener = await new ValkeyModel(world).listen({ host: '127.0.0.1', port: 0 })
  return addressText(listener.address)
}

/** Why one can't listen there, or null. */
async function tryListening(world: World, address: Address): Promise<Error | null> {
  try {
    const listener = await world.net.listen(address, (connection) => connection.destroy())
    await listener.close()
    return null
  } catch (error) {
    return error as Error
  }
}

function refuse(text: string): number {
  process.stderr.write(`${text}\n`)
  return 1
}

function takenText(listen: Address, error: Error): string {
  const place = addressText(listen)
  if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE')
    return `can't listen on ${place}: ${systemErrorText(error)}`
  return `${place} is taken: something listens there already, perhaps a Redis or Valkey server.
Choose another address:  npm start -- --listen ${addressText({ host: listen.host, port: listen.port === 7000 ? 7001 : 7000 })}`
}

function welcome(listen: Address, upstream: string, ownStore: boolean): string {
  const cli = `redis-cli -h ${listen.host} -p ${listen.port}`
  const behind = ownStore
    ? `Behind it is a small in-memory store of its own, at ${upstream}. It is for trying out only: nothing is saved,
and what you write is gone when this ends.`
    : `Behind it is the server at ${upstream}.`
  const further = ownStore ? 'A server of your own instead:  npm start -- --upstream 10.0.0.1:6379\n' : ''
  return `Shotover listens on ${addressText(listen)}. Valkey and Redis clients may connect.
${behind}

Try it from another terminal:
  ${cli} SET greeting hello
  ${cli} GET greeting

${further}The topology is examples/demo/topology.yaml. Ctrl-C ends it.
`
}
