import { Frame } from '../../core/frame.ts'
import * as resp from './resp.ts'
import type { Reply } from './values.ts'

const KINDS: Record<Reply['type'], number> = {
  simple: resp.SIMPLE,
  error: resp.ERROR,
  'big-number': resp.BIG_NUMBER,
  integer: resp.INTEGER,
  bulk: resp.BULK,
  'bulk-error': resp.BULK_ERROR,
  verbatim: resp.VERBATIM,
  null: resp.NULL,
  boolean: resp.BOOLEAN,
  double: resp.DOUBLE,
  array: resp.ARRAY,
  set: resp.SET,
  push: resp.PUSH,
  map: resp.MAP,
  partial: resp.BULK,
}
const LINE_END = Buffer.from('\r\n')

/** A reply as bytes. Line ends in texts become spaces, since one would end the reply. */
export function encodeReply(reply: Reply): Frame {
  const pieces: Buffer[] = []
  write(reply, pieces)
  const bytes = Buffer.concat(pieces)
  return new Frame(bytes, 0, bytes.length, kindOf(reply), 0, false)
}

function kindOf(reply: Reply): number {
  if (reply.type !== 'null') return KINDS[reply.type]
  return reply.of === 'null' ? resp.NULL : reply.of === 'bulk' ? resp.BULK : resp.ARRAY
}

function write(reply: Reply, to: Buffer[]): void {
  if (reply.attributes !== undefined) writeEntries('|', reply.attributes, to)
  switch (reply.type) {
    case 'bulk':
      return writeBulk('$', reply.bytes, to)
    case 'bulk-error':
      return writeBulk('!', reply.bytes, to)
    case 'verbatim':
      return writeBulk('=', Buffer.concat([Buffer.from(`${reply.format}:`, 'latin1'), reply.bytes]), to)
    case 'map':
      return writeEntries('%', reply.entries, to)
    case 'array':
    case 'set':
    case 'push':
      to.push(Buffer.from(`${String.fromCharCode(KINDS[reply.type])}${reply.items.length}\r\n`))
      for (const item of reply.items) write(item, to)
      return
    case 'partial':
      throw new TypeError('a reply of which only the head came has no bytes of its own')
    case 'simple':
    case 'error':
    case 'big-number':
    case 'integer':
    case 'null':
    case 'boolean':
    case 'double':
      to.push(Buffer.from(`${line(reply).replace(/[\r\n]/g, ' ')}\r\n`))
  }
}

type Scalar = Extract<Reply, { type: 'simple' | 'error' | 'big-number' | 'integer' | 'null' | 'boolean' | 'double' }>

function line(reply: Scalar): string {
  switch (reply.type) {
    case 'simple':
      return `+${reply.text}`
    case 'error':
      return `-${reply.text}`
    case 'big-number':
      return `(${reply.text}`
    case 'integer':
      return `:${reply.value}`
    case 'null':
      return reply.of === 'null' ? '_' : reply.of === 'bulk' ? '$-1' : '*-1'
    case 'boolean':
      return reply.value ? '#t' : '#f'
    case 'double':
      return `,${double(reply.value)}`
  }
}

function double(value: number): string {
  if (Number.isNaN(value)) return 'nan'
  if (!Number.isFinite(value)) return value > 0 ? 'inf' : '-inf'
  return Object.is(value, -0) ? '-0' : String(value)
}

function writeBulk(type: string, bytes: Buffer, to: Buffer[]): void {
  to.push(Buffer.from(`${type}${bytes.length}\r\n`), bytes, LINE_END)
}

function writeEntries(type: string, entries: readonly (readonly [Reply, Reply])[], to: Buffer[]): void {
  to.push(Buffer.from(`${type}${entries.length}\r\n`))
  for (const [key, value] of entries) {
    write(key, to)
    write(value, to)
  }
}
