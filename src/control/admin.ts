import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { addressText, isLoopback } from '../config/addresses.ts'
import type { Log } from '../core/kind.ts'
import { EXPOSITION_TYPE } from '../observability/exposition.ts'
import type { Address } from '../world/world.ts'

/** What a client of this interface may take: it has little to say, and nobody may hold it. */
const REQUEST_MS = 10_000
const IDLE_MS = 15_000
const CHECK_MS = 2000
const CONNECTIONS_MAX = 64
const HEADER_BYTES_MAX = 16 * 1024
const BODY_BYTES_MAX = 64 * 1024

export interface AdminOptions {
  readonly address: Address
  readonly log: Log
  /** All metrics in the exposition format. */
  metrics(): Promise<string>
  /** Why clients should go elsewhere now; empty where they need not. */
  obstacles(): readonly string[]
  /** Replaces the filter of the log. Throws where the text is none, and keeps the old one then. */
  setFilter(text: string): void
}

export interface Admin {
  /** Where it listens; null where it could not. */
  readonly address: Address | null
  /** Closes at once, answers under way included. */
  close(): void
}

class HttpError extends Error {
  readonly status: number
  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

/** Serves metrics and the state of the process, and takes the log's filter. A failure to listen is logged and otherwise none: the proxy can do without. */
export async function startAdmin(options: AdminOptions): Promise<Admin> {
  const { address, log } = options
  const server = createServer({
    requestTimeout: REQUEST_MS,
    headersTimeout: REQUEST_MS,
    connectionsCheckingInterval: CHECK_MS,
    keepAliveTimeout: IDLE_MS,
    maxHeaderSize: HEADER_BYTES_MAX,
  })
  server.maxConnections = CONNECTIONS_MAX
  // Whoever does not read its answer is not waited for either.
  server.setTimeout(IDLE_MS, (socket) => socket.destroy())
  server.on('request', (request, response) => void respond(options, request, response))
  if (!isLoopback(address.host)) {
    log.warn(
      `the metrics and the log filter are open to whoever can reach ${addressText(address)}: nobody is asked who they are`,
    )
  }
  try {
    await listen(server, address)
  } catch (error) {
    log.error(`Metrics HTTP server failed: Failed to bind to ${addressText(address)}`, {
      error: (error as Error).message,
    })
    return { address: null, close() {} }
  }
  const bound = server.address() as AddressInfo
  return {
    address: { host: bound.address, port: bound.port },
    close() {
      server.close()
      server.closeAllConnections()
    },
  }
}

function listen(server: Server, { host, port }: Address): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => {
      server.off('error', reject)
      resolve()
    })
  })
}

async function respond(options: AdminOptions, request: IncomingMessage, response: ServerResponse): Promise<void> {
  try {
    const [status, type, body] = await answer(options, request)
    send(response, status, type, body)
  } catch (error) {
    // Whoever asked is gone.
    if ((error as NodeJS.ErrnoException).code === 'ECONNRESET') return
    const { message } = error as Error
    if (!(error instanceof HttpError))
      options.log.error('an answer of the admin interface failed', { error: (error as Error).stack })
    const status = error instanceof HttpError ? error.status : 500
    if (status === 405) response.setHeader('allow', message)
    // What is left of the request is not worth reading.
    if (!request.complete) response.setHeader('connection', 'close')
    send(response, status, TEXT_TYPE, status === 405 ? '' : `HTTP ${status} error: ${message}`)
  }
}

function send(response: ServerResponse, status: number, type: string, body: string): void {
  if (response.destroyed) return
  response.writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(body) })
  response.end(body)
}

const METHODS: Readonly<Record<string, string>> = {
  '/': 'GET',
  '/metrics': 'GET',
  '/filter': 'PUT',
  '/health': 'GET',
  '/ready': 'GET',
}
const TEXT_TYPE = 'text/plain; charset=utf-8'

/** Status, content type and body. */
async function answer(options: AdminOptions, request: IncomingMessage): Promise<[number, string, string]> {
  const [path] = (request.url ?? '/').split('?')
  const allowed = Object.hasOwn(METHODS, path!) ? METHODS[path!] : undefined
  if (allowed === undefined) throw new HttpError(404, `there is nothing at ${path}: try /filter or /metrics`)
  if (request.method !== allowed) throw new HttpError(405, allowed)
  if (path === '/metrics') return [200, EXPOSITION_TYPE, await options.metrics()]
  if (path === '/') return [200, TEXT_TYPE, 'try /filter or /metrics']
  // Who can answer is alive. Threads that hang are dealt with, and no reason to end the others.
  if (path === '/health') return [200, TEXT_TYPE, 'healthy']
  if (path === '/ready') return readiness(options.obstacles())
  return await setFilter(options, request)
}

function readiness(obstacles: readonly string[]): [number, string, string] {
  return obstacles.length === 0 ? [200, TEXT_TYPE, 'ready'] : [503, TEXT_TYPE, `not ready: ${obstacles.join('; ')}`]
}

async function setFilter(
  { log, setFilter }: AdminOptions,
  request: IncomingMessage,
): Promise<[number, string, string]> {
  const text = await readBody(request)
  try {
    setFilter(text)
  } catch (error) {
    throw new HttpError(500, (error as Error).message)
  }
  log.info(`filter set to: ${text}`)
  return [200, TEXT_TYPE, 'Filter set']
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > BODY_BYTES_MAX) throw new HttpError(413, `a filter has at most ${BODY_BYTES_MAX} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString()
}
