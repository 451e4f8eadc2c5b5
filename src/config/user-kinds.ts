import { existsSync } from 'node:fs'
import { isAbsolute, join } from 'node:path'
import type { TransformKind } from '../core/kind.ts'
import { importModule, resolveFrom, withoutVersions } from './user-modules.ts'

/** A transform of the user's own, and the file that it was read from. */
export interface UserKind {
  readonly kind: TransformKind
  /** Absolute path. */
  readonly module: string
  /** Of the module: 0, or how often it has been read anew. */
  readonly version: number
}

/** How often each module has been read anew, by its absolute path; absent: never. */
export type Versions = ReadonlyMap<string, number>

/** No module of that name is to be found: the key may be a misspelt kind of the list. */
export class PackageNotFound extends Error {}

/** Is the key of a chain's entry a file or an npm package rather than a kind of the list? */
export function isUserKind(key: string): boolean {
  return isFile(key) || /^(@[a-z0-9][\w.-]*\/)?[a-z0-9][a-z0-9._-]*(\/[\w./-]+)?$/.test(key)
}

function isFile(key: string): boolean {
  return /^\.{0,2}\//.test(key) || isAbsolute(key)
}

/**
 * Imports the module that `key` names, `./file.ts` or a package, as seen from `directory`, and returns its default export.
 * Throws an Error that names the file and the reason.
 */
export async function loadUserKind(key: string, directory: string, versions: Versions = new Map()): Promise<UserKind> {
  const module = isFile(key) ? join(isAbsolute(key) ? '/' : directory, key) : resolvePackage(key, directory)
  const version = versions.get(module) ?? 0
  return { kind: await importKind(module, version), module, version }
}

/** Imports the transform in a file; a new version of it under a new number. Throws an Error that names the file and the reason. */
export async function importKind(module: string, version = 0): Promise<TransformKind> {
  if (!existsSync(module))
    throw new Error(`Couldn't open the transform ${module}: No such file or directory (os error 2)`)
  let exports: { default?: unknown }
  try {
    exports = await importModule(module, version)
  } catch (error) {
    throw new Error(`Couldn't import the transform ${module}: ${reasonOf(error)}`, { cause: error })
  }
  const missing = missingFrom(exports.default)
  if (missing !== null) throw new Error(`${module} is no transform: ${missing}`)
  return exports.default as TransformKind
}

function missingFrom(kind: unknown): string | null {
  if (kind === undefined) return 'it has no default export'
  const fields = kind as Partial<TransformKind> | null
  if (typeof fields !== 'object' || fields === null) return 'its default export is not what `transform({...})` returns'
  if (typeof fields.type !== 'string') return 'its default export has no `type`'
  if (typeof fields.create !== 'function') return 'its default export has no function `create`'
  const { options } = fields
  if (typeof options !== 'function' && typeof options?.safeParse !== 'function')
    return 'its default export has no `options`: neither a zod schema nor a function of zod that makes one'
  return null
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  // Errors of syntax carry the place only in their stack, on its first line.
  const stack = withoutVersions(error.stack ?? '')
  const place = error instanceof SyntaxError ? /^(file:\/\/\S+?:\d+|\/\S+?:\d+)$/m.exec(stack) : null
  const where = place === null ? '' : ` (${place[1].startsWith('file:') ? place[1].slice('file://'.length) : place[1]})`
  return `${withoutVersions(error.message.split('\n')[0])}${where}`
}

function resolvePackage(name: string, directory: string): string {
  try {
    return resolveFrom(directory, name)
  } catch (error) {
    throw new PackageNotFound(`there is no npm package \`${name}\` to be found from ${directory}`, { cause: error })
  }
}
