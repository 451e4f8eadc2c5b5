import { NO_KEYS, type Call } from '../command.ts'
import type { Tracking } from '../session.ts'
import { CommandError } from '../store.ts'

function options(call: Call): Tracking {
  const tracking: Tracking = {
    redirect: 0,
    broadcast: false,
    prefixes: [],
    optIn: false,
    optOut: false,
    noLoop: false,
    caching: null,
  }
  for (let at = 3; at < call.count; at++)
    switch (call.word(at)) {
      case 'REDIRECT':
        if (at + 1 >= call.count) call.syntaxError()
        tracking.redirect = call.integer(++at, 'ERR Invalid client ID')
        if (!call.server.sessions.has(tracking.redirect))
          throw new CommandError('ERR The client ID you want redirect to does not exist')
        break
      case 'BCAST':
        tracking.broadcast = true
        break
      case 'PREFIX':
        if (at + 1 >= call.count) call.syntaxError()
        tracking.prefixes.push(call.text(++at))
        break
      case 'OPTIN':
        tracking.optIn = true
        break
      case 'OPTOUT':
        tracking.optOut = true
        break
      case 'NOLOOP':
        tracking.noLoop = true
        break
      default:
        call.syntaxError()
    }
  return tracking
}

function track(call: Call): void {
  const { server, session, replies } = call
  const word = call.word(2)
  if (word !== 'ON' && word !== 'OFF') call.syntaxError()
  const tracking = options(call)
  if (word === 'OFF') {
    server.tracking.stop(session)
    replies.ok()
    return
  }
  if (tracking.prefixes.length > 0 && !tracking.broadcast)
    throw new CommandError('ERR PREFIX option requires BCAST mode to be enabled')
  if (tracking.optIn && tracking.optOut)
    throw new CommandError("ERR You can't use both OPTIN and OPTOUT at the same time")
  if (tracking.broadcast && (tracking.optIn || tracking.optOut))
    throw new CommandError('ERR OPTIN and OPTOUT are not compatible with BCAST')
  server.tracking.stop(session)
  session.tracking = tracking
  server.tracking.start(session)
  replies.ok()
}

function caching(call: Call): void {
  const { tracking } = call.session
  if (tracking === null)
    throw new CommandError(
      'ERR CLIENT CACHING can be called only when the client is in tracking mode with OPTIN or OPTOUT mode enabled',
    )
  const word = call.word(2)
  if (word !== 'YES' && word !== 'NO') call.syntaxError()
  if (word === 'YES' && !tracking.optIn)
    throw new CommandError('ERR CLIENT CACHING YES is only valid when tracking is enabled in OPTIN mode.')
  if (word === 'NO' && !tracking.optOut)
    throw new CommandError('ERR CLIENT CACHING NO is only valid when tracking is enabled in OPTOUT mode.')
  tracking.caching = word === 'YES'
  call.replies.ok()
}

function getredir(call: Call): void {
  const { tracking } = call.session
  call.replies.integer(tracking === null ? -1 : tracking.redirect)
}

function trackingInfo(call: Call): void {
  const { tracking } = call.session
  const flags = tracking === null ? ['off'] : ['on']
  if (tracking?.broadcast) flags.push('bcast')
  if (tracking?.optIn) flags.push('optin')
  if (tracking?.optOut) flags.push('optout')
  if (tracking?.noLoop) flags.push('noloop')
  call.replies.map(3)
  call.replies.bulk('flags')
  call.replies.set(flags.length)
  for (const flag of flags) call.replies.bulk(flag)
  call.replies.bulk('redirect')
  call.replies.integer(tracking === null ? -1 : tracking.redirect)
  call.replies.bulk('prefixes')
  call.replies.bulks(tracking?.prefixes ?? [])
}

const FLAGS = 'noscript loading stale'

/** The subcommands of CLIENT that have to do with client-side caching. */
export const clientTracking = [
  ['caching', 3, FLAGS, NO_KEYS, caching],
  ['getredir', 2, FLAGS, NO_KEYS, getredir],
  ['tracking', -3, FLAGS, NO_KEYS, track],
  ['trackinginfo', 2, FLAGS, NO_KEYS, trackingInfo],
] as const
