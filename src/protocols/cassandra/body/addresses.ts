import { CorruptError } from '../corrupt-error.ts'

/** `8-4-4-4-12` hexadecimal digits. */
export function readUuid(bytes: Buffer): string {
  const hex = bytes.toString('hex')
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-')
}

const UUID = /^[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}$/i

/** Null where the text is no UUID. */
export function parseUuid(text: string): Buffer | null {
  return UUID.test(text) ? Buffer.from(text.replaceAll('-', ''), 'hex') : null
}

/** Four bytes are an address of IPv4, sixteen one of IPv6, which is told without leaving out zeros. */
export function readInet(bytes: Buffer): string {
  if (bytes.length === 4) return bytes.join('.')
  if (bytes.length !== 16) throw new CorruptError(`an address of ${bytes.length} bytes`)
  return Array.from({ length: 8 }, (_, i) => bytes.readUInt16BE(2 * i).toString(16)).join(':')
}

/** Null where the text is no address, with all four numbers of IPv4, or with hexadecimal words of IPv6. */
export function parseInet(text: string): Buffer | null {
  return text.includes(':') ? parseIpv6(text) : parseIpv4(text)
}

function parseIpv4(text: string): Buffer | null {
  const parts = text.split('.')
  const areNumbers = parts.length === 4 && parts.every((part) => /^\d{1,3}$/.test(part) && Number(part) <= 255)
  return areNumbers ? Buffer.from(parts.map(Number)) : null
}

function parseIpv6(text: string): Buffer | null {
  const halves = text.split('::')
  const words = halves.map((half) => (half === '' ? [] : half.split(':')))
  const given = words.flat()
  // `::` stands for one word of zeros at least.
  const isWhole = halves.length === 1 ? given.length === 8 : halves.length === 2 && given.length <= 7
  if (!isWhole || !given.every((word) => /^[\da-f]{1,4}$/i.test(word))) return null
  const bytes = Buffer.alloc(16)
  const [before, behind = []] = words
  for (const [index, word] of before!.entries()) bytes.writeUInt16BE(parseInt(word, 16), index * 2)
  for (const [index, word] of behind.entries())
    bytes.writeUInt16BE(parseInt(word, 16), 16 - (behind.length - index) * 2)
  return bytes
}
