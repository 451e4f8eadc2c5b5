import { Frame } from '../../core/frame.ts'

/** A reply of the proxy's own, from its bytes as latin1. */
export function rawFrame(text: string, kind: number): Frame {
  const bytes = Buffer.from(text, 'latin1')
  return new Frame(bytes, 0, bytes.length, kind, 0, false)
}

/** HELLO's reply with another `id`: clients see the proxy's number of their connection, not that of an upstream. */
export function withConnectionId(reply: Frame, id: number): Frame {
  const text = reply.toBuffer().toString('latin1')
  const changed = text.replace(/(\$2\r\nid\r\n):\d+\r\n/, `$1:${id}\r\n`)
  if (changed === text) return reply
  const frame = rawFrame(changed, reply.kind)
  frame.flags = reply.flags
  return frame
}
