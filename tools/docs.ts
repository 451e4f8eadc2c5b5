import { globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { format } from 'prettier'
import { loadKinds, referencePages } from './docs/pages.ts'

// `npm run docs` writes docs/reference anew; `npm test` fails where it is not as this would write it.

const FOLDER = join(import.meta.dirname, '../docs/reference')

/** The pages as they ought to be, by the name of their file. */
export async function wantedPages(): Promise<Record<string, string>> {
  const pages = Object.entries(referencePages(await loadKinds()))
  const formatted = pages.map(async ([name, text]) => [name, await format(text, { parser: 'markdown' })] as const)
  return Object.fromEntries(await Promise.all(formatted))
}

/** The pages that are there. */
export function presentPages(): Record<string, string> {
  const names = globSync('*', { cwd: FOLDER }).toSorted()
  return Object.fromEntries(names.map((name) => [name, readFileSync(join(FOLDER, name), 'utf8')]))
}

async function main(): Promise<void> {
  const wanted = await wantedPages()
  mkdirSync(FOLDER, { recursive: true })
  for (const name of Object.keys(presentPages())) if (!Object.hasOwn(wanted, name)) rmSync(join(FOLDER, name))
  for (const [name, text] of Object.entries(wanted)) writeFileSync(join(FOLDER, name), text)
  console.log(`${Object.keys(wanted).length} pages in docs/reference`)
}

if (import.meta.main) await main()
