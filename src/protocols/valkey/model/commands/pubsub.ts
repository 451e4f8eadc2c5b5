import { ALL_KEYS, commands, container, NO_KEYS, ONE_KEY, type Call } from '../command.ts'
import { globMatches } from '../../glob.ts'

type Kind = 'channels' | 'patterns' | 'shardChannels'

/** Confirms one change: a push, whatever the client said of replies. */
function confirm(call: Call, kind: Kind, word: string, name: string | null): void {
  const { session, replies } = call
  const count = kind === 'shardChannels' ? session.shardChannels.size : session.channels.size + session.patterns.size
  replies.push(3, () => {
    replies.bulk(word)
    replies.bulkOrNil(name)
    replies.integer(count)
  })
}

function subscribe(kind: Kind) {
  return (call: Call): void => {
    for (const name of call.texts(1)) {
      call.server.channels.add(kind, name, call.session)
      confirm(call, kind, call.command.name, name)
    }
  }
}

function unsubscribe(kind: Kind) {
  return (call: Call): void => {
    const names = call.count > 1 ? call.texts(1) : [...call.session[kind]]
    for (const name of names) {
      call.server.channels.remove(kind, name, call.session)
      confirm(call, kind, call.command.name, name)
    }
    if (names.length === 0) confirm(call, kind, call.command.name, null)
  }
}

function names(kind: 'channels' | 'shardChannels') {
  return (call: Call): void => {
    if (call.count > 3) call.wrongArity()
    const all = [...call.server.channels[kind].keys()]
    call.replies.bulks(call.count === 2 ? all : all.filter((name) => globMatches(call.text(2), name)))
  }
}

function counts(kind: 'channels' | 'shardChannels') {
  return (call: Call): void => {
    call.replies.array(2 * (call.count - 2))
    for (const name of call.texts(2)) {
      call.replies.bulk(name)
      call.replies.integer(call.server.channels[kind].get(name)?.size ?? 0)
    }
  }
}

const FLAGS = 'pubsub noscript loading stale'

export const pubsub = [
  ...commands('pubsub', [
    ['psubscribe', -2, FLAGS, NO_KEYS, subscribe('patterns')],
    [
      'publish',
      3,
      'pubsub loading stale fast',
      NO_KEYS,
      (call) => call.replies.integer(call.server.channels.publish(call.text(1), call.args[2]!)),
    ],
    ['punsubscribe', -1, FLAGS, NO_KEYS, unsubscribe('patterns')],
    [
      'spublish',
      3,
      'pubsub loading stale fast',
      ONE_KEY,
      (call) => call.replies.integer(call.server.channels.publishShard(call.text(1), call.args[2]!)),
    ],
    ['ssubscribe', -2, FLAGS, ALL_KEYS, subscribe('shardChannels')],
    ['subscribe', -2, FLAGS, NO_KEYS, subscribe('channels')],
    ['sunsubscribe', -1, FLAGS, ALL_KEYS, unsubscribe('shardChannels')],
    ['unsubscribe', -1, FLAGS, NO_KEYS, unsubscribe('channels')],
  ]),
  container('pubsub', 'pubsub', [
    ['channels', -2, 'pubsub loading stale', NO_KEYS, names('channels')],
    ['numpat', 2, 'pubsub loading stale', NO_KEYS, (call) => call.replies.integer(call.server.channels.patterns.size)],
    ['numsub', -2, 'pubsub loading stale', NO_KEYS, counts('channels')],
    ['shardchannels', -2, 'pubsub loading stale', NO_KEYS, names('shardChannels')],
    ['shardnumsub', -2, 'pubsub loading stale', NO_KEYS, counts('shardChannels')],
  ]),
]
