import { registerHooks } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const PACKAGE_FROM = 'shotover-package:'
const VERSION = /\?version=(\d+)$/
let hooked = false
/** Files that modules of users consist of, and which files each of them imports. */
const imports = new Map<string, Set<string>>()

/**
 * From here on a user's module may import `shotover`, what stands below it such as `shotover/kit`, and `zod`, without installing
 * them where it lies: what it can't find there, it gets from us.
 */
export function offerOwnPackages(): void {
  if (hooked) return
  hooked = true
  registerHooks({
    resolve(specifier, context, next) {
      if (specifier.startsWith(PACKAGE_FROM)) {
        const [directory, name] = JSON.parse(decodeURIComponent(specifier.slice(PACKAGE_FROM.length))) as string[]
        return next(name, { ...context, parentURL: pathToFileURL(join(directory, 'package.json')).href })
      }
      if (/^\.{0,2}\//.test(specifier)) {
        const found = next(specifier, context)
        return { ...found, url: follow(found.url, context.parentURL) }
      }
      if (!/^(zod|shotover)(\/|$)/.test(specifier)) return next(specifier, context)
      try {
        return next(specifier, context)
      } catch {
        // A package may import itself by its name: `exports` in package.json says what is there.
        return next(specifier, { ...context, parentURL: import.meta.url })
      }
    },
  })
}

/** What a user's file imports by its path is the user's too, and of the same version. */
function follow(url: string, parentUrl: string | undefined): string {
  const parent = parentUrl?.startsWith('file:') ? fileURLToPath(parentUrl) : ''
  const imported = imports.get(parent)
  if (imported === undefined || !url.startsWith('file:')) return url
  const file = fileURLToPath(url)
  imported.add(file)
  if (!imports.has(file)) imports.set(file, new Set())
  return `${pathToFileURL(file).href}${VERSION.exec(parentUrl!)?.[0] ?? ''}`
}

/** File of the module that `name` is to a module in `directory`. Throws where there is none. */
export function resolveFrom(directory: string, name: string): string {
  offerOwnPackages()
  return fileURLToPath(import.meta.resolve(`${PACKAGE_FROM}${encodeURIComponent(JSON.stringify([directory, name]))}`))
}

/**
 * Imports a user's file. Node never forgets a module: another version of the file, or of what it imports, is read only under another
 * number, and stays in memory as long as the thread (about 15 KB of heap, for a transform of some 40 lines). 0 is the first.
 */
export async function importModule(file: string, version: number): Promise<Record<string, unknown>> {
  offerOwnPackages()
  if (!imports.has(file)) imports.set(file, new Set())
  const query = version === 0 ? '' : `?version=${version}`
  return (await import(`${pathToFileURL(file).href}${query}`)) as Record<string, unknown>
}

/** The file and those that it has ever imported by their paths, on this thread. */
export function filesOf(file: string): string[] {
  const files = new Set([file])
  for (const one of files) for (const imported of imports.get(one) ?? []) files.add(imported)
  return [...files]
}

/** A text in which files may stand with the numbers of their versions, without those. */
export function withoutVersions(text: string): string {
  return text.replaceAll(/\?version=\d+/g, '')
}
