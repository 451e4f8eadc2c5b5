import type { Address, Clock, Connection, ConnectionHandler, Connector } from '../../world/world.ts'

/** Longest answer that is taken. */
const ANSWER_BYTES_MAX = 1024 * 1024

export interface HttpRequest {
  readonly method: 'GET' | 'POST' | 'PUT'
  /** With the query, encoded as it is to be sent. */
  readonly path: string
  /** Those besides Host, Content-Length and Connection. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

export interface HttpAnswer {
  readonly status: number
  readonly body: Buffer
}

/** Where requests go. */
export interface HttpServer {
  readonly connector: Connector
  readonly clock: Clock
  readonly address: Address
  /** The Host header. */
  readonly host: string
}

/** The server of a URL. */
export function serverOf({ protocol, hostname, port, host }: URL, connector: Connector, clock: Clock): HttpServer {
  const address = { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port || (protocol === 'https:' ? 443 : 80)) }
  return { connector, clock, address, host }
}

/** A request and its answer on a connection of their own, HTTP/1.1 (RFC 9112). Rejects where there is no whole answer within `timeoutMs`. */
export function callHttp(server: HttpServer, request: HttpRequest, timeoutMs: number): Promise<HttpAnswer> {
  return new Promise<HttpAnswer>((resolve, reject) => {
    const timer = server.clock.after(timeoutMs, () => exchange.fail(new Error(`no answer within ${timeoutMs} ms`)))
    const exchange = new HttpExchange((error, answer) => {
      timer.cancel()
      if (error !== null) reject(new Error(`${server.host}: ${error.message}`))
      else resolve(answer!)
    })
    const bytes = requestBytes(server.host, request)
    server.connector.connect(server.address, timeoutMs, (error, connection) => {
      if (error !== null) exchange.fail(error)
      else exchange.begin(connection!, bytes)
    })
  })
}

function requestBytes(host: string, { method, path, headers, body }: HttpRequest): Buffer {
  const fields = { Host: host, ...headers, 'Content-Length': String(Buffer.byteLength(body)), Connection: 'close' }
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}`)
  if (lines.some((line) => /[\r\n]/.test(line))) throw new TypeError('a header can not have a line end in it')
  return Buffer.from(`${method} ${path} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n${body}`)
}

class HttpExchange implements ConnectionHandler {
  #connection: Connection | null = null
  #bytes = Buffer.alloc(0)
  #done: ((error: Error | null, answer: HttpAnswer | null) => void) | null

  constructor(done: (error: Error | null, answer: HttpAnswer | null) => void) {
    this.#done = done
  }

  begin(connection: Connection, bytes: Buffer): void {
    connection.handler = this
    this.#connection = connection
    if (this.#done === null) connection.destroy()
    else connection.write(bytes)
  }

  fail(error: Error): void {
    this.#settle(error, null)
  }

  onData(bytes: Buffer, start: number, end: number): void {
    if (this.#done === null) return
    this.#bytes = Buffer.concat([this.#bytes, bytes.subarray(start, end)])
    if (this.#bytes.length > ANSWER_BYTES_MAX) this.fail(new Error('the answer is too long'))
    else this.#look(false)
  }

  onDrain(): void {}

  onEnd(): void {
    this.onClose(null)
  }

  onClose(error: Error | null): void {
    this.#look(true)
    this.fail(error ?? new Error('the connection ended before the answer did'))
  }

  #look(isEnd: boolean): void {
    if (this.#done === null) return
    try {
      const answer = readAnswer(this.#bytes, isEnd)
      if (answer !== null) this.#settle(null, answer)
    } catch (error) {
      this.fail(error as Error)
    }
  }

  #settle(error: Error | null, answer: HttpAnswer | null): void {
    const done = this.#done
    this.#done = null
    this.#bytes = Buffer.alloc(0)
    this.#connection?.destroy()
    done?.(error, answer)
  }
}

const NO_BODY: ReadonlySet<number> = new Set([204, 304])

/** The answer that `bytes` begins with, null where more is needed. `isEnd`: nothing more will come. Throws where it is no answer. */
export function readAnswer(bytes: Buffer, isEnd: boolean): HttpAnswer | null {
  const end = bytes.indexOf('\r\n\r\n')
  if (end === -1) return null
  const [first, ...lines] = bytes.toString('latin1', 0, end).split('\r\n')
  const status = Number(/^HTTP\/1\.[01] (\d{3})(?: |$)/.exec(first!)?.[1] ?? NaN)
  if (Number.isNaN(status)) throw new Error('what came is no answer of HTTP/1.1')
  const body = bytes.subarray(end + 4)
  // 100 Continue and the like.
  if (status < 200) return readAnswer(body, isEnd)
  const header = (name: string) => headerOf(lines, name)
  if (NO_BODY.has(status)) return { status, body: Buffer.alloc(0) }
  if (/(?:^|,)\s*chunked\s*$/i.test(header('transfer-encoding') ?? '')) {
    const whole = readChunks(body)
    return whole === null ? null : { status, body: whole }
  }
  const length = header('content-length')
  if (length === null) return isEnd ? { status, body: Buffer.from(body) } : null
  if (!/^\d{1,9}$/.test(length)) throw new Error('its length can not be read')
  return body.length < Number(length) ? null : { status, body: Buffer.from(body.subarray(0, Number(length))) }
}

function headerOf(lines: readonly string[], name: string): string | null {
  const line = lines.find((each) => each.toLowerCase().startsWith(`${name}:`))
  return line === undefined ? null : line.slice(name.length + 1).trim()
}

/** RFC 9112, 7.1; null where more is needed. */
function readChunks(bytes: Buffer): Buffer | null {
  const chunks: Buffer[] = []
  for (let at = 0; ;) {
    const lineEnd = bytes.indexOf('\r\n', at)
    if (lineEnd === -1) return null
    const size = /^([0-9a-f]{1,7})(?:\s*;.*)?$/i.exec(bytes.toString('latin1', at, lineEnd))
    if (size === null) throw new Error('the size of a chunk can not be read')
    const length = parseInt(size[1]!, 16)
    const start = lineEnd + 2
    if (length === 0) return Buffer.concat(chunks)
    if (start + length + 2 > bytes.length) return null
    chunks.push(bytes.subarray(start, start + length))
    at = start + length + 2
  }
}
