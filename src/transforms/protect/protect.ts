import { transform, type Env } from '../../core/kind.ts'
import type { Transform } from '../../core/transform.ts'
import { PreparedPlans } from './cql-prepared.ts'
import { CqlSession, type CqlProtection } from './cql-session.ts'
import { KeyRing } from './key-ring.ts'
import { openKms } from './open-kms.ts'
import { OPTIONS, type Options } from './options.ts'
import { ProtectedTables } from './protected-tables.ts'
import { Sealer } from './sealer.ts'
import { TableSchemas } from './table-schema.ts'
import { ValkeySession, type ValkeyProtection } from './valkey-session.ts'

const VALUES = 'shotover_protected_values_count'
const REFUSALS = 'shotover_protect_refusals_count'

function sealerOf(options: Options, env: Env): Sealer {
  const { world, log, metrics, name } = env
  const ring = new KeyRing({
    kms: openKms(options.key_manager, env),
    clock: world.clock,
    log,
    lifetimeMs: options.data_key_lifetime_s * 1000,
    waitMs: options.key_timeout_ms,
    searchKey: options.search_key ?? null,
  })
  env.onClose(() => ring.close())
  return new Sealer({
    ring,
    random: world.random,
    passesUnprotected: options.unprotected_values === 'pass',
    sealed: metrics.counter(VALUES, { name, operation: 'encrypt' }),
    opened: metrics.counter(VALUES, { name, operation: 'decrypt' }),
  })
}

/** Encrypts values on their way to the server, and decrypts them on their way back. */
export const protect = transform({
  type: 'Protect',
  doc: 'Encrypts the values of chosen columns of Cassandra, or of chosen keys of Valkey, on their way to the server, and decrypts them on their way back.',
  protocols: ['cassandra', 'valkey'],
  options: OPTIONS,
  example: {
    key_patterns: ['session:*'],
    key_manager: { Vault: { address: 'http://127.0.0.1:8200', key_name: 'shotover' } },
  },
  metrics: [VALUES, REFUSALS],
  create(options, env) {
    const sealer = sealerOf(options, env)
    const refusals = env.metrics.counter(REFUSALS, { name: env.name })
    const tables = new ProtectedTables(options.keyspace_table_columns ?? {}, options.searchable_columns ?? {})
    const cql: CqlProtection = {
      tables,
      sealer,
      schemas: new TableSchemas(env.world.clock),
      prepared: new PreparedPlans(),
      refused: () => refusals.add(1),
    }
    const valkey: ValkeyProtection = {
      sealer,
      patterns: (options.key_patterns ?? []).map((pattern) => Buffer.from(pattern).toString('latin1')),
      refused: () => refusals.add(1),
    }
    return ({ protocol }, previous): Transform => {
      sealer.ring.start()
      const isCassandra = protocol.name === 'cassandra'
      if (isCassandra ? tables.isEmpty : valkey.patterns.length === 0)
        throw new Error(
          isCassandra ? 'Protect names no columns of Cassandra' : 'Protect has no key_patterns for Valkey',
        )
      return isCassandra ? new CqlSession(cql, keyspaceOf(previous)) : new ValkeySession(valkey)
    }
  },
})

/** Of a session that was there before this transform nobody knows which keyspace it has chosen. */
function keyspaceOf(previous: Transform | null): string | null | undefined {
  if (previous === null) return null
  return previous instanceof CqlSession ? previous.keyspace : undefined
}
