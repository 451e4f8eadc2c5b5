import type { Call } from '../command.ts'
import { globMatches } from '../../glob.ts'
import { scanOrder, scanStep } from '../scan-order.ts'
import { CommandError } from '../store.ts'

const COUNT_DEFAULT = 10

export interface ScanOptions {
  pattern: string | null
  count: number
  type: string | null
}

/** Cursor and options of a SCAN whose options start at `at`. */
export function scanOptions(call: Call, cursorAt: number): ScanOptions & { cursor: number } {
  const text = call.text(cursorAt)
  if (!/^\d{1,20}$/.test(text)) throw new CommandError('ERR invalid cursor')
  const options = {
    cursor: Number(text),
    pattern: null as string | null,
    count: COUNT_DEFAULT,
    type: null as string | null,
  }
  for (let at = cursorAt + 1; at < call.count; at += 2) {
    const word = call.word(at)
    if (at + 1 >= call.count) call.syntaxError()
    if (word === 'MATCH') options.pattern = call.text(at + 1)
    else if (word === 'COUNT') {
      options.count = call.integer(at + 1)
      if (options.count < 1) call.syntaxError()
    } else if (word === 'TYPE' && call.command.name === 'scan') options.type = call.text(at + 1).toLowerCase()
    else call.syntaxError()
  }
  return options
}

/** SSCAN, HSCAN, ZSCAN: the whole collection where it is small, as a real server does with compact encodings. */
export function scanCollection(
  call: Call,
  names: Iterable<string>,
  item: (name: string) => readonly (Buffer | string)[],
): void {
  const { cursor, pattern, count } = scanOptions(call, 2)
  const all = [...names]
  const step = all.length <= 128 ? { cursor: 0, names: all } : scanStep(scanOrder(all), cursor, count)
  const found = step.names.filter((name) => pattern === null || globMatches(pattern, name))
  call.replies.array(2)
  call.replies.bulk(String(step.cursor))
  call.replies.bulks(found.flatMap((name) => item(name)))
}
