import { requestFrame, responseFrame } from '../src/protocols/cassandra/envelope.ts'
import { AUTHENTICATE, QUERY, READY, STARTUP } from '../src/protocols/cassandra/opcodes.ts'
import type { Frame } from '../src/core/frame.ts'

// What clients and servers of Cassandra say, for tests.

/** A [string]. */
export function string(text: string): Buffer {
  const bytes = Buffer.from(text)
  const length = Buffer.alloc(2)
  length.writeUInt16BE(bytes.length)
  return Buffer.concat([length, bytes])
}

/** An [int]. */
export function int(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}

/** A [string map]. */
export function stringMap(map: Readonly<Record<string, string>>): Buffer {
  const entries = Object.entries(map)
  const count = Buffer.from([entries.length >> 8, entries.length & 0xff])
  return Buffer.concat([count, ...entries.flatMap(([key, value]) => [string(key), string(value)])])
}

export function startup(version: number, options: Readonly<Record<string, string>> = {}, stream = 0): Frame {
  return requestFrame(version, stream, STARTUP, stringMap({ CQL_VERSION: '3.0.0', ...options }))
}

/** QUERY at consistency ONE, without parameters. */
export function query(version: number, text: string, stream = 0): Frame {
  const bytes = Buffer.from(text)
  const tail = Buffer.from(version >= 5 ? [0, 1, 0, 0, 0, 0] : [0, 1, 0])
  return requestFrame(version, stream, QUERY, Buffer.concat([int(bytes.length), bytes, tail]))
}

export function ready(version: number, stream = 0): Frame {
  return responseFrame(version, stream, READY, Buffer.alloc(0))
}

export function authenticate(version: number, stream = 0): Frame {
  return responseFrame(version, stream, AUTHENTICATE, string('org.apache.cassandra.auth.PasswordAuthenticator'))
}
