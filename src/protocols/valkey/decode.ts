import { FRAME_WHOLE, type Frame } from '../../core/frame.ts'
import { ProtocolError } from '../../core/protocol.ts'
import { nextLine } from './decode-request.ts'
import * as resp from './resp.ts'
import type { Reply } from './values.ts'

/** Aggregates inside each other. What decodes may be walked by recursion. */
const DEPTH_MAX = 1000

type Entries = (readonly [Reply, Reply])[]

/** An aggregate whose elements are being read. */
interface Open {
  readonly type: number
  readonly items: Reply[]
  /** Elements to come; infinite where the end is not announced. */
  left: number
  readonly attributes: Entries | null
}

/** The value of a whole reply. Views share the frame's memory. */
export function decodeReply(frame: Frame): Reply {
  const bytes = frame.toBuffer()
  return frame.flags === FRAME_WHOLE ? new Decoder(bytes).decode() : { type: 'partial', bytes }
}

/** Reads one value without recursion. Throws ProtocolError where the bytes are none, or nested too deep. */
class Decoder {
  readonly #bytes: Buffer
  readonly #stack: Open[] = []
  #at = 0
  /** Belong to the value that comes next. */
  #attributes: Entries | null = null

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  decode(): Reply {
    for (;;) {
      let value = this.#read()
      while (value !== null) {
        const open = this.#stack.at(-1)
        if (open === undefined) return value
        open.items.push(value)
        if (--open.left > 0) break
        value = this.#close()
      }
    }
  }

  /** A value that is complete, or null where an aggregate was opened or attributes ended. */
  #read(): Reply | null {
    if (this.#at >= this.#bytes.length) throw new ProtocolError('a reply that ends too early')
    const type = this.#bytes[this.#at]
    const lineEnd = nextLine(this.#bytes, this.#at, this.#bytes.length)
    if (lineEnd > this.#bytes.length) throw new ProtocolError('a reply that ends too early')
    const text = this.#bytes.toString('utf8', this.#at + 1, lineEnd - 2)
    this.#at = lineEnd
    if (type === resp.END) return this.#close()
    if (isAggregate(type)) return this.#open(type, text)
    return this.#attributed(isBulk(type) ? this.#bulk(type, text) : scalar(type, text))
  }

  #open(type: number, text: string): Reply | null {
    if (text === '-1') return this.#attributed({ type: 'null', of: 'array' })
    if (this.#stack.length === DEPTH_MAX) throw new ProtocolError('a reply nested too deep')
    const isPaired = type === resp.MAP || type === resp.ATTRIBUTE
    const left = text === '?' ? Infinity : lengthOf(text) * (isPaired ? 2 : 1)
    this.#stack.push({ type, items: [], left, attributes: this.#attributes })
    this.#attributes = null
    return left === 0 ? this.#close() : null
  }

  #close(): Reply | null {
    const open = this.#stack.pop()
    if (open === undefined) throw new ProtocolError('the end of an aggregate that did not begin')
    this.#attributes = open.attributes
    const { type, items } = open
    if (type === resp.ATTRIBUTE) {
      this.#attributes = [...(open.attributes ?? []), ...entriesOf(items)]
      return null
    }
    if (type === resp.MAP) return this.#attributed({ type: 'map', entries: entriesOf(items) })
    const name = type === resp.ARRAY ? 'array' : type === resp.SET ? 'set' : 'push'
    return this.#attributed({ type: name, items })
  }

  #bulk(type: number, text: string): Reply {
    if (text === '-1') return { type: 'null', of: 'bulk' }
    const bytes = text === '?' ? this.#chunks() : this.#take(lengthOf(text))
    if (type === resp.BULK) return { type: 'bulk', bytes }
    if (type === resp.BULK_ERROR) return { type: 'bulk-error', bytes }
    if (bytes.length < 4) throw new ProtocolError('a verbatim string without a format')
    return { type: 'verbatim', format: bytes.toString('latin1', 0, 3), bytes: bytes.subarray(4) }
  }

  #take(length: number): Buffer {
    const start = this.#at
    this.#at += length + 2
    if (this.#at > this.#bytes.length) throw new ProtocolError('a reply that ends too early')
    return this.#bytes.subarray(start, start + length)
  }

  #chunks(): Buffer {
    const chunks: Buffer[] = []
    for (;;) {
      const lineEnd = nextLine(this.#bytes, this.#at, this.#bytes.length)
      const length = lengthOf(this.#bytes.toString('latin1', this.#at + 1, lineEnd - 2))
      this.#at = lineEnd
      if (length === 0) return Buffer.concat(chunks)
      chunks.push(this.#take(length))
    }
  }

  #attributed(value: Reply): Reply {
    if (this.#attributes === null) return value
    const attributes = this.#attributes
    this.#attributes = null
    return { ...value, attributes }
  }
}

function scalar(type: number, text: string): Reply {
  switch (type) {
    case resp.SIMPLE:
      return { type: 'simple', text }
    case resp.ERROR:
      return { type: 'error', text }
    case resp.INTEGER:
      return { type: 'integer', value: integer(text) }
    case resp.NULL:
      return { type: 'null', of: 'null' }
    case resp.BOOLEAN:
      return { type: 'boolean', value: text === 't' }
    case resp.DOUBLE:
      return { type: 'double', value: double(text) }
    case resp.BIG_NUMBER:
      return { type: 'big-number', text }
  }
  throw new ProtocolError(`unknown type byte ${type} of a reply`)
}

function integer(text: string): number | bigint {
  if (!/^[+-]?\d{1,20}$/.test(text)) throw new ProtocolError('invalid integer')
  const number = Number(text)
  return Number.isSafeInteger(number) ? number : BigInt(text.replace('+', ''))
}

function double(text: string): number {
  const word = text.toLowerCase()
  if (word === 'inf' || word === '+inf') return Infinity
  if (word === '-inf') return -Infinity
  if (word.endsWith('nan')) return NaN
  if (!/^[+-]?\d[\d.]*(e[+-]?\d+)?$/.test(word)) throw new ProtocolError('invalid double')
  return Number(word)
}

function lengthOf(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new ProtocolError('invalid length')
  return Number(text)
}

function entriesOf(items: readonly Reply[]): Entries {
  const entries: Entries = []
  for (let i = 0; i + 1 < items.length; i += 2) entries.push([items[i], items[i + 1]])
  return entries
}

function isBulk(type: number): boolean {
  return type === resp.BULK || type === resp.BULK_ERROR || type === resp.VERBATIM
}

function isAggregate(type: number): boolean {
  return type === resp.ARRAY || type === resp.MAP || type === resp.SET || type === resp.PUSH || type === resp.ATTRIBUTE
}
