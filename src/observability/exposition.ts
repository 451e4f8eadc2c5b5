import { quantile } from './histogram.ts'
import { FAMILIES } from './names.ts'
import type { Sample } from './snapshot.ts'

/** Content type of the text exposition format of Prometheus, version 0.0.4. */
export const EXPOSITION_TYPE = 'text/plain; version=0.0.4; charset=utf-8'

const QUANTILES = [0, 0.1, 0.5, 0.9, 0.95, 0.99, 0.999, 1]

/** Families of series, each name once, in the text exposition format of Prometheus, version 0.0.4. */
export function renderExposition(families: ReadonlyMap<string, readonly Sample[]>): string {
  let text = ''
  for (const [name, samples] of families) {
    const help = FAMILIES[name]?.help
    if (help !== undefined) text += `# HELP ${name} ${escapeHelp(help)}\n`
    text += `# TYPE ${name} ${samples[0]!.type}\n`
    for (const sample of samples) text += renderSample(sample)
    text += '\n'
  }
  return text
}

function renderSample({ name, labels, value, distribution }: Sample): string {
  // To Prometheus a label without a value is one that is not there.
  const pairs = Object.entries(labels).flatMap(([label, text]) =>
    text === '' ? [] : [`${label}="${escapeValue(text)}"`],
  )
  const own = pairs.length === 0 ? '' : `{${pairs.join(',')}}`
  if (distribution === null) return `${name}${own} ${renderNumber(value)}\n`
  const { buckets, count, unitsPerOne } = distribution
  let text = ''
  for (const part of QUANTILES) {
    const all = [...pairs, `quantile="${part}"`].join(',')
    text += `${name}{${all}} ${renderNumber(quantile(buckets, part, unitsPerOne))}\n`
  }
  return `${text}${name}_sum${own} ${renderNumber(value)}\n${name}_count${own} ${renderNumber(count)}\n`
}

function renderNumber(value: number): string {
  if (value === Infinity) return '+Inf'
  if (value === -Infinity) return '-Inf'
  return String(value)
}

function escapeHelp(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')
}

function escapeValue(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
}
