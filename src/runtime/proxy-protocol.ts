import { Socket, type SocketConstructorOpts } from 'node:net'
import { ProxyHeader, type ProxiedClient } from './proxy-header.ts'

/** A balancer sends its header at once: who does not is none, or is gone. */
const HEADER_MS = 5000

/** `net.Socket`, with what of it is not in its types. */
type RawSocket = Socket & { _handle: unknown }

/** A socket from which a header was read and nothing else, and whom the header names. */
export interface Introduced {
  /** As it was accepted: nobody has read what follows the header. */
  readonly socket: Socket
  /** Null: whoever is connected. */
  readonly client: ProxiedClient | null
}

/**
 * Reads the PROXY header of a socket that was accepted (`pauseOnConnect`) and not read from. `socket` itself is of no use afterwards.
 * Rejects, and closes the connection, where there is none within five seconds.
 */
export function readProxyHeader(socket: Socket): Promise<Introduced> {
  const { promise, resolve, reject } = Promise.withResolvers<Introduced>()
  const header = new ProxyHeader()
  const handle = takeHandle(socket)
  const options = {
    handle,
    allowHalfOpen: true,
    onread: {
      // Never more than what is the header's own: what follows may be for TLS, or for a buffer that connections share.
      buffer: () => Buffer.alloc(Math.max(1, header.wanted)),
      callback(count: number, bytes: Uint8Array): boolean {
        try {
          header.push(bytes.subarray(0, count))
        } catch (error) {
          reader.destroy(error as Error)
          return false
        }
        if (header.wanted > 0) return true
        // The reader is still at work until this returns.
        queueMicrotask(hand)
        return false
      },
    },
  }
  const reader = new Socket(options as unknown as SocketConstructorOpts)
  const timer = setTimeout(() => reader.destroy(new Error('no PROXY header came within 5 seconds')), HEADER_MS)
  const hand = () => {
    clearTimeout(timer)
    if (reader.destroyed) return
    reader.removeAllListeners()
    takeHandle(reader)
    const fresh = { handle, allowHalfOpen: true, pauseOnCreate: true }
    resolve({ socket: new Socket(fresh as SocketConstructorOpts), client: header.client })
  }
  reader.on('end', () => reader.destroy(new Error('it was closed before its PROXY header was there')))
  reader.on('error', reject)
  reader.on('close', () => {
    clearTimeout(timer)
    reject(new Error('it was closed before its PROXY header was there'))
  })
  reader.resume()
  return promise
}

/** Takes the connection out of a socket, which is of no use then. */
function takeHandle(socket: Socket): unknown {
  const raw = socket as RawSocket
  const handle = raw._handle
  raw._handle = null
  socket.destroy()
  return handle
}
