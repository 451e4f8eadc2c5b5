/** One request of a script, as the tests write them. */
export interface Line {
  readonly shown: string
  /** How its reply is compared: '' all of it, '~' without order, '#' but for numbers, '?' by its type only. */
  readonly how: string
  readonly bytes: Buffer
}

/** A request as clients send it: an array of bulk strings. */
export function request(words: readonly (string | Buffer)[]): Buffer {
  const parts = words.map((word) => Buffer.from(word as string, 'latin1'))
  const whole = parts.flatMap((part) => [Buffer.from(`$${part.length}\r\n`), part, Buffer.from('\r\n')])
  return Buffer.concat([Buffer.from(`*${words.length}\r\n`), ...whole])
}

/** A line: words between blanks, `''` for an empty one; or behind `!` the bytes themselves, with \r \n \\ \xHH. */
export function lineOf(text: string): Line {
  if (text.startsWith('!')) return { shown: text, how: '', bytes: unescape(text.slice(1)) }
  const how = '~#?'.includes(text[0]!) ? text[0]! : ''
  const words = text
    .slice(how.length)
    .split(' ')
    .map((word) => (word === "''" ? '' : word))
  return { shown: text, how, bytes: request(words) }
}

/** The lines of a script; empty ones are left out. */
export function linesOf(text: string): Line[] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .map(lineOf)
}

function unescape(text: string): Buffer {
  const raw = text.replace(/\\(r|n|\\|x[0-9a-fA-F]{2})/g, (_, code: string) => {
    if (code === 'r') return '\r'
    if (code === 'n') return '\n'
    return code === '\\' ? code : String.fromCharCode(Number.parseInt(code.slice(1), 16))
  })
  return Buffer.from(raw, 'latin1')
}
