import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { loadedBy, resolveImport, valueCycles } from './floors.ts'
import { checkFile, type Violation } from './rules.ts'
import { lineAt, SourceFile } from './source-file.ts'

export interface Manifest {
  readonly dependencies?: Record<string, string>
  readonly devDependencies?: Record<string, string>
  readonly optionalDependencies?: Record<string, string>
}

const NOT_OURS = new Set(['node_modules', '.git', '.cache'])
const TEXT = /\.(ts|js|json|md|ya?ml|sh|txt)$|(^|\/)(node|debs|shotover|run|LICENSE)$/

/** Text files of the project, as path and content. */
export function readProject(root: string): Map<string, string> {
  const files = new Map<string, string>()
  const walk = (folder: string) => {
    for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
      const path = folder ? `${folder}/${entry.name}` : entry.name
      if (entry.isDirectory() && !NOT_OURS.has(entry.name)) walk(path)
      else if (entry.isFile() && TEXT.test(path)) files.set(path, readFileSync(join(root, path), 'utf8'))
    }
  }
  walk('')
  return files
}

/** Everything the rules find in a project given as path and content. */
export function checkProject(files: ReadonlyMap<string, string>): Violation[] {
  const tree = new Map<string, SourceFile>()
  const violations: Violation[] = []
  for (const [path, text] of files) {
    violations.push(...checkText(path, text))
    if (!path.endsWith('.ts')) continue
    try {
      tree.set(path, new SourceFile(path, text))
    } catch (error) {
      violations.push({ rule: 'syntax', path, line: 1, message: String(error) })
    }
  }
  for (const file of tree.values()) violations.push(...checkFile(file, tree))
  for (const cycle of valueCycles(tree)) {
    violations.push({ rule: 'cycles', path: cycle[0], line: 1, message: `imports itself: ${cycle.join(' -> ')}` })
  }
  violations.push(...checkThreads(tree))
  const manifest = files.get('package.json')
  if (manifest !== undefined) {
    violations.push(...checkDependencies(JSON.parse(manifest), files.get('docs/dependencies.md') ?? '', tree))
  }
  return violations
}

const PLACES =
  /(?:^|[^\w.])\/(?:work|farm)\/|\b(?:registry\.npmjs|files\.pythonhosted|proxy\.golang|repo1\.maven)\.org/gm

/** The project names no place of the machine it was written on. */
function* checkText(path: string, text: string): Iterable<Violation> {
  for (const match of text.matchAll(PLACES)) {
    yield { rule: 'places', path, line: lineAt(text, match.index), message: `names ${match[0].trim()}` }
  }
}

const THREAD_ENTRY = 'src/runtime/worker-main.ts'
const MAIN_THREAD_ONLY = new Set(['zod', 'yaml', 'commander'])

/** What a thread that serves clients loads, it loads as often as there are threads: the libraries that read files stay outside. */
function* checkThreads(tree: ReadonlyMap<string, SourceFile>): Iterable<Violation> {
  for (const { path, imports } of loadedBy(THREAD_ENTRY, tree)) {
    for (const { specifier, line, typeOnly } of imports) {
      if (typeOnly || !MAIN_THREAD_ONLY.has(specifier)) continue
      const hint = specifier === 'zod' ? '; options of a kind are a function of it: `options: (z) => ...`' : ''
      yield { rule: 'threads', path, line, message: `${THREAD_ENTRY} must not load ${specifier}${hint}` }
    }
  }
}

/** Each dependency has its reason in docs/dependencies.md, and what runs imports nothing that only development installs. */
function* checkDependencies(
  manifest: Manifest,
  reasons: string,
  tree: ReadonlyMap<string, SourceFile>,
): Iterable<Violation> {
  const named = new Set([...reasons.matchAll(/^\| `([^`]+)`/gm)].map((match) => match[1]))
  const all = { ...manifest.dependencies, ...manifest.devDependencies, ...manifest.optionalDependencies }
  const at = { rule: 'dependencies', path: 'docs/dependencies.md', line: 1 }
  for (const name of Object.keys(all)) if (!named.has(name)) yield { ...at, message: `has no line for ${name}` }
  for (const name of named)
    if (!(name in all)) yield { ...at, message: `has a line for ${name}, which package.json does not` }
  for (const file of tree.values()) {
    if (file.isTest || !file.path.startsWith('src/')) continue
    for (const { specifier, line } of file.imports) {
      const name = /^(@[^/]+\/)?[^/]+/.exec(resolveImport(file.path, specifier))?.[0] ?? ''
      if (specifier.startsWith('.') || specifier.startsWith('node:') || name in (manifest.dependencies ?? {})) continue
      yield { rule: 'dependencies', path: file.path, line, message: `imports ${name}, which is not under dependencies` }
    }
  }
}
