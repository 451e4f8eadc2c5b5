import { commands, container, NO_KEYS, ONE_KEY, type Call } from '../command.ts'
import { CommandError } from '../store.ts'
import { REDIS_VERSION, SERVER_VERSION } from './connection.ts'

type Section = Record<string, string | number>

function sections(call: Call): Record<string, Section> {
  const { server } = call
  const uptimeSeconds = Math.floor((server.world.clock.now() - server.sinceMs) / 1000)
  const keyspace: Section = {}
  for (const database of server.databases)
    if (database.size > 0)
      keyspace[`db${database.index}`] = `keys=${database.size},expires=${database.expiring},avg_ttl=0`
  return {
    Server: {
      redis_version: REDIS_VERSION,
      server_name: 'valkey',
      valkey_version: SERVER_VERSION,
      redis_mode: 'standalone',
      server_mode: 'standalone',
      run_id: server.runId,
      tcp_port: call.session.connection.localPort,
      uptime_in_seconds: uptimeSeconds,
    },
    Clients: {
      connected_clients: server.sessions.size,
      maxclients: server.clientsMax,
      blocked_clients: server.waiting.count,
    },
    Memory: { used_memory: 0, maxmemory: 0, maxmemory_policy: 'noeviction' },
    Persistence: { loading: 0, rdb_changes_since_last_save: 0, aof_enabled: 0 },
    Stats: {
      total_connections_received: server.connectionsAccepted,
      total_commands_processed: server.commandsExecuted,
    },
    Replication: { role: 'master', connected_slaves: 0, master_replid: server.runId, master_repl_offset: 0 },
    CPU: { used_cpu_sys: '0.000000', used_cpu_user: '0.000000' },
    Cluster: { cluster_enabled: 0 },
    Keyspace: keyspace,
  }
}

function info(call: Call): void {
  const wanted = new Set(call.texts(1).map((word) => word.toLowerCase()))
  const everything = wanted.size === 0 || ['all', 'default', 'everything'].some((word) => wanted.has(word))
  const text = Object.entries(sections(call))
    .filter(([name]) => everything || wanted.has(name.toLowerCase()))
    .map(([name, section]) => {
      const lines = Object.entries(section).map(([field, value]) => `${field}:${value}\r\n`)
      return `# ${name}\r\n${lines.join('')}`
    })
    .join('\r\n')
  call.replies.verbatim(text)
}

function time(call: Call): void {
  const wallMs = call.server.world.clock.wall()
  call.replies.bulks([String(Math.floor(wallMs / 1000)), String((wallMs % 1000) * 1000)])
}

function monitor(call: Call): void {
  call.session.monitoring = true
  call.server.monitors.add(call.session)
  call.replies.ok()
}

function role(call: Call): void {
  call.replies.array(3)
  call.replies.bulk('master')
  call.replies.integer(0)
  call.replies.array(0)
}

/** There are no replicas to wait for. */
function wait(call: Call): void {
  call.integer(1)
  call.integer(2, 'ERR timeout is not an integer or out of range')
  call.replies.integer(0)
}

function noScripts(): never {
  throw new CommandError('ERR scripts are not supported by the try-out store')
}

function memoryUsage(call: Call): void {
  if (call.db.get(call.text(2)) === null) call.replies.nil()
  else call.replies.integer(64)
}

const ADMIN = 'admin noscript loading stale'

export const administration = [
  ...commands('server', [
    ['info', -1, 'loading stale', NO_KEYS, info],
    [
      'lastsave',
      1,
      'loading stale fast',
      NO_KEYS,
      (call) => call.replies.integer(Math.floor(call.server.sinceMs / 1000)),
    ],
    ['monitor', 1, `${ADMIN} no_multi`, NO_KEYS, monitor],
    ['role', 1, 'noscript loading stale fast', NO_KEYS, role],
    ['time', 1, 'loading stale fast', NO_KEYS, time],
    ['wait', 3, 'noscript', NO_KEYS, wait],
  ]),
  ...commands('scripting', [
    ['eval', -3, 'noscript stale skip_monitor movablekeys', NO_KEYS, noScripts],
    ['eval_ro', -3, 'noscript stale skip_monitor movablekeys readonly', NO_KEYS, noScripts],
    ['evalsha', -3, 'noscript stale skip_monitor movablekeys', NO_KEYS, noScripts],
    ['evalsha_ro', -3, 'noscript stale skip_monitor movablekeys readonly', NO_KEYS, noScripts],
    ['fcall', -3, 'noscript stale skip_monitor movablekeys', NO_KEYS, noScripts],
    ['script', -2, 'noscript', NO_KEYS, noScripts],
  ]),
  container('server', 'memory', [
    ['doctor', 2, 'readonly', NO_KEYS, (call) => call.replies.verbatim('This is a store for trying out.')],
    ['usage', -3, 'readonly', [2, 2, 1], memoryUsage],
  ]),
  container('server', 'slowlog', [
    ['get', -2, ADMIN, NO_KEYS, (call) => call.replies.array(0)],
    ['len', 2, ADMIN, NO_KEYS, (call) => call.replies.integer(0)],
    ['reset', 2, ADMIN, NO_KEYS, (call) => call.replies.ok()],
  ]),
  container('server', 'latency', [
    ['latest', 2, ADMIN, NO_KEYS, (call) => call.replies.array(0)],
    ['reset', -2, ADMIN, NO_KEYS, (call) => call.replies.integer(0)],
  ]),
  ...commands('cluster', [['cluster', -2, 'loading stale', NO_KEYS, noCluster]]),
  ...commands('generic', [['sort', -2, 'write denyoom movablekeys', ONE_KEY, noSort]]),
]

function noCluster(): never {
  throw new CommandError('ERR This instance has cluster support disabled')
}

function noSort(): never {
  throw new CommandError('ERR SORT is not supported by the try-out store')
}
