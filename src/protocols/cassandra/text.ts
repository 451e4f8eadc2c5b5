// Hot path

/** Where the statement `bytes[at, end)` begins: behind white space and comments. */
export function statementStart(bytes: Buffer, at: number, end: number): number {
  let i = at
  while (i < end) {
    const byte = bytes[i]!
    if (byte === 0x20 || (byte >= 0x09 && byte <= 0x0d)) i++
    else if (byte === 0x2d && bytes[i + 1] === 0x2d) i = lineEnd(bytes, i, end)
    else if (byte === 0x2f && bytes[i + 1] === 0x2f) i = lineEnd(bytes, i, end)
    else if (byte === 0x2f && bytes[i + 1] === 0x2a) i = commentEnd(bytes, i + 2, end)
    else break
  }
  return Math.min(i, end)
}

function lineEnd(bytes: Buffer, at: number, end: number): number {
  let i = at
  while (i < end && bytes[i] !== 0x0a && bytes[i] !== 0x0d) i++
  return i
}

function commentEnd(bytes: Buffer, at: number, end: number): number {
  let i = at
  while (i < end && !(bytes[i] === 0x2a && bytes[i + 1] === 0x2f)) i++
  return i + 2
}

/** Is it the word, of lower-case letters, that stands at `at`, and nothing longer? */
export function wordIs(bytes: Buffer, at: number, end: number, word: string): boolean {
  const behind = at + word.length
  if (behind > end) return false
  for (let i = 0; i < word.length; i++) if ((bytes[at + i]! | 0x20) !== word.charCodeAt(i)) return false
  return behind === end || !isWordByte(bytes[behind]!)
}

function isWordByte(byte: number): boolean {
  const lower = byte | 0x20
  return (lower >= 0x61 && lower <= 0x7a) || (byte >= 0x30 && byte <= 0x39) || byte === 0x5f
}

const KEYSPACE = /^(?:"((?:[^"]|"")+)"|([a-z]\w*))/i

/** The keyspace that `USE` names, as the server has it; null where the statement is another one. */
export function usedKeyspace(bytes: Buffer, at: number, end: number): string | null {
  const start = statementStart(bytes, at, end)
  if (!wordIs(bytes, start, end, 'use')) return null
  return namedKeyspace(bytes, statementStart(bytes, start + 3, end), end)
}

// Cold: a USE
function namedKeyspace(bytes: Buffer, at: number, end: number): string {
  const [, quoted, plain] = KEYSPACE.exec(bytes.toString('utf8', at, Math.min(end, at + 256))) ?? []
  return quoted === undefined ? (plain ?? '').toLowerCase() : quoted.replaceAll('""', '"')
}
