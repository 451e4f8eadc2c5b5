import type { Protocol } from '../../src/core/protocol.ts'
import { valkey } from '../../src/protocols/valkey/index.ts'

/**
 * What `conformance` says in a protocol. Number `n` stands in each message as `value-<n>.`, so that nothing can be taken for
 * something else.
 */
export interface Speech {
  readonly protocol: Protocol
  /** Request number `n`, of about `size` bytes or more. */
  request(n: number, size: number): Buffer
  /** The server's reply to it. */
  reply(n: number, size: number): Buffer
  /** What the server sends unasked, null where the protocol has no such thing. */
  push(n: number): Buffer | null
}

const bulk = (text: string) => `$${text.length}\r\n${text}\r\n`
const value = (n: number, size: number) => `value-${n}.`.padEnd(size, 'x')

export const VALKEY: Speech = {
  protocol: valkey as Protocol,
  request(n, size) {
    const [word, count] = n % 3 === 0 ? ['SET', 3] : n % 3 === 1 ? ['GET', 2] : ['FLUSHALL', 2]
    return Buffer.from(`*${count}\r\n${bulk(word)}${count === 3 ? bulk('key') : ''}${bulk(value(n, size))}`)
  },
  reply: (n, size) => Buffer.from(bulk(value(n, size))),
  push: (n) => Buffer.from(`>2\r\n${bulk('invalidate')}*1\r\n${bulk(value(n, 0))}`),
}
