import type { Frame } from '../../core/frame.ts'
import type { QueryFacet, QueryType } from '../../core/protocol.ts'
import { argumentsOf } from './body.ts'
import { COMMAND_COUNT, codeOf, commandClass, CLASS_STATELESS, commandWord, isReadOnly } from './commands.ts'
import { keyIndices } from './keys.ts'
import { login } from './login.ts'
import { renameKeys } from './rename-keys.ts'

/** What Shotover's QueryTypeFilter calls Read, APPEND included; all else is Write. */
const READ =
  'append bitcount strlen get getrange mget lrange lindex llen scard sismember smembers sunion sinter zcard zcount zrange ' +
  'zrank zscore zrangebyscore hget hgetall hexists hkeys hlen hstrlen hvals pfcount'

const isRead = new Uint8Array(COMMAND_COUNT)
for (const name of READ.split(' ')) isRead[codeOf(name)] = 1

/** Commands that touch no keys, so that their flags do not say that they only read. */
const READ_NO_KEYS =
  'ping echo time info lastsave role lolwut command command|count command|docs command|info command|list config|get ' +
  'client|list client|info client|getname client|id acl|whoami acl|list acl|users acl|cat slowlog|len latency|latest ' +
  'cluster|info cluster|slots cluster|shards cluster|nodes cluster|myid cluster|keyslot pubsub|channels pubsub|numsub pubsub|numpat'

const isRepeatable = new Uint8Array(COMMAND_COUNT)
for (let code = 1; code < COMMAND_COUNT; code++)
  if (isReadOnly[code] === 1 && commandClass[code] === CLASS_STATELESS) isRepeatable[code] = 1
for (const name of READ_NO_KEYS.split(' ')) isRepeatable[codeOf(name)] = 1
isRepeatable[0] = 0

const groupStep = new Int8Array(COMMAND_COUNT)
groupStep[codeOf('multi')] = 1
for (const name of ['exec', 'discard', 'reset']) groupStep[codeOf(name)] = -1

/** The first word of a request by its command's code, in upper case; `unknown` for one that the table does not have. */
export function nameOf(code: number): string {
  return commandWord[code]
}

function typeOf(code: number): QueryType {
  return isRead[code] === 1 ? 'Read' : 'Write'
}

export const queries: QueryFacet = {
  codes: { count: COMMAND_COUNT, name: nameOf, type: typeOf },
  metricType: 'valkey',
  name(frame: Frame): string {
    return commandWord[frame.code]
  },
  names(frame: Frame, into: string[]): number {
    into.push(commandWord[frame.code])
    return 1
  },
  type(frame: Frame): QueryType {
    return typeOf(frame.code)
  },
  keys(frame: Frame): string[] {
    const args = argumentsOf(frame)
    return keyIndices(frame.code, args).map((index) => args[index].toString('latin1'))
  },
  renameKeys,
  cost(): number {
    return 1
  },
  idempotent(frame: Frame): boolean {
    return isRepeatable[frame.code] === 1
  },
  group(frame: Frame): number {
    return groupStep[frame.code]
  },
  login,
}
