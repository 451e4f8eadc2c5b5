import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A span as a collector of OpenTelemetry gets it. */
export interface ReceivedSpan {
  readonly service: string
  readonly traceId: string
  readonly spanId: string
  /** Empty: it is the trace's first. */
  readonly parentId: string
  readonly name: string
  /** 1: internal, 2: server, 3: client. */
  readonly kind: number
  readonly startNs: bigint
  readonly endNs: bigint
  readonly attributes: Readonly<Record<string, string | number>>
  /** 0: unset, 2: error. */
  readonly status: number
}

/** A collector that takes traces by OTLP over HTTP, in the encoding of Protocol Buffers, and keeps them. */
export class Collector implements AsyncDisposable {
  readonly spans: ReceivedSpan[] = []
  readonly #server: Server
  #watchers: (() => void)[] = []

  private constructor() {
    this.#server = createServer((request, response) => {
      void this.#take(request).then(
        () => response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end(),
        (error: Error) => response.writeHead(400).end(error.message),
      )
    })
  }

  static async start(): Promise<Collector> {
    const collector = new Collector()
    await once(collector.#server.listen(0, '127.0.0.1'), 'listening')
    return collector
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/v1/traces`
  }

  async until(holds: (spans: readonly ReceivedSpan[]) => boolean): Promise<void> {
    while (!holds(this.spans)) await new Promise<void>((resolve) => this.#watchers.push(resolve))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  async #take(request: IncomingMessage): Promise<void> {
    if (request.method !== 'POST' || request.url !== '/v1/traces') throw new Error('this is no place for traces')
    const chunks: Buffer[] = []
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk)
    for (const resourceSpans of messages(fieldsOf(Buffer.concat(chunks)), 1)) {
      const [resource] = messages(resourceSpans, 1)
      const service = attributesOf(resource!, 1)['service.name']
      for (const scopeSpans of messages(resourceSpans, 2))
        for (const span of messages(scopeSpans, 2)) this.spans.push(spanOf(span, String(service)))
    }
    for (const watcher of this.#watchers.splice(0)) watcher()
  }
}

type Fields = Map<number, (Buffer | bigint)[]>

/** The fields of a message by number: https://protobuf.dev/programming-guides/encoding/ */
function fieldsOf(bytes: Buffer): Fields {
  const fields: Fields = new Map()
  let at = 0
  const varint = () => {
    let value = 0n
    for (let shift = 0n; ; shift += 7n) {
      const byte = bytes[at++]!
      value |= BigInt(byte & 0x7f) << shift
      if (byte < 0x80) return value
    }
  }
  while (at < bytes.length) {
    const tag = Number(varint())
    let value: Buffer | bigint
    if ((tag & 7) === 0) value = varint()
    else if ((tag & 7) === 1) value = bytes.readBigUInt64LE((at += 8) - 8)
    else if ((tag & 7) === 5) value = BigInt(bytes.readUInt32LE((at += 4) - 4))
    else {
      const size = Number(varint())
      value = bytes.subarray(at, (at += size))
    }
    fields.set(tag >> 3, [...(fields.get(tag >> 3) ?? []), value])
  }
  return fields
}

const messages = (fields: Fields, number: number) => (fields.get(number) ?? []).map((one) => fieldsOf(one as Buffer))
const bytes = (fields: Fields, number: number) => (fields.get(number)?.[0] as Buffer | undefined) ?? Buffer.alloc(0)
const integer = (fields: Fields, number: number) => (fields.get(number)?.[0] as bigint | undefined) ?? 0n

function attributesOf(fields: Fields, number: number): Record<string, string | number> {
  return Object.fromEntries(
    messages(fields, number).map((pair) => {
      const [value] = messages(pair, 2)
      return [bytes(pair, 1).toString(), value!.has(1) ? bytes(value!, 1).toString() : Number(integer(value!, 3))]
    }),
  )
}

/** opentelemetry/proto/trace/v1/trace.proto */
function spanOf(span: Fields, service: string): ReceivedSpan {
  return {
    service,
    traceId: bytes(span, 1).toString('hex'),
    spanId: bytes(span, 2).toString('hex'),
    parentId: bytes(span, 4).toString('hex'),
    name: bytes(span, 5).toString(),
    kind: Number(integer(span, 6)),
    startNs: integer(span, 7),
    endNs: integer(span, 8),
    attributes: attributesOf(span, 9),
    status: Number(integer(messages(span, 15)[0] ?? new Map(), 3)),
  }
}
