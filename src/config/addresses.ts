import type { Address } from '../world/world.ts'

/** Reads `host:port`, the host in brackets where it is an IPv6 address. Null where the text is no address. */
export function parseAddress(text: string): Address | null {
  const colon = text.lastIndexOf(':')
  const host = text.slice(0, colon).replace(/^\[(.*)\]$/, '$1')
  const port = text.slice(colon + 1)
  if (colon < 1 || host === '' || !/^\+?\d+$/.test(port) || Number(port) > 65535) return null
  return { host, port: Number(port) }
}

const UNIX = 'unix:'

/** Reads what a source listens at: `host:port`, or `unix:/path` for a socket of the file system. Null where the text is neither. */
export function parseListenAddress(text: string): Address | null {
  if (!text.startsWith(UNIX)) return parseAddress(text)
  return text.length > UNIX.length && !text.includes('\0') ? { host: text, port: 0 } : null
}

/** Path of the socket, where the address of a source is one of the file system; else null. */
export function unixPath({ host }: Address): string | null {
  return host.startsWith(UNIX) ? host.slice(UNIX.length) : null
}

export function addressText(address: Address): string {
  if (unixPath(address) !== null) return address.host
  return `${address.host.includes(':') ? `[${address.host}]` : address.host}:${address.port}`
}

/** Only this machine can reach what listens there. */
export function isLoopback(host: string): boolean {
  return (
    host.startsWith(UNIX) ||
    host === 'localhost' ||
    host === '::1' ||
    host.startsWith('127.') ||
    /^::ffff:127\./i.test(host)
  )
}

/** What the system says of an address, as `listen_addr` has it, that somebody else listens at. */
export function inUseText(listenText: string): string {
  return `Address already in use (os error 98) address=${listenText}`
}

/** Nobody can listen at both. Names are taken as they are written. */
export function collide(a: Address, b: Address): boolean {
  if (unixPath(a) !== null) return a.host === b.host
  if (a.port !== b.port || a.port === 0) return false
  return a.host === b.host || covers(a.host, b.host) || covers(b.host, a.host)
}

/** The IPv6 address of all interfaces takes IPv4 too. */
function covers(host: string, other: string): boolean {
  return host === '::' || (host === '0.0.0.0' && !other.includes(':'))
}

/** An IP address rather than a name. */
export function isIp(host: string): boolean {
  if (host.includes(':')) return /^[\da-f:.]+(%\w+)?$/i.test(host)
  const parts = host.split('.')
  return parts.length === 4 && parts.every((part) => /^\d{1,3}$/.test(part) && Number(part) <= 255)
}
