import type { Address } from '../world/world.ts'

/** Reads `host:port`, the host in brackets where it is an IPv6 address. Null where the text is no address. */
export function parseAddress(text: string): Address | null {
  const colon = text.lastIndexOf(':')
  const host = text.slice(0, colon).replace(/^\[(.*)\]$/, '$1')
  const port = text.slice(colon + 1)
  if (colon < 1 || host === '' || !/^\+?\d+$/.test(port) || Number(port) > 65535) return null
  return { host, port: Number(port) }
}

export function addressText(address: Address): string {
  return `${address.host.includes(':') ? `[${address.host}]` : address.host}:${address.port}`
}

/** Only this machine can reach what listens there. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host.startsWith('127.') || /^::ffff:127\./i.test(host)
}

/** An IP address rather than a name. */
export function isIp(host: string): boolean {
  if (host.includes(':')) return /^[\da-f:.]+(%\w+)?$/i.test(host)
  const parts = host.split('.')
  return parts.length === 4 && parts.every((part) => /^\d{1,3}$/.test(part) && Number(part) <= 255)
}
