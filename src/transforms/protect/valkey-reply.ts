import { mapBytes } from '../../protocols/valkey/map-bytes.ts'
import type { Reply } from '../../protocols/valkey/values.ts'
import type { ReplyShape } from './valkey-commands.ts'

/** Opens a value of a key; the same bytes where the key is not protected. */
export type OpenValue = (key: Buffer, value: Buffer) => Buffer

type Change = (bytes: Buffer) => Buffer

/** The reply with its values opened; the same object where there are none. `keys` are those of the request, in order. */
export function openReply(reply: Reply, shape: ReplyShape, keys: readonly Buffer[], open: OpenValue): Reply {
  const of =
    (key: Buffer | undefined): Change =>
    (bytes) =>
      key === undefined ? bytes : open(key, bytes)
  switch (shape) {
    case 'none':
      return reply
    case 'values':
      return mapBytes(reply, of(keys[0]))
    case 'by-key':
      return withItems(reply, (item, i) => mapBytes(item, of(keys[i])))
    case 'fields':
      return openFields(reply, of(keys[0]))
    case 'cursor-and-fields':
      return withItems(reply, (item, i) => (i === 1 ? openFields(item, of(keys[0])) : item))
    case 'key-and-values': {
      const [name] = reply.type === 'array' ? reply.items : []
      if (name?.type !== 'bulk') return reply
      return withItems(reply, (item, i) => (i === 0 ? item : mapBytes(item, of(name.bytes))))
    }
  }
}

function withItems(reply: Reply, change: (item: Reply, index: number) => Reply): Reply {
  return reply.type === 'array' ? { ...reply, items: reply.items.map(change) } : reply
}

/** RESP2 has names and values in turn, RESP3 a map, or an array of pairs. */
function openFields(reply: Reply, change: Change): Reply {
  if (reply.type === 'map') return { ...reply, entries: reply.entries.map(([name, value]) => [name, mapBytes(value, change)]) } // prettier-ignore
  return withItems(reply, (item, i) => {
    if (item.type === 'array') return openFields(item, change)
    return i % 2 === 1 ? mapBytes(item, change) : item
  })
}
