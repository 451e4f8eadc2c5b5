import { SegmentFormat } from '../../src/protocols/cassandra/segment.ts'

// Envelopes of the CQL native protocol, native_protocol_v5.spec 2, as far as the bench speaks it: apart from the proxy's own code on purpose,
// except for the checksums of outer frames, which a real server looks at.

export const HEADER_BYTES = 9
export const OPCODE = {
  error: 0x00,
  startup: 0x01,
  ready: 0x02,
  options: 0x05,
  supported: 0x06,
  query: 0x07,
  result: 0x08,
  prepare: 0x09,
  execute: 0x0a,
} as const

const RESPONSE = 0x80
const CONSISTENCY_ONE = 1
const FLAG_VALUES = 0x01
/** The client knows the columns from the PREPARE, as drivers do. */
const FLAG_SKIP_METADATA = 0x02
const outer = new SegmentFormat(false)
const OUTER_HEADER_BYTES = 6
const OUTER_CHECKSUM_BYTES = 4

export function envelope(version: number, stream: number, opcode: number, body: Buffer): Buffer {
  const bytes = Buffer.alloc(HEADER_BYTES + body.length)
  bytes[0] = version
  bytes.writeInt16BE(stream, 2)
  bytes[4] = opcode
  bytes.writeInt32BE(body.length, 5)
  body.copy(bytes, HEADER_BYTES)
  return bytes
}

/** An envelope as it leaves once a connection of version 5 has started: in an outer frame. */
export function inOuterFrame(bytes: Buffer): Buffer {
  return outer.wrap(bytes, 0, bytes.length, true)
}

export const isResponse = (bytes: Buffer, at: number): boolean => (bytes[at]! & RESPONSE) !== 0
export const streamAt = (bytes: Buffer, at: number): number => bytes.readInt16BE(at + 2)
export const opcodeAt = (bytes: Buffer, at: number): number => bytes[at + 4]!

/** `[string map]` of STARTUP. */
export function startupBody(): Buffer {
  const text = (of: string): Buffer => Buffer.concat([Buffer.from([0, of.length]), Buffer.from(of)])
  return Buffer.concat([Buffer.from([0, 1]), text('CQL_VERSION'), text('3.0.0')])
}

const longText = (of: string): Buffer => {
  const bytes = Buffer.alloc(4 + Buffer.byteLength(of))
  bytes.writeInt32BE(bytes.length - 4)
  bytes.write(of, 4)
  return bytes
}

/** `<consistency><flags>`; version 5 counts flags in four bytes. */
function parameters(version: number, flags: number): Buffer {
  if (version < 5) return Buffer.from([0, CONSISTENCY_ONE, flags])
  return Buffer.from([0, CONSISTENCY_ONE, 0, 0, 0, flags])
}

export function queryBody(version: number, statement: string): Buffer {
  return Buffer.concat([longText(statement), parameters(version, 0)])
}

export function prepareBody(version: number, statement: string): Buffer {
  return version < 5 ? longText(statement) : Buffer.concat([longText(statement), Buffer.alloc(4)])
}

/** What a RESULT of kind Prepared gives to execute with: the id, and from version 5 on that of the result's metadata. */
export interface Prepared {
  readonly id: Buffer
  readonly metadataId: Buffer | null
}

const RESULT_PREPARED = 4

export function preparedOf(version: number, body: Buffer): Prepared {
  if (body.readInt32BE(0) !== RESULT_PREPARED) throw new Error('a PREPARE was not answered with an id')
  const first = 6 + body.readUInt16BE(4)
  const id = Buffer.from(body.subarray(6, first))
  if (version < 5) return { id, metadataId: null }
  return { id, metadataId: Buffer.from(body.subarray(first + 2, first + 2 + body.readUInt16BE(first))) }
}

const shortBytes = (of: Buffer): Buffer => Buffer.concat([Buffer.from([of.length >> 8, of.length & 0xff]), of])

/** An EXECUTE with one value, a bigint. */
export function executeBody(version: number, prepared: Prepared, key: number): Buffer {
  const value = Buffer.alloc(14)
  value.writeUInt16BE(1, 0)
  value.writeInt32BE(8, 2)
  value.writeBigInt64BE(BigInt(key), 6)
  const ids = [prepared.id, ...(prepared.metadataId === null ? [] : [prepared.metadataId])]
  return Buffer.concat([...ids.map(shortBytes), parameters(version, FLAG_VALUES | FLAG_SKIP_METADATA), value])
}

/** What an ERROR says. */
export const errorText = (body: Buffer): string => body.toString('utf8', 6, 6 + body.readUInt16BE(4))

/** One envelope, `bytes[at, end)`, which is lent until the next push. */
export type OnEnvelope = (bytes: Buffer, at: number, end: number) => void

/** Cuts what a connection brings into envelopes. */
export class EnvelopeCutter {
  readonly #onEnvelope: OnEnvelope
  #rest: Buffer | null = null
  /** What outer frames carry; null: there are none. */
  #inner: EnvelopeCutter | null = null

  constructor(onEnvelope: OnEnvelope) {
    this.#onEnvelope = onEnvelope
  }

  /** What comes from here on is outer frames. */
  switch(): void {
    this.#inner = new EnvelopeCutter(this.#onEnvelope)
  }

  push(chunk: Buffer): void {
    const bytes = this.#rest === null ? chunk : Buffer.concat([this.#rest, chunk])
    let at = 0
    for (let end = this.#end(bytes, at); end <= bytes.length; end = this.#end(bytes, at)) {
      if (this.#inner === null) this.#onEnvelope(bytes, at, end)
      else this.#inner.push(bytes.subarray(at + OUTER_HEADER_BYTES, end - OUTER_CHECKSUM_BYTES))
      at = end
    }
    this.#rest = at === bytes.length ? null : bytes.subarray(at)
  }

  /** Where what begins at `at` ends; Infinity where that is not there to be told. */
  #end(bytes: Buffer, at: number): number {
    if (this.#inner === null)
      return at + HEADER_BYTES > bytes.length ? Infinity : at + HEADER_BYTES + bytes.readInt32BE(at + 5)
    if (at + OUTER_HEADER_BYTES > bytes.length) return Infinity
    return at + OUTER_HEADER_BYTES + (bytes.readUIntLE(at, 3) & 0x1ffff) + OUTER_CHECKSUM_BYTES
  }
}
