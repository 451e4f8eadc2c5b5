import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { systemErrorText } from '../base/errors.ts'
import type { Control, Log } from '../core/kind.ts'

const HOST = '127.0.0.1'
/** What a client of such an interface may take: it has little to say, and nobody may hold it. */
const REQUEST_MS = 10_000
const CONNECTIONS_MAX = 64
const BODY_BYTES_MAX = 1024

/** An interface that is open. */
export interface OpenControl {
  /** Null where it could not be opened. */
  readonly port: number | null
  close(): void
}

/** Serves what operators may do with a transform. A failure to listen is logged and otherwise none. */
export async function openControl(control: Control, log: Log): Promise<OpenControl> {
  const server = createServer({ requestTimeout: REQUEST_MS, headersTimeout: REQUEST_MS, keepAliveTimeout: REQUEST_MS })
  server.maxConnections = CONNECTIONS_MAX
  server.setTimeout(REQUEST_MS, (socket) => socket.destroy())
  server.on('request', (request, response) => void respond(control, log, request, response))
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(control.port, HOST, () => {
        server.off('error', reject)
        resolve()
      })
    })
  } catch (error) {
    const reason = systemErrorText(error as Error)
    log.error(`Error in ${control.listener}: Failed to bind to ${HOST}:${control.port}`, { error: reason })
    return { port: null, close() {} }
  }
  const bound = server.address()
  return {
    port: typeof bound === 'object' && bound !== null ? bound.port : null,
    close() {
      server.close()
      server.closeAllConnections()
    },
  }
}

async function respond(control: Control, log: Log, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const [path] = (request.url ?? '/').split('?')
  let answer = { status: 413, body: `there are at most ${BODY_BYTES_MAX} bytes to say` }
  try {
    const body = await readBody(request)
    if (body !== null) answer = control.answer(request.method ?? '', path!, body, log)
  } catch (error) {
    // Whoever asked is gone.
    if ((error as NodeJS.ErrnoException).code === 'ECONNRESET') return
    log.error(`an answer of ${control.listener} failed`, { error: (error as Error).stack })
    answer = { status: 500, body: `HTTP 500 error: ${(error as Error).message}` }
  }
  if (response.destroyed) return
  if (!request.complete) response.setHeader('connection', 'close')
  const headers = { 'content-type': 'text/plain; charset=utf-8', 'content-length': Buffer.byteLength(answer.body) }
  response.writeHead(answer.status, headers)
  response.end(answer.body)
}

/** Null: it is too long. */
async function readBody(request: IncomingMessage): Promise<string | null> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > BODY_BYTES_MAX) return null
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString()
}
