import { commands, container, NO_KEYS, type Call } from '../command.ts'
import type { ValkeyModel } from '../server.ts'
import type { Session } from '../session.ts'
import { CommandError } from '../store.ts'

/** What the model says it is: the versions whose behaviour it follows. */
export const SERVER_VERSION = '9.0.0'
/** Version of Redis that Valkey says it is compatible with. */
export const REDIS_VERSION = '7.2.4'

const WRONG_PASSWORD = 'WRONGPASS invalid username-password pair or user is disabled.'
const BAD_NAME = 'ERR Client names cannot contain spaces, newlines or special characters.'

function ping(call: Call): void {
  if (call.count > 2) call.wrongArity()
  const { replies, session } = call
  if (replies.version === 2 && session.subscriptions > 0) replies.bulks(['pong', call.count === 2 ? call.args[1]! : ''])
  else if (call.count === 2) replies.bulk(call.args[1]!)
  else replies.simple('PONG')
}

function quit(call: Call): void {
  call.replies.ok()
  call.session.closeAfterReplies()
}

function reset(call: Call): void {
  const { server, session, replies } = call
  session.transaction = null
  server.watching.clear(session)
  server.channels.removeAll(session)
  server.tracking.stop(session)
  server.monitors.delete(session)
  session.monitoring = false
  session.database = 0
  session.name = ''
  session.replyOff = false
  session.noTouch = false
  session.user = server.users.get('default') === null ? 'default' : null
  session.parser.trusted = session.user !== null
  replies.version = 2
  replies.muted = false
  replies.simple('RESET')
}

function select(call: Call): void {
  const index = call.integer(1, 'ERR value is not an integer or out of range')
  if (call.server.databases[index] === undefined) throw new CommandError('ERR DB index is out of range')
  call.session.database = index
  call.replies.ok()
}

function login(server: ValkeyModel, session: Session, user: string, password: string): void {
  const expected = server.users.get(user)
  if (expected === undefined || (expected !== null && expected !== password)) throw new CommandError(WRONG_PASSWORD)
  session.user = user
  session.parser.trusted = true
}

function auth(call: Call): void {
  if (call.count > 3) call.syntaxError()
  const { server, session } = call
  if (call.count === 2 && server.users.get('default') === null)
    throw new CommandError(
      'ERR AUTH <password> called without any password configured for the default user. Are you sure your configuration is correct?',
    )
  login(server, session, call.count === 3 ? call.text(1) : 'default', call.text(call.count - 1))
  call.replies.ok()
}

export function checkName(name: string): void {
  if (/[^!-~]/.test(name)) throw new CommandError(BAD_NAME)
}

function hello(call: Call): void {
  const { server, session, replies } = call
  let version = replies.version
  if (call.count > 1) {
    const wanted = call.integer(1, 'ERR Protocol version is not an integer or out of range')
    if (wanted !== 2 && wanted !== 3) throw new CommandError('NOPROTO unsupported protocol version')
    version = wanted
  }
  let name: string | null = null
  let credentials: [string, string] | null = null
  for (let at = 2; at < call.count; at++) {
    const word = call.word(at)
    if (word === 'AUTH' && at + 2 < call.count) credentials = [call.text(++at), call.text(++at)]
    else if (word === 'SETNAME' && at + 1 < call.count) {
      name = call.text(++at)
      checkName(name)
    } else throw new CommandError(`ERR Syntax error in HELLO option '${call.text(at)}'`)
  }
  if (credentials !== null) login(server, session, ...credentials)
  if (session.user === null)
    throw new CommandError(
      'NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO <proto> AUTH <user> <pass> option can be used to authenticate the client and select the RESP protocol version at the same time',
    )
  if (name !== null) session.name = name
  replies.version = version
  replies.map(7)
  for (const [field, value] of [
    ['server', 'valkey'],
    ['version', SERVER_VERSION],
    ['proto', version],
    ['id', session.id],
    ['mode', 'standalone'],
    ['role', 'master'],
  ] as const) {
    replies.bulk(field)
    if (typeof value === 'number') replies.integer(value)
    else replies.bulk(value)
  }
  replies.bulk('modules')
  replies.array(0)
}

function setUser(call: Call): void {
  const user = call.text(2)
  let password = call.server.users.get(user)
  for (const rule of call.texts(3))
    if (rule.startsWith('>')) password = rule.slice(1)
    else if (rule === 'nopass') password = null
  // A user without a password can't log in; no password is as long as this.
  call.server.users.set(user, password === undefined ? call.server.runId : password)
  call.replies.ok()
}

function deleteUsers(call: Call): void {
  if (call.texts(2).includes('default')) throw new CommandError("ERR The 'default' user cannot be removed")
  const deleted = call.texts(2).filter((user) => call.server.users.delete(user))
  for (const session of [...call.server.sessions.values()])
    if (session.user !== null && deleted.includes(session.user)) session.kill()
  call.replies.integer(deleted.length)
}

const FLAGS = 'noscript loading stale fast'

export const connection = [
  ...commands('connection', [
    ['auth', -2, `${FLAGS} no_auth skip_monitor`, NO_KEYS, auth],
    ['echo', 2, 'loading stale fast', NO_KEYS, (call) => call.replies.bulk(call.args[1]!)],
    ['hello', -1, `${FLAGS} no_auth skip_monitor`, NO_KEYS, hello],
    ['ping', -1, 'fast', NO_KEYS, ping],
    ['quit', -1, `${FLAGS} no_auth`, NO_KEYS, quit],
    ['reset', 1, `${FLAGS} no_auth`, NO_KEYS, reset],
    ['select', 2, 'loading stale fast', NO_KEYS, select],
  ]),
  container('server', 'acl', [
    ['deluser', -3, 'admin noscript loading stale', NO_KEYS, deleteUsers],
    ['setuser', -3, 'admin noscript loading stale', NO_KEYS, setUser],
    [
      'users',
      2,
      'admin noscript loading stale',
      NO_KEYS,
      (call) => call.replies.bulks([...call.server.users.keys()].sort()),
    ],
    ['whoami', 2, 'noscript loading stale', NO_KEYS, (call) => call.replies.bulk(call.session.user ?? 'default')],
  ]),
]
