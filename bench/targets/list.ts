import { envoy } from './envoy.ts'
import { haproxy } from './haproxy.ts'
import { OUR_TARGETS, originals } from './shotover.ts'
import type { Target } from './target.ts'
import { twemproxy } from './twemproxy.ts'

/** Every target before the server, in the order of the table. */
export const TARGETS: readonly Target[] = [
  ...OUR_TARGETS,
  haproxy,
  twemproxy,
  envoy,
  ...originals(process.env.SHOTOVER_BIN),
]

/** Names that stand for several targets. */
export const GROUPS: Readonly<Record<string, readonly string[]>> = {
  ours: OUR_TARGETS.map((target) => target.name),
  shotover: ['shotover0', 'shotover2'],
  peers: ['haproxy', 'twemproxy', 'envoy', 'shotover0', 'shotover2'],
}

/** The targets that a list of names and groups asks for; throws on a name that is none. `direct` is always measured. */
export function select(names: readonly string[] | null): readonly Target[] {
  if (names === null) return TARGETS
  const wanted = new Set(names.flatMap((name) => GROUPS[name] ?? [name]))
  for (const name of wanted) {
    if (name === 'direct' || TARGETS.some((target) => target.name === name)) continue
    const known = ['direct', ...TARGETS.map((target) => target.name), ...Object.keys(GROUPS)]
    throw new Error(`no target named ${name}; there are ${known.join(', ')}`)
  }
  return TARGETS.filter((target) => wanted.has(target.name))
}
