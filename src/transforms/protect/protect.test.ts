import assert from 'node:assert/strict'
import { test } from 'node:test'
import { z } from 'zod'
import { query } from '../../../test/cassandra.ts'
import { play } from '../../../test/kit.ts'
import { schemaOf } from '../../config/options.ts'
import type { TransformKind } from '../../core/kind.ts'
import type { Protocol } from '../../core/protocol.ts'
import { cassandra } from '../../protocols/cassandra/index.ts'
import { protect } from './protect.ts'

const KEK = 'Ht8M1nDO/7fay+cft71M2Xy7j30EnLAsA84hSUMCm1k='
const LOCAL = { Local: { kek: KEK, kek_id: '' } }
const COLUMNS = { ks: { t: ['s'] } }
const AWS = { region: 'us-east-1', cmk_id: 'alias/a' }
const VAULT = { address: 'http://127.0.0.1:8200', key_name: 'a' }

/** Options, and what is wrong with them; null: nothing. */
const OPTIONS: readonly [options: Record<string, unknown>, refused: RegExp | null][] = [
  [{ keyspace_table_columns: COLUMNS, key_manager: LOCAL }, null],
  [{ key_patterns: ['a*'], key_manager: { Local: { path: 'keys' } } }, null],
  [{ searchable_columns: COLUMNS, search_key: 'a', key_manager: { Vault: VAULT } }, null],
  [{ key_patterns: ['a*'], key_manager: { AWSKms: AWS } }, null],
  [{ key_patterns: ['a*'], key_manager: { AWSKms: { ...AWS, key_spec: 'AES_256' } } }, null],
  [{ key_manager: LOCAL }, /needs keyspace_table_columns, searchable_columns or key_patterns/],
  [{ searchable_columns: COLUMNS, key_manager: LOCAL }, /searchable_columns and search_key need each other/],
  [{ keyspace_table_columns: COLUMNS, search_key: 'a', key_manager: LOCAL }, /need each other/],
  [{ key_patterns: ['a*'], key_manager: {} }, /exactly one of Local, AWSKms and Vault/],
  [{ key_patterns: ['a*'], key_manager: { ...LOCAL, Vault: VAULT } }, /exactly one/],
  [{ key_patterns: ['a*'], key_manager: { Local: {} } }, /either path, or kek and kek_id/],
  [{ key_patterns: ['a*'], key_manager: { Local: { kek: KEK } } }, /either path, or kek and kek_id/],
  [{ key_patterns: ['a*'], key_manager: { Local: { kek: KEK, kek_id: '', path: 'a' } } }, /either path/],
  [
    { key_patterns: ['a*'], key_manager: { Local: { kek: 'hush', kek_id: '' } } },
    /a key is 32 bytes, written as Base64/,
  ],
  [{ key_patterns: ['a*'], key_manager: { AWSKms: { ...AWS, key_spec: 'AES_128' } } }, /AES_256/],
  [{ key_patterns: ['a*'], key_manager: { AWSKms: { ...AWS, number_of_bytes: 16 } } }, /32/],
  [{ key_patterns: ['a*'], key_manager: { AWSKms: { ...AWS, key_spec: 'AES_256', number_of_bytes: 32 } } }, /one of key_spec and number_of_bytes/], // prettier-ignore
  [
    { key_patterns: ['a*'], key_manager: { Vault: { ...VAULT, address: 'https://vault' } } },
    /tls for an address of https/,
  ],
  [{ key_patterns: ['a*'], key_manager: { Vault: { ...VAULT, address: 'ftp://vault' } } }, /address/],
]
for (const [options, refused] of OPTIONS)
  test(`${JSON.stringify(options).replace(KEK, 'KEK')} is ${refused === null ? 'taken' : 'refused'}`, () => {
    const { error } = schemaOf(protect.options).safeParse(options)
    if (refused === null) assert.equal(error, undefined)
    else {
      const text = z.prettifyError(error!)
      assert.match(text, refused)
      assert.ok(!text.includes(KEK) && !text.includes('hush'))
    }
  })

test('AWS KMS itself is spoken to in TLS, an endpoint in the clear is not', () => {
  const tlsOf = (aws: Record<string, unknown>) => schemaOf(protect.options).parse({ key_patterns: ['a'], key_manager: { AWSKms: { ...AWS, ...aws } } }).key_manager.AWSKms!.tls // prettier-ignore
  assert.equal(tlsOf({})!.verify_hostname, true)
  assert.equal(tlsOf({ endpoint: 'https://kms.internal' })!.verify_hostname, true)
  assert.equal(tlsOf({ endpoint: 'http://127.0.0.1:5000' }), undefined)
})

test('where it has nothing to protect of a protocol, clients of that are not served', async () => {
  const columnsForValkey = play(protect as TransformKind, { keyspace_table_columns: COLUMNS, key_manager: LOCAL })
  await columnsForValkey.send(['SET', 'a', 'hush'])
  const keysForCassandra = play(protect as TransformKind, { key_patterns: ['*'], key_manager: LOCAL }, { protocol: cassandra as Protocol }) // prettier-ignore
  await keysForCassandra.send(query(4, "INSERT INTO ks.t (k, s) VALUES (1, 'hush')").toBuffer())
  for (const [one, why] of [
    [columnsForValkey, /Protect has no key_patterns for Valkey/],
    [keysForCassandra, /Protect names no columns of Cassandra/],
  ] as const) {
    assert.deepEqual(one.takeForwarded(), [])
    assert.match(one.logged.join('\n'), why)
    assert.ok(!one.logged.join('\n').includes('hush'))
  }
})
