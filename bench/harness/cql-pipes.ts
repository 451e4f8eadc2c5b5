import type { SessionFactory } from '../../src/core/kind.ts'
import { cassandra } from '../../src/protocols/cassandra/index.ts'
import { envelope, executeBody, inOuterFrame, OPCODE, startupBody } from '../load/cql-frames.ts'
import { open, turn, type Pipe } from './pipes.ts'

/** Clients of a source with a chain, all started; and the requests and replies of one turn. */
export interface CqlTurn {
  readonly pipes: readonly Pipe[]
  /** What each client sends: so many EXECUTEs. */
  readonly asked: Buffer
  /** What the server answers: a row of 130 bytes for each, on the ids that the proxy takes for them. */
  readonly answered: Buffer
}

export function openCql(version: number, clients: number, inFlight: number, chain: readonly SessionFactory[]): CqlTurn {
  const pipes = open(clients, cassandra, chain)
  const startup = envelope(version, 0, OPCODE.startup, startupBody())
  const ready = envelope(version | 0x80, 0, OPCODE.ready, Buffer.alloc(0))
  // The server is asked once: the others share that connection.
  for (const pipe of pipes) turn([pipe], startup, pipe === pipes[0] ? ready : Buffer.alloc(0))
  const framed = version >= 5 ? inOuterFrame : (bytes: Buffer) => bytes
  const prepared = { id: Buffer.alloc(16, 7), metadataId: version >= 5 ? Buffer.alloc(16, 8) : null }
  const request = (stream: number) => envelope(version, stream, OPCODE.execute, executeBody(version, prepared, stream))
  const reply = (stream: number) => envelope(version | 0x80, stream, OPCODE.result, Buffer.alloc(130, 2))
  const all = (count: number, of: (stream: number) => Buffer): Buffer =>
    Buffer.concat(Array.from({ length: count }, (_, stream) => framed(of(stream))))
  return { pipes, asked: all(inFlight, request), answered: all(inFlight * clients, reply) }
}
