import type { z } from 'zod'
import type { Zod } from '../../core/kind.ts'
import { sinkTls } from '../../core/tls.ts'
import { parseKey } from './local-kms.ts'

const text = (z: Zod, about: string) => z.string().min(1).describe(about)

function isKey(written: string): boolean {
  try {
    return parseKey(written).length > 0
  } catch {
    // Why is not told: it would tell of the key.
    return false
  }
}

const columnsByTable = (z: Zod) => z.record(z.string().min(1), z.record(z.string().min(1), z.array(z.string().min(1))))

const local = (z: Zod) =>
  z
    .strictObject({
      kek: z
        .string()
        .refine(isKey, 'a key is 32 bytes, written as Base64')
        .describe('The key-encryption key: 32 bytes as Base64. Who reads the topology reads it.')
        .optional(),
      kek_id: z.string().describe('Name of `kek`, which each value carries.').optional(),
      path: text(
        z,
        'A file of key-encryption keys, a line `name key` for each, the key as Base64. The first one is used for new data keys, all for those that exist.',
      ).optional(),
    })
    .refine(({ kek, kek_id, path }) => (path === undefined) === (kek !== undefined && kek_id !== undefined), {
      message: 'Local needs either path, or kek and kek_id',
    })
    .describe('Key-encryption keys that the proxy has itself.')

/** What most systems keep the certificates of public authorities in. */
const PUBLIC_AUTHORITIES = process.env.SSL_CERT_FILE ?? '/etc/ssl/certs/ca-certificates.crt'

const awsKms = (z: Zod) =>
  z
    .strictObject({
      region: text(z, 'Region of AWS, `us-east-1`.'),
      cmk_id: text(z, 'Id, ARN or alias of the key that wraps new data keys.'),
      encryption_context: z
        .record(z.string(), z.string())
        .describe('What data keys are bound to besides, and what AWS logs with each use of the key.')
        .optional(),
      key_spec: z.enum(['AES_256']).describe('Of data keys.').optional(),
      number_of_bytes: z.literal(32).describe('Of data keys, instead of `key_spec`.').optional(),
      grant_tokens: z.array(z.string()).describe('Tokens of grants that are not yet known everywhere.').optional(),
      endpoint: z
        .url({ protocol: /^https?$/ })
        .describe('Where AWS KMS is, if not at the address that AWS gives it.')
        .optional(),
      tls: sinkTls(z).optional(),
    })
    .refine(({ key_spec, number_of_bytes }) => key_spec === undefined || number_of_bytes === undefined, {
      message: 'AWSKms takes one of key_spec and number_of_bytes',
    })
    .transform((options) =>
      options.tls !== undefined || options.endpoint?.startsWith('http:')
        ? options
        : { ...options, tls: { certificate_authority_path: PUBLIC_AUTHORITIES, verify_hostname: true } },
    )
    .describe('AWS KMS. Credentials are those of the environment, as for other tools of AWS.')

const vault = (z: Zod) =>
  z
    .strictObject({
      address: z.url({ protocol: /^https?$/ }).describe('Where Vault is, `https://vault.internal:8200`.'),
      key_name: text(z, 'Name of the key of the transit engine that wraps data keys.'),
      mount: z.string().min(1).default('transit').describe('Where the transit engine is mounted.'),
      namespace: text(z, 'The namespace, of Vault Enterprise.').optional(),
      token_path: text(
        z,
        'A file that holds the token, read whenever one is needed. Absent: the environment variable VAULT_TOKEN.',
      ).optional(),
      tls: sinkTls(z).optional(),
    })
    .refine(({ address, tls }) => !address.startsWith('https:') || tls !== undefined, {
      message: 'Vault needs tls for an address of https',
    })
    .describe('The transit engine of HashiCorp Vault.')

export const OPTIONS = (z: Zod) =>
  z
    .strictObject({
      keyspace_table_columns: columnsByTable(z)
        .describe(
          'Of Cassandra: columns whose values are encrypted, by keyspace and table. Types blob, text and ascii.',
        )
        .optional(),
      searchable_columns: columnsByTable(z)
        .describe(
          'The same, of columns that statements may ask for with `=` and `IN`: the same value is always encrypted to the same bytes, which shows who can read the table what is equal.',
        )
        .optional(),
      search_key: text(
        z,
        'The data key of searchable columns: the name of a key of Local, or a data key as AWS KMS (Base64) or Vault (`vault:v1:...`) has wrapped it.',
      ).optional(),
      key_patterns: z
        .array(z.string().min(1))
        .describe('Of Valkey: patterns, as of KEYS, of the keys whose values are encrypted.')
        .optional(),
      key_manager: z
        .strictObject({
          Local: local(z).optional(),
          AWSKms: awsKms(z).optional(),
          Vault: vault(z).optional(),
        })
        .refine((managers) => Object.values(managers).filter((each) => each !== undefined).length === 1, {
          message: 'key_manager needs exactly one of Local, AWSKms and Vault',
        })
        .describe('Who keeps the keys that data keys are wrapped by.'),
      unprotected_values: z
        .enum(['refuse', 'pass'])
        .default('refuse')
        .describe('What becomes of values that are found in the clear: an error, or they are passed on, while older rows are being encrypted.'), // prettier-ignore
      data_key_lifetime_s: z
        .int()
        .min(1)
        .default(86_400)
        .describe('Seconds after which new values get another data key.'),
      key_timeout_ms: z
        .int()
        .min(1)
        .max(20_000)
        .default(5000)
        .describe('Milliseconds that a request or a reply waits for a key; then it is answered with an error.'),
    })
    .refine(
      ({ keyspace_table_columns, searchable_columns, key_patterns }) =>
        keyspace_table_columns !== undefined || searchable_columns !== undefined || key_patterns !== undefined,
      { message: 'Protect needs keyspace_table_columns, searchable_columns or key_patterns' },
    ) // prettier-ignore
    .refine(({ searchable_columns, search_key }) => (searchable_columns === undefined) === (search_key === undefined), {
      message: 'searchable_columns and search_key need each other',
    })

export type Options = z.infer<ReturnType<typeof OPTIONS>>
