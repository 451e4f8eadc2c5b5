import type { Control } from '../core/kind.ts'
import { sharedKey } from './build.ts'
import type { CheckedTopology, CheckedTransform } from './checked.ts'
import { KINDS, type KindList } from './kinds.ts'
import { importKind } from './user-kinds.ts'

/** What operators may do with the transforms of a topology, at every depth; `shared` gives the memory that threads share. */
export async function controlsOf(
  topology: CheckedTopology,
  shared: (key: string, bytes: number) => SharedArrayBuffer,
  kinds: KindList = KINDS,
): Promise<Control[]> {
  const controls: Control[] = []
  const walk = async (name: string, chain: readonly CheckedTransform[]) => {
    for (const transform of chain) {
      const { type, module, options, chains } = transform
      const kind = module === undefined ? await kinds.transforms[type]() : await importKind(module)
      if (kind.control !== undefined) {
        const memory = shared(sharedKey(name, kind.type, transform.name), kind.sharedBytes?.(options) ?? 0)
        const control = kind.control(options, memory)
        if (control !== null) controls.push(control)
      }
      for (const within of Object.values(chains ?? {})) await walk(within.names[0] ?? name, within.chain)
    }
  }
  for (const { name, chain } of topology.sources) await walk(name, chain)
  return controls
}
