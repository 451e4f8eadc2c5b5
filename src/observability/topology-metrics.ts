import type { BuiltPool, BuiltSource } from '../config/build.ts'
import type { ChainSpec } from '../core/chain.ts'
import type { Source } from '../core/source.ts'
import { countIn } from '../core/stats.ts'
import type { TlsServer } from '../world/tls-server.ts'
import type { Collector, Registry } from './metrics.ts'

type Add = Parameters<Collector>[0]

/** From now on snapshots have what the sources, chains and pools of this thread count. */
export function collectTopology(registry: Registry, sources: readonly BuiltSource[]): void {
  registry.collect((add) => {
    for (const built of sources) {
      addSource(add, built)
      for (const pool of built.pools) addPool(add, pool)
    }
  })
}

/** From now on snapshots have what comes of the TLS handshakes of a source on this thread. */
export function collectHandshakes(registry: Registry, source: string, server: TlsServer): void {
  registry.collect((add) => {
    add('shotover_tls_handshakes_count', { source, resumed: 'false' }, server.handshakes - server.resumed)
    add('shotover_tls_handshakes_count', { source, resumed: 'true' }, server.resumed)
    add('shotover_tls_handshakes_pending', { source }, server.pending)
    for (const [reason, count] of server.failures) {
      add('shotover_tls_handshake_failures_count', { source, reason }, count)
    }
  })
}

function addSource(add: Add, { source, chains, pools }: BuiltSource): void {
  const { stats, name, sessions } = source
  const labels = { source: name }
  add('shotover_requests_count', labels, stats.requests)
  add('shotover_sessions', labels, sessions.size)
  add('shotover_downstream_read_bytes', labels, stats.bytesRead)
  add('shotover_downstream_written_bytes', labels, stats.bytesWritten)
  add('shotover_cut_throughs_count', labels, stats.cutThroughs)
  add('shotover_pauses_count', labels, stats.pauses)
  for (const [reason, count] of stats.closed) add('shotover_sessions_closed_count', { source: name, reason }, count)
  addVersions(add, source)
  for (const chain of chains) addChain(add, chain, pools)
}

/** Of sessions that have ended, and of those that are there: nothing is counted while requests pass. */
function addVersions(add: Add, { protocol, stats, sessions }: Source): void {
  const counts = new Map((protocol.versions ?? []).map((version) => [version, stats.versions.get(version) ?? 0]))
  if (counts.size === 0) return
  for (const { version } of sessions) if (version !== null) countIn(counts, version)
  for (const [version, count] of counts) add('shotover_client_protocol_version_count', { version }, count)
}

function addChain(add: Add, { name, stages, stats }: ChainSpec, pools: readonly BuiltPool[]): void {
  const labels = { chain: name }
  add('shotover_chain_total_count', labels, stats.batches)
  const losses = pools.reduce((sum, { chain, pool }) => sum + (chain === name ? pool.stats.losses : 0), 0)
  add('shotover_chain_failures_count', labels, stats.failures + losses)
  add('shotover_swallowed_count', labels, stats.swallowed)
  for (const stage of stages) {
    add('shotover_transform_total_count', { transform: stage.type }, stage.stats?.batches ?? 0)
    add('shotover_transform_failures_count', { transform: stage.type }, stage.stats?.failures ?? 0)
  }
}

function addPool(add: Add, { chain, type, pool }: BuiltPool): void {
  const { stats } = pool
  const labels = { chain, transform: type }
  for (const [kind, count] of Object.entries(pool.count())) add('shotover_upstreams', { ...labels, kind }, count)
  add('shotover_in_flight', labels, pool.inFlight)
  add('shotover_upstream_read_bytes', labels, stats.bytesRead)
  add('shotover_upstream_written_bytes', labels, stats.bytesWritten)
  add('shotover_upstream_connect_failures_count', labels, stats.connectFailures)
  add('shotover_upstream_deaths_count', labels, stats.deaths)
  add('shotover_isolations_count', labels, stats.isolations)
  add('shotover_late_replies_count', labels, stats.lateReplies)
  add('shotover_retries_count', labels, stats.retries)
  add('shotover_failed_requests_count', labels, stats.failedRequests)
  add('shotover_transform_failures_count', { transform: type }, stats.losses)
  for (const [reason, count] of stats.pins) add('shotover_pins_count', { ...labels, reason }, count)
}
