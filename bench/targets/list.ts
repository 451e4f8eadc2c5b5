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
export const GROUPS: Readonly<Record<string, readonly string[]>> = {
  ours: OUR_TARGETS.map((target) => target.name),
  shotover: ['shotover0', 'shotover2'],
  peers: ['haproxy', 'twemproxy', 'envoy', 'shotover0', 'shotover2'],
}

/** The targets that a list of names and groups asks for; throws on a name that is none. `direct` is always measured. */
export function select(names: readonly string[] | null, all: readonly Target[] = TARGETS): readonly Target[] {
  if (names === null) return all
  const wanted = new Set(names.flatMap((name) => GROUPS[name] ?? [name]))
  for (const name of wanted) {
    if (name === 'direct' || all.some((target) => target.name === name)) continue
    const known = ['direct', ...all.map((target) => target.name), ...Object.keys(GROUPS)]
    throw new Error(`no target named ${name}; there are ${known.join(', ')}`)
  }
  return all.filter((target) => wanted.has(target.name))
}
