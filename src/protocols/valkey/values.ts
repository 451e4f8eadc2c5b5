/** A request: its arguments, the command's name first. */
export interface Request {
  readonly type: 'request'
  readonly args: readonly Buffer[]
  /** False: the frame is the head of a large request, and more arguments follow, the first of them in the frame in part. */
  readonly complete: boolean
}

/** A value of RESP2 or RESP3. */
export type Reply = (
  | { readonly type: 'simple' | 'error' | 'big-number'; readonly text: string }
  /** `bigint` where a number can't hold it. */
  | { readonly type: 'integer'; readonly value: number | bigint }
  | { readonly type: 'bulk' | 'bulk-error'; readonly bytes: Buffer }
  /** `format` is three letters, as `txt` or `mkd`. */
  | { readonly type: 'verbatim'; readonly format: string; readonly bytes: Buffer }
  /** RESP3's null, or RESP2's in place of a bulk string or an array. */
  | { readonly type: 'null'; readonly of: 'null' | 'bulk' | 'array' }
  | { readonly type: 'boolean'; readonly value: boolean }
  | { readonly type: 'double'; readonly value: number }
  | { readonly type: 'array' | 'set' | 'push'; readonly items: readonly Reply[] }
  | { readonly type: 'map'; readonly entries: readonly (readonly [Reply, Reply])[] }
  /** The head of a large reply: its bytes as far as they came. */
  | { readonly type: 'partial'; readonly bytes: Buffer }
) & {
  /** What the server said about the value, RESP3. */
  readonly attributes?: readonly (readonly [Reply, Reply])[]
}
