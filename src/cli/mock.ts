import { once } from 'node:events'
import { systemErrorText } from '../base/errors.ts'
import { addressText, parseAddress } from '../config/addresses.ts'
import type { Address, Listener, World } from '../world/world.ts'

export type MockProtocol = 'valkey' | 'cassandra'

/** Ports that servers have by default. */
const PORTS: Readonly<Record<MockProtocol, number>> = { valkey: 6379, cassandra: 9042 }

/** `shotover mock`: a server in memory, for tests of programs that need one. It runs until it is told to end, and nothing is kept. */
export async function mock(protocol: MockProtocol, { listen }: { readonly listen?: string }): Promise<number> {
  const address = parseAddress(listen ?? `127.0.0.1:${PORTS[protocol]}`)
  if (address === null) return refuse(`${listen} is no address: write it as 127.0.0.1:${PORTS[protocol]}`)
  const { nodeWorld } = await import('../world/node.ts')
  const ended = Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')])
  try {
    const listener = await start(protocol, nodeWorld(), address)
    process.stdout.write(
      `A ${protocol} server in memory listens on ${addressText(listener.address)}. Ctrl-C ends it.\n`,
    )
  } catch (error) {
    return refuse(`can't listen on ${addressText(address)}: ${systemErrorText(error as Error)}`)
  }
  await ended
  return 0
}

async function start(protocol: MockProtocol, world: World, address: Address): Promise<Listener> {
  if (protocol === 'valkey') {
    const { ValkeyModel } = await import('../protocols/valkey/model/server.ts')
    return await new ValkeyModel(world).listen(address)
  }
  const { mockCassandra } = await import('../protocols/cassandra/model/mock/engine.ts')
  return await mockCassandra(world, address)
}

function refuse(text: string): number {
  process.stderr.write(`${text}\n`)
  return 1
}
