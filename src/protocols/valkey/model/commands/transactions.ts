import { ALL_KEYS, commands, NO_KEYS, type Call } from '../command.ts'
import { CommandError } from '../store.ts'

function multi(call: Call): void {
  if (call.session.transaction !== null) throw new CommandError('ERR MULTI calls can not be nested')
  call.session.transaction = { queue: [], failed: false }
  call.replies.ok()
}

function exec(call: Call): void {
  const { server, session, replies } = call
  const { transaction } = session
  if (transaction === null) throw new CommandError('ERR EXEC without MULTI')
  server.watching.check(session, server.databases)
  const broken = session.watchBroken
  session.transaction = null
  server.watching.clear(session)
  if (transaction.failed) throw new CommandError('EXECABORT Transaction discarded because of previous errors.')
  if (broken) {
    replies.nilArray()
    return
  }
  replies.array(transaction.queue.length)
  for (const { command, args } of transaction.queue)
    try {
      server.executor.run(session, command, args, true)
    } catch (error) {
      if (!(error instanceof CommandError)) throw error
      replies.error(error.message)
    }
}

function discard(call: Call): void {
  if (call.session.transaction === null) throw new CommandError('ERR DISCARD without MULTI')
  call.session.transaction = null
  call.server.watching.clear(call.session)
  call.replies.ok()
}

function watch(call: Call): void {
  if (call.session.transaction !== null) throw new CommandError('ERR WATCH inside MULTI is not allowed')
  for (const key of call.texts(1)) {
    call.db.get(key)
    call.server.watching.add(call.session, call.session.database, key)
  }
  call.replies.ok()
}

function unwatch(call: Call): void {
  call.server.watching.clear(call.session)
  call.replies.ok()
}

export const transactions = commands('transactions', [
  ['discard', 1, 'noscript loading stale fast', NO_KEYS, discard],
  ['exec', 1, 'noscript loading stale skip_slowlog', NO_KEYS, exec],
  ['multi', 1, 'noscript loading stale fast', NO_KEYS, multi],
  ['unwatch', 1, 'noscript loading stale fast', NO_KEYS, unwatch],
  ['watch', -2, 'noscript loading stale fast', ALL_KEYS, watch],
])
