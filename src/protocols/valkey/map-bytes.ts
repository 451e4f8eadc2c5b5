import type { Reply } from './values.ts'

/**
 * The reply with every string in it, at any depth, as `change` makes it: values, fields of hashes, members; not errors and numbers. The
 * same object where `change` gives back what it was given, so that who asks can tell whether there is anything to encode anew.
 */
export function mapBytes(reply: Reply, change: (bytes: Buffer) => Buffer): Reply {
  if (reply.type === 'bulk' || reply.type === 'verbatim') {
    const bytes = change(reply.bytes)
    return bytes === reply.bytes ? reply : { ...reply, bytes }
  }
  if (reply.type === 'array' || reply.type === 'set' || reply.type === 'push') {
    const items = mapEach(reply.items, (item) => mapBytes(item, change))
    return items === reply.items ? reply : { ...reply, items }
  }
  if (reply.type !== 'map') return reply
  const entries = mapEach(reply.entries, (entry) => {
    const [key, value] = mapEach(entry, (part) => mapBytes(part, change))
    return key === entry[0] && value === entry[1] ? entry : ([key!, value!] as const)
  })
  return entries === reply.entries ? reply : { ...reply, entries }
}

/** The same array where nothing in it changes. */
function mapEach<Item>(items: readonly Item[], change: (item: Item) => Item): readonly Item[] {
  let changed: Item[] | null = null
  for (let i = 0; i < items.length; i++) {
    const item = change(items[i]!)
    if (item !== items[i]) (changed ??= items.slice())[i] = item
  }
  return changed ?? items
}
