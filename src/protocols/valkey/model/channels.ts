import { globMatches } from '../glob.ts'
import type { Session } from './session.ts'

type Kind = 'channels' | 'patterns' | 'shardChannels'

/** Who listens to which channel. */
export class Channels {
  readonly channels = new Map<string, Set<Session>>()
  readonly patterns = new Map<string, Set<Session>>()
  readonly shardChannels = new Map<string, Set<Session>>()

  add(kind: Kind, name: string, session: Session): void {
    session[kind].add(name)
    const listeners = this[kind].get(name)
    if (listeners === undefined) this[kind].set(name, new Set([session]))
    else listeners.add(session)
  }

  remove(kind: Kind, name: string, session: Session): void {
    session[kind].delete(name)
    const listeners = this[kind].get(name)
    listeners?.delete(session)
    if (listeners?.size === 0) this[kind].delete(name)
  }

  removeAll(session: Session): void {
    for (const kind of ['channels', 'patterns', 'shardChannels'] as const)
      for (const name of [...session[kind]]) this.remove(kind, name, session)
  }

  /** Sends to all who listen to `channel` or to a pattern that matches it; how many. */
  publish(channel: string, message: Buffer): number {
    let count = 0
    for (const session of this.channels.get(channel) ?? []) {
      deliver(session, ['message', channel, message])
      count++
    }
    for (const [pattern, listeners] of this.patterns) {
      if (!globMatches(pattern, channel)) continue
      for (const session of listeners) {
        deliver(session, ['pmessage', pattern, channel, message])
        count++
      }
    }
    return count
  }

  publishShard(channel: string, message: Buffer): number {
    const listeners = this.shardChannels.get(channel) ?? new Set<Session>()
    for (const session of listeners) deliver(session, ['smessage', channel, message])
    return listeners.size
  }
}

function deliver(session: Session, parts: readonly (string | Buffer)[]): void {
  session.push(parts.length, () => {
    for (const part of parts) session.replies.bulk(part)
  })
}
