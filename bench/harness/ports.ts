import { createServer } from 'node:net'

/** Below Linux's range for outgoing connections, so that no client's own port can take what was drawn. */
const FIRST = 20_000
const LAST = 32_767
const drawn = new Set<number>()

function free(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => server.close(() => resolve(true)))
  })
}

/** A loopback port that nobody listens on, never the same twice in one process. */
export async function drawPort(): Promise<number> {
  for (let attempt = 0; attempt < 200; attempt++) {
    const port = FIRST + Math.floor(Math.random() * (LAST - FIRST + 1))
    if (drawn.has(port)) continue
    drawn.add(port)
    if (await free(port)) return port
  }
  throw new Error(`no free loopback port between ${FIRST} and ${LAST}`)
}
