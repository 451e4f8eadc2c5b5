import { envoy, envoyRelay, envoyWith } from './envoy.ts'
import { haproxy, haproxyWith } from './haproxy.ts'
import { OUR_CASSANDRA_TARGETS, OUR_TARGETS, OUR_TLS_TARGETS, cassandraOriginals, originals } from './shotover.ts'
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

/** Every target of a run in TLS. */
export const TLS_TARGETS: readonly Target[] = [
  ...OUR_TLS_TARGETS,
  haproxyWith('haproxy-tls', 'HAProxy, TLS from the client', 'client'),
  haproxyWith('haproxy-tls-both', 'HAProxy, TLS on both sides', 'both'),
  envoyWith('envoy-tls', 'Envoy, TLS from the client', 'client'),
  envoyWith('envoy-tls-both', 'Envoy, TLS on both sides', 'both'),
  ...originals(process.env.SHOTOVER_BIN, true),
]

/** Every target of a run before Cassandra. */
export const CASSANDRA_TARGETS: readonly Target[] = [
  ...OUR_CASSANDRA_TARGETS,
  haproxy,
  envoyRelay,
  ...cassandraOriginals(process.env.SHOTOVER_BIN),
]

/** Names that stand for several targets. */
const GROUPS: Readonly<Record<string, (target: Target) => boolean>> = {
  ours: ({ ours }) => ours,
  shotover: ({ name }) => name.startsWith('shotover'),
  peers: ({ ours }) => !ours,
}

/** The targets that a list of names and groups asks for; throws on a name that is none. `direct` is always measured. */
export function select(names: readonly string[] | null, all: readonly Target[] = TARGETS): readonly Target[] {
  if (names === null) return all
  const wanted = new Set<string>()
  for (const name of names) {
    const group = GROUPS[name]
    const found = all.filter((target) => group?.(target) ?? target.name === name)
    if (found.length === 0 && name !== 'direct') {
      const known = ['direct', ...all.map((target) => target.name), ...Object.keys(GROUPS)]
      throw new Error(`no target named ${name}; there are ${known.join(', ')}`)
    }
    for (const target of found) wanted.add(target.name)
  }
  return all.filter((target) => wanted.has(target.name))
}
