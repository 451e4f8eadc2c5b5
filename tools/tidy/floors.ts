import { posix } from 'node:path'
import type { SourceFile } from './source-file.ts'

/** First and last floor that requests pass through. */
export const FLOOR_DATA_PATH = [2, 4] as const

/** The floors of the house, the first match counts. ARCHITECTURE.md says what each is for. */
const FLOORS: readonly (readonly [RegExp, number])[] = [
  [/^src\/(main\.ts$|cli\/)/, 7],
  [/^src\/(control|runtime|observability|sim)\//, 6],
  [/^src\/config\//, 5],
  [/^src\/(api(\.ts$|\/)|transforms\/)/, 4],
  [/^src\/protocols\/[^/]+\/((source|sink)(-[a-z-]+)?\.ts$|model\/)/, 4],
  [/^src\/protocols\/[^/]+\//, 3],
  [/^src\/core\//, 2],
  [/^src\/world\//, 1],
  [/^src\/base\//, 0],
]

/** The floor a file stands on; null outside src/ and where the table knows no place for it. */
export function floorOf(file: SourceFile): number | null {
  const floor = FLOORS.find(([pattern]) => pattern.test(file.path))?.[1] ?? null
  // A transform that reads its protocol's bodies stands in the protocol's folder.
  return floor === 3 && /\btransform\(\{|: TransformKind\b/.test(file.code) ? 4 : floor
}

/** The protocol whose folder a path lies in, or null. */
export function protocolOf(path: string): string | null {
  return /^src\/protocols\/([^/]+)\//.exec(path)?.[1] ?? null
}

/** Path in the project of what an import names; packages keep their specifier. */
export function resolveImport(from: string, specifier: string): string {
  return specifier.startsWith('.') ? posix.join(posix.dirname(from), specifier) : specifier
}

/** Every file that `entry` loads, itself included; imports at run time are as good as others. */
export function loadedBy(entry: string, tree: ReadonlyMap<string, SourceFile>): SourceFile[] {
  const found = new Set<SourceFile>()
  const visit = (path: string) => {
    const file = tree.get(path)
    if (file === undefined || found.has(file)) return
    found.add(file)
    for (const { specifier, typeOnly } of file.imports) if (!typeOnly) visit(resolveImport(path, specifier))
  }
  visit(entry)
  return [...found]
}

/** Each circle of imports that run time sees, once, as the paths along it. */
export function valueCycles(tree: ReadonlyMap<string, SourceFile>): string[][] {
  const cycles: string[][] = []
  const done = new Set<string>()
  const path: string[] = []
  const visit = (at: string) => {
    const start = path.indexOf(at)
    if (start !== -1) cycles.push([...path.slice(start), at])
    if (start !== -1 || done.has(at)) return
    path.push(at)
    for (const found of tree.get(at)?.imports ?? []) {
      const target = resolveImport(at, found.specifier)
      if (!found.typeOnly && tree.has(target)) visit(target)
    }
    path.pop()
    done.add(at)
  }
  for (const at of tree.keys()) visit(at)
  return cycles
}
