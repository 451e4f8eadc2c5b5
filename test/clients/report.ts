import { styleText } from 'node:util'

// What came of the comparisons, on standard output, and how many there were.

let passed = 0
let failed = 0

export function title(text: string): void {
  console.log(styleText('bold', `\n== ${text}`))
}

/** One line, and what was wrong below it. */
export function report(name: string, problems: readonly string[], cases: number): void {
  const mark = problems.length === 0 ? styleText('green', '✓') : styleText('red', '✗')
  console.log(`  ${mark} ${name}${cases === 0 ? '' : `  ${cases}`}`)
  for (const problem of problems) console.log(`      ${problem.replaceAll('\n', '\n      ')}`)
  passed += cases
  failed += problems.length
}

/** The last line. False: something failed, or nothing was compared. */
export function close(): boolean {
  console.log(`\n${passed} passed, ${failed} failed`)
  return failed === 0 && passed > 0
}
