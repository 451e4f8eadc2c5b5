import assert from 'node:assert/strict'
import { test } from 'node:test'

export interface ParsedSeries {
  readonly name: string
  readonly labels: Record<string, string>
  readonly value: number
}

export interface Exposition {
  readonly series: ParsedSeries[]
  readonly types: Record<string, string>
  readonly helps: Record<string, string>
}

const NAME = /[a-zA-Z_:][a-zA-Z0-9_:]*/y
const LABEL = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"/y
const VALUE = /^ ([+-]Inf|NaN|[+-]?\d+(?:\.\d+)?(?:e[+-]?\d+)?)$/

/** Reads text exposition format 0.0.4, and throws on whatever a strict reader may refuse. */
export function parseExposition(text: string): Exposition {
  assert.ok(text === '' || text.endsWith('\n'), 'the last line has no end')
  const found: Exposition = { series: [], types: {}, helps: {} }
  const seen = new Set<string>()
  let current = ''
  for (const line of text.split('\n')) {
    const comment = /^# (HELP|TYPE) (\S+) (.*)$/.exec(line)
    if (line === '') continue
    if (comment !== null) {
      const [, what, name, rest] = comment
      const target = what === 'HELP' ? found.helps : found.types
      assert.ok(!(name in target), `second ${what} of ${name}`)
      assert.ok(what === 'HELP' || /^(counter|gauge|summary)$/.test(rest), line)
      assert.ok(what === 'TYPE' || !(name in found.types), `HELP after TYPE of ${name}`)
      target[name] = rest
      current = name
      continue
    }
    const series = parseSeries(line)
    const base = found.types[current] === 'summary' ? series.name.replace(/_(sum|count)$/, '') : series.name
    assert.equal(base, current, `${line} stands among the series of ${current}`)
    const key = JSON.stringify([series.name, Object.entries(series.labels).map(String).sort()])
    assert.ok(!seen.has(key), `twice: ${line}`)
    seen.add(key)
    found.series.push(series)
  }
  return found
}

function parseSeries(line: string): ParsedSeries {
  NAME.lastIndex = 0
  const name = NAME.exec(line)?.[0]
  assert.ok(name, line)
  const labels: Record<string, string> = {}
  let at = name.length
  if (line[at] === '{') {
    do {
      LABEL.lastIndex = at + 1
      const match = LABEL.exec(line)
      assert.ok(match, `bad label: ${line}`)
      assert.ok(!(match[1] in labels), `label twice: ${line}`)
      labels[match[1]] = match[2].replaceAll(/\\(["\\n])/g, (_, c: string) => (c === 'n' ? '\n' : c))
      at = LABEL.lastIndex
    } while (line[at] === ',')
    assert.equal(line[at], '}', `bad end of labels: ${line}`)
    at++
  }
  const value = VALUE.exec(line.slice(at))?.[1]
  assert.ok(value, `bad value: ${line}`)
  return { name, labels, value: Number(value.replace('Inf', 'Infinity')) }
}

for (const bad of [
  'a 1',
  '# TYPE a counter\na 1',
  '# TYPE a counter\na{b=1} 1\n',
  '# TYPE a counter\na{b="1",} 1\n',
  '# TYPE a counter\na{b="1" 1\n',
  '# TYPE a counter\na{b="\\x"} 1\n',
  '# TYPE a counter\na{b="1",b="2"} 1\n',
  '# TYPE a counter\na 1\na 2\n',
  '# TYPE a counter\nb 1\n',
  '# TYPE a counter\na_sum 1\n',
  '# TYPE a counter\na one\n',
  '# TYPE a counter\na 1\n# TYPE a counter\n',
  '# TYPE a histogram\na 1\n',
]) {
  test(`a strict reader refuses ${JSON.stringify(bad)}`, () => assert.throws(() => parseExposition(bad)))
}
