/** One reply of a server: its RESP type byte as a character, and what it holds. */
export interface Reply {
  readonly type: string
  /** Text of simple types and bulk strings, latin1; null for nil and for aggregates. */
  readonly text: string | null
  /** Elements of aggregates; keys and values in turn for maps. */
  readonly items: readonly Reply[] | null
}

/** The server sent what is no RESP. */
export class ReplyFault extends Error {}

const LINES = '+-:,#(_'
const BULKS = '$=!'
const AGGREGATES = '*~>%|'

/** Cuts a server's bytes into replies, RESP2 and RESP3. Shares no code with the proxy, on purpose. */
export class ReplyParser {
  #pending = Buffer.alloc(0)
  #at = 0
  /** Bytes that must be there before another try is worth while. */
  #needed = 0

  get pendingBytes(): number {
    return this.#pending.length
  }

  /** Copies `bytes[start, end)`. */
  push(bytes: Buffer, start: number, end: number): void {
    this.#pending = Buffer.concat([this.#pending, bytes.subarray(start, end)])
  }

  /** The next reply, null when more bytes are needed. Throws ReplyFault. */
  next(): Reply | null {
    if (this.#pending.length === 0 || this.#pending.length < this.#needed) return null
    this.#at = 0
    const reply = this.#reply()
    if (reply === null) return null
    this.#pending = this.#pending.subarray(this.#at)
    this.#needed = 0
    return reply
  }

  #line(): string | null {
    const end = this.#pending.indexOf('\r\n', this.#at, 'latin1')
    if (end === -1) return null
    const line = this.#pending.toString('latin1', this.#at, end)
    this.#at = end + 2
    return line
  }

  #reply(): Reply | null {
    const line = this.#line()
    if (line === null) return null
    const type = line[0] ?? ''
    if (type !== '' && LINES.includes(type)) return { type, text: type === '_' ? null : line.slice(1), items: null }
    const aggregate = type !== '' && AGGREGATES.includes(type)
    if (!aggregate && (type === '' || !BULKS.includes(type)))
      throw new ReplyFault(`not a reply: ${JSON.stringify(line.slice(0, 80))}`)
    if (!/^(-1|\d{1,10})$/.test(line.slice(1)))
      throw new ReplyFault(`not a length: ${JSON.stringify(line.slice(0, 80))}`)
    const count = Number(line.slice(1))
    if (count === -1) return { type, text: null, items: null }
    return aggregate ? this.#aggregate(type, count) : this.#bulk(type, count)
  }

  #bulk(type: string, size: number): Reply | null {
    const end = this.#at + size
    if (this.#pending.length < end + 2) {
      this.#needed = end + 2
      return null
    }
    const text = this.#pending.toString('latin1', this.#at, end)
    if (this.#pending[end] !== 13 || this.#pending[end + 1] !== 10)
      throw new ReplyFault('a bulk string without its end')
    this.#at = end + 2
    return { type, text, items: null }
  }

  #aggregate(type: string, count: number): Reply | null {
    const items: Reply[] = []
    const size = type === '%' || type === '|' ? 2 * count : count
    while (items.length < size) {
      const item = this.#reply()
      if (item === null) return null
      items.push(item)
    }
    // An attribute is followed by what it is about.
    return type === '|' ? this.#reply() : { type, text: null, items }
  }
}

/** One line that shows a reply. */
export function showReply(reply: Reply): string {
  if (reply.items !== null) return `${reply.type}[${reply.items.map(showReply).join(' ')}]`
  if (reply.text === null) return `${reply.type}nil`
  return reply.text.length > 80
    ? `${reply.type}${JSON.stringify(reply.text.slice(0, 60))}...(${reply.text.length})`
    : `${reply.type}${JSON.stringify(reply.text)}`
}
