/**
 * The hard protocol exists only in tests: it has every trait at once that makes a protocol hard to carry.
 *
 * A message is one frame or several; a frame is `kind, flags, stream (16 bits), length (32 bits)` and so many bytes. After SWITCH was
 * granted both directions carry segments, `length (16 bits), sum, bytes`, whose bytes are scrambled and cut frames anywhere.
 */
export const HEADER_BYTES = 8

/** The three ways in which it is spoken: replies in the order of requests; in any; and in any, with frames of several messages alternating. */
export type Order = 'request-order' | 'any' | 'streams'
/** Where they alternate a longer message is sent in several frames. */
export const FRAME_BYTES_MAX = 4096

export const SEGMENT_HEADER_BYTES = 3
const SEGMENT_BYTES_MAX = 50_000
const SCRAMBLE = 0x5a

/** It ends its message. */
export const END = 1
/** Its length is not known: the end of the connection ends it. */
export const UNTIL_CLOSE = 2

/** Stream of what belongs to no request. */
export const NO_STREAM = 0xffff

// Requests.
/** A value: VALUE or ERROR. */
export const GET = 1
/** `key=value`: OK. */
export const PUT = 2
/** As GET, but the reply is its header alone, whose length is that of the value that does not follow. */
export const HEAD = 3
/** So many ROWs, then DONE. */
export const ROWS = 4
/** A step of a group: no reply, unless it fails; then the rest of the group is skipped. */
export const STEP = 5
/** Ends a group: DONE with the number of its steps that were taken. */
export const SYNC = 6
/** NEWS `sub topic`, and any NEWS of that topic afterwards. */
export const SUBSCRIBE = 7
export const UNSUBSCRIBE = 8
/** `topic=text`: OK with the number of receivers. */
export const PUBLISH = 9
/** As PUT, without a reply. */
export const NOTE = 10
/** As GET, with a body that ends with the connection. */
export const TAIL = 11
/** As GET, after a few INTERIMs. */
export const SLOWLY = 12
/** OK: from then on, segments. */
export const SWITCH = 13
/** Another key space: OK, or ERROR where there is none of that number. */
export const USE = 14
/** A message of any number of frames, echoed while it comes: ECHO, DATA ..., and an empty DATA at the end. */
export const STREAM = 15
/** A message of any number of frames: OK with its size, or, where it begins with `no`, ERROR before it has ended. */
export const UPLOAD = 16
/** OK after so many milliseconds, or ERROR `cancelled`. */
export const WAIT = 17
/** Ends the WAIT of the connection with that key. No reply. */
export const CANCEL = 18
/** KEY: with it another connection can cancel what this one waits for. With a number, in that key space from then on. */
export const HELLO = 19
/** OK: writes have effect at COMMIT only, together. */
export const BEGIN = 20
export const COMMIT = 21
/** The client gives up its request of that stream, and uses the stream again. No reply. */
export const ABANDON = 22
/** More of a message, either way. */
export const DATA = 23

// Replies.
export const OK = 64
export const VALUE = 65
export const ROW = 66
export const DONE = 67
export const ERROR = 68
/** A reply, or a push, which only what was asked can tell. */
export const NEWS = 69
export const INTERIM = 70
export const ECHO = 71
export const KEY = 72

export const KIND_NAMES: Readonly<Record<number, string>> = {
  [GET]: 'GET',
  [PUT]: 'PUT',
  [HEAD]: 'HEAD',
  [ROWS]: 'ROWS',
  [STEP]: 'STEP',
  [SYNC]: 'SYNC',
  [SUBSCRIBE]: 'SUBSCRIBE',
  [UNSUBSCRIBE]: 'UNSUBSCRIBE',
  [PUBLISH]: 'PUBLISH',
  [NOTE]: 'NOTE',
  [TAIL]: 'TAIL',
  [SLOWLY]: 'SLOWLY',
  [SWITCH]: 'SWITCH',
  [USE]: 'USE',
  [STREAM]: 'STREAM',
  [UPLOAD]: 'UPLOAD',
  [WAIT]: 'WAIT',
  [CANCEL]: 'CANCEL',
  [HELLO]: 'HELLO',
  [BEGIN]: 'BEGIN',
  [COMMIT]: 'COMMIT',
  [ABANDON]: 'ABANDON',
  [DATA]: 'DATA',
  [OK]: 'OK',
  [VALUE]: 'VALUE',
  [ROW]: 'ROW',
  [DONE]: 'DONE',
  [ERROR]: 'ERROR',
  [NEWS]: 'NEWS',
  [INTERIM]: 'INTERIM',
  [ECHO]: 'ECHO',
  [KEY]: 'KEY',
}

/** Bytes of a frame. `length` is what its header says, where that is not what follows. */
export function encode(kind: number, payload: string | Buffer, stream = 0, flags = END, length = -1): Buffer {
  const body = typeof payload === 'string' ? Buffer.from(payload, 'latin1') : payload
  const bytes = Buffer.allocUnsafe(HEADER_BYTES + body.length)
  bytes[0] = kind
  bytes[1] = flags
  bytes.writeUInt16BE(stream, 2)
  bytes.writeUInt32BE(length < 0 ? body.length : length, 4)
  body.copy(bytes, HEADER_BYTES)
  return bytes
}

export interface Header {
  readonly kind: number
  readonly flags: number
  readonly stream: number
  readonly length: number
}

/** The header that stands at `at`, or null where it is not whole. */
export function headerAt(bytes: Buffer, at: number): Header | null {
  if (bytes.length - at < HEADER_BYTES) return null
  const [kind, flags] = [bytes[at]!, bytes[at + 1]!]
  return { kind, flags, stream: bytes.readUInt16BE(at + 2), length: bytes.readUInt32BE(at + 4) }
}

function sumOf(bytes: Buffer): number {
  let sum = 0
  for (const byte of bytes) sum = (sum + byte) & 0xff
  return sum
}

/** Segments that carry `bytes`. */
export function wrap(bytes: Buffer): Buffer {
  const pieces: Buffer[] = []
  for (let at = 0; at < bytes.length; at += SEGMENT_BYTES_MAX) {
    const piece = Buffer.from(bytes.subarray(at, at + SEGMENT_BYTES_MAX))
    const header = Buffer.from([piece.length >> 8, piece.length & 0xff, sumOf(piece)])
    for (let i = 0; i < piece.length; i++) piece[i]! ^= SCRAMBLE
    pieces.push(header, piece)
  }
  return Buffer.concat(pieces)
}

/** Takes segments apart. */
export class Unwrapper {
  #bytes: Buffer = Buffer.alloc(0)

  /** What `bytes` completes. Throws where a segment is damaged. */
  add(bytes: Buffer): Buffer {
    const all = Buffer.concat([this.#bytes, bytes])
    const pieces: Buffer[] = []
    let at = 0
    while (all.length - at >= SEGMENT_HEADER_BYTES) {
      const size = all.readUInt16BE(at)
      if (all.length - at - SEGMENT_HEADER_BYTES < size) break
      const start = at + SEGMENT_HEADER_BYTES
      const piece = Buffer.from(all.subarray(start, start + size))
      for (let i = 0; i < size; i++) piece[i]! ^= SCRAMBLE
      if (sumOf(piece) !== all[at + 2]) throw new Error('a damaged segment')
      pieces.push(piece)
      at = start + size
    }
    this.#bytes = all.subarray(at)
    return Buffer.concat(pieces)
  }

  /** Bytes of a segment that is not whole. */
  get pending(): number {
    return this.#bytes.length
  }
}
