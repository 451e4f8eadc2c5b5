import type { Frame } from '../../core/frame.ts'
import type { QueryFacet, QueryType } from '../../core/protocol.ts'
import { argumentsOf } from './body.ts'
import { COMMAND_COUNT, codeOf, commandClass, CLASS_BLOCKING, commandWord, isReadOnly } from './commands.ts'
import { keyIndices } from './keys.ts'

/** What Shotover's QueryTypeFilter calls Read, APPEND included; all else is Write. */
const READ =
  'append bitcount strlen get getrange mget lrange lindex llen scard sismember smembers sunion sinter zcard zcount zrange ' +
  'zrank zscore zrangebyscore hget hgetall hexists hkeys hlen hstrlen hvals pfcount'

const isRead = new Uint8Array(COMMAND_COUNT)
for (const name of READ.split(' ')) isRead[codeOf(name)] = 1

/** The first word of a request by its command's code, in upper case; `unknown` for one that the table does not have. */
export function nameOf(code: number): string {
  return commandWord[code]
}

export const queries: QueryFacet = {
  metricType: 'valkey',
  names(frame: Frame, into: string[]): number {
    into.push(commandWord[frame.code])
    return 1
  },
  type(frame: Frame): QueryType {
    return isRead[frame.code] === 1 ? 'Read' : 'Write'
  },
  keys(frame: Frame): string[] {
    const args = argumentsOf(frame)
    return keyIndices(frame.code, args).map((index) => args[index].toString('latin1'))
  },
  cost(): number {
    return 1
  },
  idempotent(frame: Frame): boolean {
    return isReadOnly[frame.code] === 1 && commandClass[frame.code] !== CLASS_BLOCKING
  },
}
