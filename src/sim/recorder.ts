import assert from 'node:assert/strict'
import type { Address, Connection, ConnectionHandler, Listener } from '../world/world.ts'
import type { SimOptions } from './options.ts'
import { SimWorld } from './world.ts'

export const LOOPBACK: Address = { host: '127.0.0.1', port: 0 }

/** For tests: an end that keeps whatever it is told. */
export class Recorder implements ConnectionHandler {
  readonly connection: Connection
  readonly chunks: Buffer[] = []
  readonly calls: string[] = []
  error: Error | null = null
  constructor(connection: Connection) {
    this.connection = connection
    connection.handler = this
  }
  onData(bytes: Buffer, start: number, end: number): void {
    assert.ok(!this.calls.includes('close') && !this.calls.includes('end'))
    this.chunks.push(Buffer.from(bytes.subarray(start, end)))
    this.calls.push('data')
  }
  onDrain(): void {
    this.calls.push('drain')
  }
  onEnd(): void {
    this.calls.push('end')
  }
  onClose(error: Error | null): void {
    this.error = error
    this.calls.push('close')
  }
  get received(): Buffer {
    return Buffer.concat(this.chunks)
  }
  count(call: string): number {
    return this.calls.filter((other) => other === call).length
  }
}

export interface Pair {
  sim: SimWorld
  listener: Listener
  client: Recorder
  server: Recorder
}

/** For tests: a world with one connection in it. */
export async function pair(options: Partial<SimOptions> = {}): Promise<Pair> {
  const sim = new SimWorld(options)
  const ends: { client?: Recorder; server?: Recorder } = {}
  const listener = await sim.world.net.listen(LOOPBACK, (connection) => (ends.server = new Recorder(connection)))
  sim.world.net.connect(listener.address, 1000, (_, connection) => (ends.client = new Recorder(connection!)))
  await sim.run(() => ends.client !== undefined)
  return { sim, listener, client: ends.client!, server: ends.server! }
}

/** The system's name for an error. */
export function code(error: Error | null): string | undefined {
  return (error as NodeJS.ErrnoException | null)?.code
}
