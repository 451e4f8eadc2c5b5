import { container, NO_KEYS, type Call } from '../command.ts'
import type { Session } from '../session.ts'
import { CommandError } from '../store.ts'
import { checkName } from './connection.ts'
import { clientTracking } from './client-tracking.ts'

/** One line of CLIENT LIST. */
function describe(call: Call, session: Session): string {
  const nowMs = call.server.world.clock.now()
  const { connection } = session
  const fields = {
    id: session.id,
    addr: session.address,
    laddr: `${connection.localAddress}:${connection.localPort}`,
    fd: session.id + 7,
    name: session.name,
    age: Math.floor((nowMs - session.sinceMs) / 1000),
    idle: Math.floor((nowMs - session.lastMs) / 1000),
    flags: flags(session),
    db: session.database,
    sub: session.channels.size,
    psub: session.patterns.size,
    ssub: session.shardChannels.size,
    multi: session.transaction === null ? -1 : session.transaction.queue.length,
    qbuf: session.parser.pendingBytes,
    omem: connection.unsentBytes,
    events: 'r',
    cmd: session.lastCommand,
    user: session.user ?? '(superuser)',
    redir: session.tracking === null ? -1 : session.tracking.redirect,
    resp: session.replies.version,
    'lib-name': session.libName,
    'lib-ver': session.libVersion,
  }
  return Object.entries(fields)
    .map(([name, value]) => `${name}=${value}`)
    .join(' ')
}

function flags(session: Session): string {
  const all = [
    session.monitoring && 'O',
    session.subscriptions > 0 && 'P',
    session.transaction !== null && 'x',
    session.blocked !== null && 'b',
    session.tracking !== null && 't',
  ].filter((flag) => flag !== false)
  return all.length === 0 ? 'N' : all.join('')
}

function setName(call: Call): void {
  checkName(call.text(2))
  call.session.name = call.text(2)
  call.replies.ok()
}

function setInfo(call: Call): void {
  const value = call.text(3)
  if (/[^!-~]/.test(value))
    throw new CommandError(`ERR ${call.text(2).toLowerCase()} cannot contain spaces, newlines or special characters.`)
  switch (call.word(2)) {
    case 'LIB-NAME':
      call.session.libName = value
      break
    case 'LIB-VER':
      call.session.libVersion = value
      break
    default:
      throw new CommandError(`ERR Unrecognized option '${call.text(2)}'`)
  }
  call.replies.ok()
}

function reply(call: Call): void {
  const { session, replies } = call
  switch (call.word(2)) {
    case 'ON':
      session.replyOff = false
      replies.muted = false
      replies.ok()
      break
    case 'OFF':
      session.replyOff = true
      replies.muted = true
      break
    case 'SKIP':
      if (!session.replyOff) session.skipNext = true
      replies.muted = true
      break
    default:
      call.syntaxError()
  }
}

function list(call: Call): void {
  let chosen = [...call.server.sessions.values()]
  if (call.count > 2) {
    const option = call.word(2)
    if (option === 'ID' && call.count > 3) {
      const ids = new Set(call.args.slice(3).map((_, i) => call.integer(3 + i, 'ERR Invalid client ID')))
      chosen = chosen.filter((session) => ids.has(session.id))
    } else if (option === 'TYPE' && call.count === 4) {
      const type = call.text(3).toLowerCase()
      if (!['normal', 'master', 'replica', 'pubsub'].includes(type))
        throw new CommandError(`ERR Unknown client type '${call.text(3)}'`)
      chosen = chosen.filter((session) => (session.subscriptions > 0 ? 'pubsub' : 'normal') === type)
    } else call.syntaxError()
  }
  call.replies.verbatim(chosen.map((session) => `${describe(call, session)}\n`).join(''))
}

function kill(call: Call): void {
  const sessions = [...call.server.sessions.values()]
  if (call.count === 3) {
    const found = sessions.find((session) => session.address === call.text(2))
    if (found === undefined) throw new CommandError('ERR No such client')
    call.replies.ok()
    end(call, found)
    return
  }
  if (call.count % 2 !== 0) call.syntaxError()
  let skipMe = true
  const tests: ((session: Session) => boolean)[] = []
  for (let at = 2; at < call.count; at += 2) {
    const value = call.text(at + 1)
    switch (call.word(at)) {
      case 'ID': {
        const id = call.integer(at + 1, 'ERR client-id should be greater than 0')
        tests.push((session) => session.id === id)
        break
      }
      case 'ADDR':
        tests.push((session) => session.address === value)
        break
      case 'USER':
        if (!call.server.users.has(value)) throw new CommandError(`ERR No such user '${value}'`)
        tests.push((session) => session.user === value)
        break
      case 'SKIPME':
        if (!/^(yes|no)$/i.test(value)) call.syntaxError()
        skipMe = value.toLowerCase() === 'yes'
        break
      default:
        call.syntaxError()
    }
  }
  const killed = sessions.filter((session) => {
    return (!skipMe || session !== call.session) && tests.every((test) => test(session))
  })
  call.replies.integer(killed.length)
  for (const session of killed) end(call, session)
}

/** The caller still gets its reply. */
function end(call: Call, session: Session): void {
  if (session === call.session) session.closeAfterReplies()
  else session.kill()
}

function unblock(call: Call): void {
  const how = call.count > 3 ? call.word(3) : 'TIMEOUT'
  if (how !== 'TIMEOUT' && how !== 'ERROR')
    throw new CommandError('ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR')
  const session = call.server.sessions.get(call.integer(2))
  const wait = session?.blocked ?? null
  if (wait !== null) {
    const error = () => session!.replies.error('UNBLOCKED client unblocked via CLIENT UNBLOCK')
    call.server.unblock(session!, how === 'ERROR' ? error : () => wait.timedOut())
  }
  call.replies.integer(Number(wait !== null))
}

function onOff(change: (session: Session, on: boolean) => void) {
  return (call: Call): void => {
    const word = call.word(2)
    if (word !== 'ON' && word !== 'OFF') call.syntaxError()
    change(call.session, word === 'ON')
    call.replies.ok()
  }
}

const FLAGS = 'noscript loading stale'

export const client = container('connection', 'client', [
  ['getname', 2, FLAGS, NO_KEYS, (call) => call.replies.bulkOrNil(call.session.name === '' ? null : call.session.name)],
  ['id', 2, FLAGS, NO_KEYS, (call) => call.replies.integer(call.session.id)],
  ['info', 2, FLAGS, NO_KEYS, (call) => call.replies.verbatim(`${describe(call, call.session)}\n`)],
  ['kill', -3, `admin ${FLAGS}`, NO_KEYS, kill],
  ['list', -2, `admin ${FLAGS}`, NO_KEYS, list],
  ['no-evict', 3, `admin ${FLAGS}`, NO_KEYS, onOff(() => {})],
  ['no-touch', 3, FLAGS, NO_KEYS, onOff((session, on) => void (session.noTouch = on))],
  ['reply', 3, FLAGS, NO_KEYS, reply],
  ['setinfo', 4, FLAGS, NO_KEYS, setInfo],
  ['setname', 3, FLAGS, NO_KEYS, setName],
  ['unblock', -3, `admin ${FLAGS}`, NO_KEYS, unblock],
  ...clientTracking,
])
