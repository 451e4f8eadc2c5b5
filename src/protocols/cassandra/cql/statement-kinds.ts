import type { QueryType } from '../../../core/protocol.ts'

/** Names of statements, as metrics have them; the place of each is its code. */
export const STATEMENT_NAMES = [
  'UNRECOGNIZED CQL',
  'SELECT',
  'INSERT',
  'UPDATE',
  'DELETE',
  'TRUNCATE',
  'USE',
  'BATCH',
  'GRANT',
  'REVOKE',
  'LIST PERMISSIONS',
  'LIST ROLES',
  'LIST USERS',
  'LIST SUPERUSERS',
  'DESCRIBE',
  'CREATE KEYSPACE',
  'CREATE TABLE',
  'CREATE INDEX',
  'CREATE MATERIALIZED VIEW',
  'CREATE TYPE',
  'CREATE FUNCTION',
  'CREATE AGGREGATE',
  'CREATE TRIGGER',
  'CREATE ROLE',
  'CREATE USER',
  'ALTER KEYSPACE',
  'ALTER TABLE',
  'ALTER MATERIALIZED VIEW',
  'ALTER TYPE',
  'ALTER ROLE',
  'ALTER USER',
  'DROP KEYSPACE',
  'DROP TABLE',
  'DROP INDEX',
  'DROP MATERIALIZED VIEW',
  'DROP TYPE',
  'DROP FUNCTION',
  'DROP AGGREGATE',
  'DROP TRIGGER',
  'DROP ROLE',
  'DROP USER',
  'ADD IDENTITY',
  'DROP IDENTITY',
] as const

export type StatementName = (typeof STATEMENT_NAMES)[number]

const codes = new Map<string, number>(STATEMENT_NAMES.map((name, code) => [name, code]))

/** The code of a name; 0 where there is no such statement. */
export function statementCode(name: string): number {
  return codes.get(name) ?? 0
}

export const UNRECOGNIZED = 0
export const SELECT = statementCode('SELECT')
export const INSERT = statementCode('INSERT')
export const UPDATE = statementCode('UPDATE')
export const DELETE = statementCode('DELETE')
export const TRUNCATE = statementCode('TRUNCATE')
export const USE = statementCode('USE')
export const BATCH_TEXT = statementCode('BATCH')

function typeOf(name: string): QueryType {
  if (/^(INSERT|UPDATE|DELETE|TRUNCATE|BATCH)$/.test(name)) return 'Write'
  // Shotover takes what it can't parse for a read.
  return /^(SELECT|LIST .*|DESCRIBE|UNRECOGNIZED CQL)$/.test(name) ? 'Read' : 'SchemaChange'
}

/** What QueryTypeFilter calls a statement, by its code. */
export const STATEMENT_TYPES: readonly QueryType[] = STATEMENT_NAMES.map(typeOf)
