import type { PartitionKey } from '../cql/partition-key.ts'
import { routingKey } from '../token.ts'

/** How the partition key of a statement's requests is put together, part by part. Found once a statement, followed for each request. */
export interface KeyRecipe {
  /** The place of the marker that a part is bound to; -1 where it stands in the text. */
  readonly markers: readonly number[]
  /** What a part is where it stands in the text; empty where it is bound. */
  readonly constants: readonly Buffer[]
  /** What a part's marker is called where values come by name; '' where it stands in the text. */
  readonly names: readonly string[]
  /** The greatest of `markers`. */
  readonly last: number
  /** The key itself where all of it stands in the text. */
  readonly whole: Buffer | null
}

const NOTHING = Buffer.alloc(0)

/** By the text of the statement; null where a part is longer than the server takes. */
export function recipeOf({ columns, parts }: PartitionKey): KeyRecipe | null {
  const markers = parts.map((part) => (Buffer.isBuffer(part) ? -1 : part.index))
  const constants = parts.map((part) => (Buffer.isBuffer(part) ? part : NOTHING))
  // The value of a marker without a name comes by that of its column.
  const names = parts.map((part, index) => (Buffer.isBuffer(part) ? '' : (part.name?.text ?? columns[index]!.name)))
  const last = Math.max(...markers)
  const whole = last < 0 ? routingKey(constants) : null
  return last < 0 && whole === null ? null : { markers, constants, names, last, whole }
}

/** By what the server told of a prepared statement; null where that is not all. */
export function recipeOfMarkers(
  keyIndices: readonly number[],
  markers: readonly { readonly name: string }[],
): KeyRecipe | null {
  const names = keyIndices.map((index) => markers[index]?.name ?? '')
  if (names.length === 0 || names.includes('')) return null
  const constants = keyIndices.map(() => NOTHING)
  return { markers: keyIndices, constants, names, last: Math.max(...keyIndices), whole: null }
}
