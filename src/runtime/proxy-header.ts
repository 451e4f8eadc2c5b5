/** A client, as whoever passes its connection on has seen it. */
export interface ProxiedClient {
  readonly address: string
  readonly port: number
}

const SIGNATURE = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1')
const V1 = Buffer.from('PROXY ', 'latin1')
/** The longest line of version 1, its end included. */
const V1_BYTES_MAX = 107
const V2_BYTES = 16
/** What the extensions of version 2 may take. */
const V2_REST_MAX = 4096
const COMMAND_LOCAL = 0
const COMMAND_PROXY = 1
const TCP4 = 0x11
const TCP6 = 0x21
const TCP4_BYTES = 12
const TCP6_BYTES = 36

/**
 * The header that a load balancer puts before what a client sends, of version 1 or 2:
 * https://www.haproxy.org/download/3.0/doc/proxy-protocol.txt. It is read by exactly as many bytes as it has: what follows it may be
 * a handshake that is for somebody else.
 */
export class ProxyHeader {
  /** Who the client is; null: whoever is connected, as in health checks of the balancer's own. Meant once it is complete. */
  client: ProxiedClient | null = null
  #bytes = Buffer.alloc(0)
  #size = SIGNATURE.length
  #complete = false

  /** Bytes that are surely its own and have not come; 0: it is complete. */
  get wanted(): number {
    return this.#complete ? 0 : this.#size - this.#bytes.length
  }

  /** Takes at most `wanted` bytes. Throws Error where they can't be of a header. */
  push(bytes: Uint8Array): void {
    this.#bytes = Buffer.concat([this.#bytes, bytes])
    while (this.wanted === 0 && !this.#complete) this.#read()
  }

  #read(): void {
    const bytes = this.#bytes
    if (bytes.subarray(0, V1.length).equals(V1)) this.#readV1(bytes)
    else if (bytes.subarray(0, SIGNATURE.length).equals(SIGNATURE)) this.#readV2(bytes)
    else throw new Error('it does not begin with a PROXY header')
  }

  /** Its end is not announced. */
  #readV1(bytes: Buffer): void {
    if (!bytes.subarray(-2).equals(Buffer.from('\r\n'))) {
      if (bytes.length >= V1_BYTES_MAX) throw new Error('the line of its PROXY header does not end')
      this.#size++
      return
    }
    this.#complete = true
    const [, family, address = '', , port = ''] = bytes.toString('latin1', 0, bytes.length - 2).split(' ')
    if (family === 'UNKNOWN') return
    const fits = family === 'TCP4' ? /^\d{1,3}(\.\d{1,3}){3}$/ : family === 'TCP6' ? /^[\da-f:.]{2,45}$/i : null
    if (fits?.test(address) !== true || !/^\d{1,5}$/.test(port) || Number(port) > 65535)
      throw new Error('its PROXY header names no client')
    this.client = { address, port: Number(port) }
  }

  #readV2(bytes: Buffer): void {
    if (bytes.length < V2_BYTES) {
      this.#size = V2_BYTES
      return
    }
    const rest = bytes.readUInt16BE(14)
    if (rest > V2_REST_MAX) throw new Error(`its PROXY header is too long: ${rest} bytes`)
    if (bytes.length < V2_BYTES + rest) {
      this.#size = V2_BYTES + rest
      return
    }
    this.#complete = true
    const version = bytes[12]! >> 4
    const command = bytes[12]! & 0xf
    if (version !== 2 || (command !== COMMAND_LOCAL && command !== COMMAND_PROXY))
      throw new Error('its PROXY header is of no version that is known')
    if (command === COMMAND_PROXY) this.client = clientOf(bytes[13]!, bytes.subarray(V2_BYTES))
  }
}

/** Null for what is no client of TCP: then who is connected counts. */
function clientOf(family: number, rest: Buffer): ProxiedClient | null {
  if (family !== TCP4 && family !== TCP6) return null
  if (rest.length < (family === TCP4 ? TCP4_BYTES : TCP6_BYTES)) throw new Error('its PROXY header names no client')
  if (family === TCP4) return { address: rest.subarray(0, 4).join('.'), port: rest.readUInt16BE(8) }
  const groups = Array.from({ length: 8 }, (_, i) => rest.readUInt16BE(i * 2).toString(16))
  // As the platform writes addresses, the longest run of zeros left out.
  return { address: new URL(`http://[${groups.join(':')}]`).hostname.slice(1, -1), port: rest.readUInt16BE(32) }
}
