import { Frame } from '../../core/frame.ts'
import { codeOfArguments } from './commands.ts'
import { REQUEST } from './resp.ts'

/** A request as an array of bulk strings. Strings are written as UTF-8. */
export function encodeRequest(words: readonly (Uint8Array | string)[]): Frame {
  const args: Uint8Array[] = []
  let size = headerSize(words.length)
  for (const word of words) {
    const arg = typeof word === 'string' ? Buffer.from(word) : word
    args.push(arg)
    size += headerSize(arg.length) + arg.length + 2
  }
  const bytes = Buffer.allocUnsafe(size)
  let at = bytes.write(`*${args.length}\r\n`, 0, 'latin1')
  for (const arg of args) {
    at += bytes.write(`$${arg.length}\r\n`, at, 'latin1')
    bytes.set(arg, at)
    at += arg.length
    bytes[at++] = 0x0d
    bytes[at++] = 0x0a
  }
  return new Frame(bytes, 0, size, REQUEST, codeOfArguments(args), false)
}

/** Bytes of a type byte, a length and a line end. */
function headerSize(length: number): number {
  return String(length).length + 3
}
