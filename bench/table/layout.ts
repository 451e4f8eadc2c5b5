/** A table: the first row is its head, the first column its labels; other columns are figures. */
export type Rows = readonly (readonly string[])[]

function widths(rows: Rows): number[] {
  const columns = Math.max(...rows.map((row) => row.length))
  return Array.from({ length: columns }, (_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)))
}

function line(row: readonly string[], wide: readonly number[]): string[] {
  return wide.map((width, column) =>
    column === 0 ? (row[0] ?? '').padEnd(width) : (row[column] ?? '').padStart(width),
  )
}

/** For a terminal. A row that has a label alone starts a section. */
export function asText(rows: Rows): string {
  const wide = widths(rows)
  const rule = wide.map((width) => '-'.repeat(width)).join('  ')
  const lines = rows.map((row, index) => {
    const text = line(row, wide).join('  ').trimEnd()
    return index > 0 && row.length === 1 ? `${rule}\n${text}` : text
  })
  return lines.join('\n')
}

/** The same as a Markdown table; sections are bold. */
export function asMarkdown(rows: Rows): string {
  const cells = rows.map((row, index) =>
    row.map((cell, column) => (index > 0 && row.length === 1 && column === 0 ? `**${cell}**` : cell)),
  )
  const wide = widths(cells)
  const lines = cells.map((row) => `| ${line(row, wide).join(' | ')} |`)
  const rule = wide.map((width, column) => (column === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`))
  lines.splice(1, 0, `| ${rule.join(' | ')} |`)
  return lines.join('\n')
}

/** Three figures that count: 0.47, 12.3, 145. */
export function figure(value: number): string {
  if (!Number.isFinite(value)) return '-'
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2)
}
