import type { Command } from '../command.ts'
import { administration } from './administration.ts'
import { bits } from './bits.ts'
import { blocking } from './blocking.ts'
import { client } from './client.ts'
import { connection } from './connection.ts'
import { expiry } from './expiry.ts'
import { hashes } from './hashes.ts'
import { introspection } from './introspection.ts'
import { keyspace } from './keys.ts'
import { lists } from './lists.ts'
import { pubsub } from './pubsub.ts'
import { sets } from './sets.ts'
import { streams } from './streams.ts'
import { strings } from './strings.ts'
import { transactions } from './transactions.ts'
import { zsets } from './zsets.ts'

const ALL: readonly Command[] = [
  ...administration,
  ...bits,
  ...blocking,
  client,
  ...connection,
  ...expiry,
  ...hashes,
  ...introspection,
  ...keyspace,
  ...lists,
  ...pubsub,
  ...sets,
  ...streams,
  ...strings,
  ...transactions,
  ...zsets,
]

/** Every command of the model, by its lower case name. */
export const COMMANDS: ReadonlyMap<string, Command> = new Map(ALL.map((command) => [command.name, command]))
