import { CorruptError } from '../corrupt-error.ts'

/** `8-4-4-4-12` hexadecimal digits. */
export function readUuid(bytes: Buffer): string {
  const hex = bytes.toString('hex')
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-')
}

export function writeUuid(text: string): Buffer {
  const bytes = Buffer.from(text.replaceAll('-', ''), 'hex')
  if (bytes.length !== 16) throw new TypeError(`${text} is no UUID`)
  return bytes
}

/** Four bytes are an address of IPv4, sixteen one of IPv6, which is told without leaving out zeros. */
export function readInet(bytes: Buffer): string {
  if (bytes.length === 4) return bytes.join('.')
  if (bytes.length !== 16) throw new CorruptError(`an address of ${bytes.length} bytes`)
  return Array.from({ length: 8 }, (_, i) => bytes.readUInt16BE(2 * i).toString(16)).join(':')
}

export function writeInet(text: string): Buffer {
  const bytes = text.includes(':') ? ipv6(text) : Buffer.from(text.split('.').map(Number))
  if (bytes.length !== 4 && bytes.length !== 16) throw new TypeError(`${text} is no address`)
  return bytes
}

function ipv6(text: string): Buffer {
  const [head = '', tail] = text.split('::')
  const words = (part: string) => part.split(':').filter((word) => word !== '')
  const before = words(head)
  const behind = tail === undefined ? [] : words(tail)
  const zeros = tail === undefined ? 0 : 8 - before.length - behind.length
  const all = [...before, ...Array.from({ length: Math.max(0, zeros) }, () => '0'), ...behind]
  return Buffer.from(all.flatMap((word) => [parseInt(word, 16) >> 8, parseInt(word, 16) & 0xff]))
}
