import type { Frame } from '../../core/frame.ts'
import { body } from './body.ts'
import type { Body } from './body.ts'
import type { Reply } from './values.ts'

/** One line for people, in the words of Shotover's DebugPrinter: `Valkey BulkString(b"42")`. */
export function describe(frame: Frame): string {
  return `Valkey ${textOf(body(frame))}`
}

function textOf(value: Body): string {
  switch (value.type) {
    case 'request': {
      const args = value.args.map((arg) => `BulkString(${bytesText(arg)})`)
      if (!value.complete) args.push('..')
      return `Array([${args.join(', ')}])`
    }
    case 'simple':
      return `SimpleString(${bytesText(Buffer.from(value.text))})`
    case 'error':
      return `Error(${JSON.stringify(value.text)})`
    case 'big-number':
      return `BigNumber(${value.text})`
    case 'integer':
      return `Integer(${value.value})`
    case 'bulk':
      return `BulkString(${bytesText(value.bytes)})`
    case 'bulk-error':
      return `BulkError(${bytesText(value.bytes)})`
    case 'verbatim':
      return `VerbatimString(${value.format}, ${bytesText(value.bytes)})`
    case 'null':
      return 'Null'
    case 'boolean':
      return `Boolean(${value.value})`
    case 'double':
      return `Double(${value.value})`
    case 'array':
      return `Array(${listText(value.items)})`
    case 'set':
      return `Set(${listText(value.items)})`
    case 'push':
      return `Push(${listText(value.items)})`
    case 'map':
      return `Map({${value.entries.map(([key, item]) => `${textOf(key)}: ${textOf(item)}`).join(', ')}})`
    case 'partial':
      return `Partial(${bytesText(value.bytes)})`
  }
}

function listText(items: readonly Reply[]): string {
  return `[${items.map(textOf).join(', ')}]`
}

const ESCAPES = new Map([
  [0x00, '\\0'],
  [0x09, '\\t'],
  [0x0a, '\\n'],
  [0x0d, '\\r'],
  [0x22, '\\"'],
  [0x5c, '\\\\'],
])

/** As Rust prints byte strings. */
function bytesText(bytes: Buffer): string {
  let text = ''
  for (const byte of bytes) {
    const isPrintable = byte >= 0x20 && byte < 0x7f
    text += ESCAPES.get(byte) ?? (isPrintable ? String.fromCharCode(byte) : `\\x${byte.toString(16).padStart(2, '0')}`)
  }
  return `b"${text}"`
}
