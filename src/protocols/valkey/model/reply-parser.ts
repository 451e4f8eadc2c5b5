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
  #start = 0
  #end = 0
  /** Where the reply that is being read goes on. */
  #at = 0
  /** Bytes that must be there before another try is worth while. */
  #needed = 0

  get pendingBytes(): number {
    return this.#end - this.#start
  }

  /** Copies `bytes[start, end)`. */
  push(bytes: Buffer, start: number, end: number): void {
    const size = end - start
    if (this.#end + size > this.#pending.length) {
      const held = this.pendingBytes
      const grown = Buffer.allocUnsafe(2 * (held + size))
      this.#pending.copy(grown, 0, this.#start, this.#end)
      this.#pending = grown
      this.#start = 0
      this.#end = held
    }
    bytes.copy(this.#pending, this.#end, start, end)
    this.#end += size
  }

  /** The next reply, null when more bytes are needed. Throws ReplyFault. */
  next(): Reply | null {
    if (this.pendingBytes === 0 || this.pendingBytes < this.#needed) return null
    this.#at = this.#start
    const reply = this.#reply()
    if (reply === null) return null
    this.#start = this.#at
    this.#needed = 0
    return reply
  }

  #line(): string | null {
    const end = this.#pending.indexOf('\r\n', this.#at, 'latin1')
    if (end === -1 || end + 2 > this.#end) return null
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
    if (this.#end < end + 2) {
      this.#needed = end + 2 - this.#start
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
