import { registerHooks } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const PACKAGE_FROM = 'shotover-package:'
let hooked = false

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

/** File of the module that `name` is to a module in `directory`. Throws where there is none. */
export function resolveFrom(directory: string, name: string): string {
  offerOwnPackages()
  return fileURLToPath(import.meta.resolve(`${PACKAGE_FROM}${encodeURIComponent(JSON.stringify([directory, name]))}`))
}
