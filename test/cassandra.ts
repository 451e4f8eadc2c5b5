import { encodeBody, plain } from '../src/protocols/cassandra/body/body.ts'
import type { Column, Result } from '../src/protocols/cassandra/body/results.ts'
import { COMPRESSION_LZ4 } from '../src/protocols/cassandra/compression.ts'
import { HEADER_BYTES, requestFrame, responseFrame, versionOf } from '../src/protocols/cassandra/envelope.ts'
import { cassandra } from '../src/protocols/cassandra/index.ts'
import { compressBlock, compressedBytesMax } from '../src/protocols/cassandra/lz4.ts'
import { AUTHENTICATE, EVENT, QUERY, READY, STARTUP } from '../src/protocols/cassandra/opcodes.ts'
import type { Frame } from '../src/core/frame.ts'
import type { Protocol } from '../src/core/protocol.ts'
import type { Speech } from './kit/speech.ts'

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

/** The request as it stands on a connection with this compression. */
export function compressedRequest(request: Frame, compression: number): Frame {
  const body = request.bytes.subarray(request.start + HEADER_BYTES, request.end)
  const frame = requestFrame(versionOf(request), request.stream, request.kind, compressedBody(body, compression), 1)
  frame.code |= compression
  return frame
}

/** A body as LZ4 has it: its length, and a block. */
export function lz4Body(body: Buffer): Buffer {
  const block = Buffer.alloc(compressedBytesMax(body.length))
  return Buffer.concat([int(body.length), block.subarray(0, compressBlock(body, 0, body.length, block, 0))])
}

function compressedBody(body: Buffer, compression: number): Buffer {
  if (compression === COMPRESSION_LZ4) return lz4Body(body)
  // Snappy: its length, and all of it as it is.
  const length = body.length - 1
  return Buffer.concat([Buffer.from([0x80 | (body.length & 0x7f), body.length >> 7, 0xf4, length & 0xff, length >> 8]), body]) // prettier-ignore
}

export function ready(version: number, stream = 0): Frame {
  return responseFrame(version, stream, READY, Buffer.alloc(0))
}

export function authenticate(version: number, stream = 0): Frame {
  return responseFrame(version, stream, AUTHENTICATE, string('org.apache.cassandra.auth.PasswordAuthenticator'))
}

/** What tells of the columns of one table, `name type`. */
export function metadata(table: string, ...columns: string[]): Extract<Result, { type: 'rows' }>['metadata'] {
  const [keyspace, name] = table.split('.') as [string, string]
  const described = columns.map((text): Column => {
    const [column, type] = text.split(' ') as [string, 'int' | 'text']
    return { keyspace, table: name, name: column, type: { type } }
  })
  return { isGlobal: true, pagingState: null, newId: null, columns: described, columnCount: columns.length }
}

/** EVENT about the node 127.0.0.1:`port`. */
export function nodeEvent(version: number, event: string, change: string, port: number): Frame {
  const address = Buffer.concat([Buffer.from([4, 127, 0, 0, 1]), int(port)])
  return responseFrame(version, -1, EVENT, Buffer.concat([string(event), string(change), address]))
}

/** For `conformance`: each third request is for peers. Stream 0 of the replies is the kit's. */
export const CASSANDRA: Speech = {
  protocol: cassandra as Protocol,
  request(n, size) {
    const table = n % 3 === 0 ? 'system.peers_v2' : 'ks.t'
    return query(4, `SELECT native_port, v FROM ${table} WHERE v = 'value-${n}.${'x'.repeat(size)}'`, n).toBuffer()
  },
  reply(n, size) {
    const rows = [[int(9042), Buffer.from(`value-${n}.${'x'.repeat(size)}`)]]
    const table = n % 3 === 0 ? 'system.peers_v2' : 'ks.t'
    const message: Result = { type: 'rows', metadata: metadata(table, 'native_port int', 'v text'), rows }
    const bytes = encodeBody(plain(4, message), 0).toBuffer()
    // That byte in a length would be taken for one of a buffer that was lent.
    return bytes.includes(0xee) ? CASSANDRA.reply(n, size + 1) : bytes
  },
  push: () => nodeEvent(4, 'STATUS_CHANGE', 'UP', 9042).toBuffer(),
}
