import { aggregate, ask, bulk, errorLike, integerBetween, isNil, simple, type Asked, type Judge } from './asked.ts'
import type { Reply } from './reply-parser.ts'
import { showReply } from './reply-parser.ts'
import type { Script } from './script.ts'

const VITAL = { vital: true }
const QUEUED = simple('QUEUED')

/** What `judge` says; `then` where it is content. */
function and(judge: Judge, then: () => void): Judge {
  return (reply) => {
    const wrong = judge(reply)
    if (wrong === null) then()
    return wrong
  }
}

/** A transaction on keys of the session's own, pipelined as drivers do. */
export function transaction(script: Script): readonly Asked[] {
  const [key, number] = [script.key('k'), script.key('n')]
  const [known, counter] = [script.value(key), script.counter(number)]
  const tag = script.tag(key, 'transaction')
  const value = script.filled(tag)
  const unknown = () => {
    known.unknown(value)
    counter.unknown()
  }
  const results = [and(simple('OK'), () => known.wrote(value)), counter.judge(), known.judge(script.version)]
  return [
    ask(['MULTI'], [simple('OK')], VITAL),
    ask(['SET', key, value], [QUEUED], VITAL),
    ask(['INCR', number], [QUEUED], VITAL),
    ask(['GET', key], [QUEUED], VITAL),
    ask(['EXEC'], [aggregate('*', results)], { ...VITAL, settles: [tag], unknown }),
  ]
}

export function discard(script: Script): readonly Asked[] {
  const key = script.key('k')
  const tag = script.tag(key, 'never')
  return [
    ask(['MULTI'], [simple('OK')], VITAL),
    ask(['SET', key, tag], [QUEUED], VITAL),
    ask(['DISCARD'], [simple('OK')], { ...VITAL, settles: [tag] }),
  ]
}

/** One of its commands is refused while it queues, so nothing of it may happen. */
export function refusedTransaction(script: Script): readonly Asked[] {
  const key = script.key('k')
  const tag = script.tag(key, 'never')
  return [
    ask(['MULTI'], [simple('OK')], VITAL),
    ask(['SET', key, tag], [QUEUED], VITAL),
    ask(['NOPE'], [errorLike(/^ERR unknown command 'NOPE'/)], { wantsError: true }),
    ask(['EXEC'], [errorLike(/^EXECABORT/)], { wantsError: true, settles: [tag] }),
  ]
}

/** Raises a counter that all sessions share, if nobody else did meanwhile. */
export function raise(script: Script): readonly Asked[] {
  const { version, journal } = script
  const counter = `${script.database}/raised`
  let value = 0
  const read: Judge = (reply) => {
    value = Number(reply.text ?? 0)
    return isNil(reply, version) || /^\d+$/.test(reply.text ?? '') ? null : `no number: ${showReply(reply)}`
  }
  const done: Judge = (reply) => {
    if (isNil(reply, version)) return null
    return and(aggregate('*', [simple('OK')]), () => journal.raised(counter, value + 1))(reply)
  }
  const go = () => [
    ask(['MULTI'], [simple('OK')], VITAL),
    ask(['SET', 'raised', String(value + 1)], [QUEUED], VITAL),
    ask(['EXEC'], [done], VITAL),
  ]
  const leave = () => [ask(['UNWATCH'], [simple('OK')], VITAL)]
  return [
    ask(['WATCH', 'raised'], [simple('OK')], VITAL),
    ask(['GET', 'raised'], [read], { ...VITAL, next: script.chance(0.8) ? go : leave }),
  ]
}

export function hello(script: Script): readonly Asked[] {
  if (script.channels.size > 0) return []
  const version = script.pick([2, 3] as const)
  script.version = version
  const judge: Judge = (reply) => {
    const type = version === 3 ? '%' : '*'
    const proto = (reply.items ?? []).findIndex((item) => item.text === 'proto')
    const told = reply.items?.[proto + 1]?.text
    return reply.type === type && told === String(version) ? null : `expected HELLO ${version}, got ${showReply(reply)}`
  }
  return [ask(['HELLO', String(version)], [judge], VITAL)]
}

export function select(script: Script): readonly Asked[] {
  script.database = script.below(3)
  return [ask(['SELECT', String(script.database)], [simple('OK')], VITAL)]
}

/** Writes without a reply. */
function unheard(script: Script): { asked: Asked; heard: () => void } {
  const key = script.key('k')
  const known = script.value(key)
  const tag = script.tag(key)
  const heard = () => {
    if (script.journal.faulty) known.unknown(tag)
    else known.wrote(tag)
  }
  return { asked: ask(['SET', key, tag], []), heard }
}

export function replyOff(script: Script): readonly Asked[] {
  const writes = Array.from({ length: 1 + script.below(3) }, () => unheard(script))
  return [
    ask(['CLIENT', 'REPLY', 'OFF'], []),
    ...writes.map(({ asked }) => asked),
    ask(['ECHO', script.text()], []),
    ask(['CLIENT', 'REPLY', 'ON'], [and(simple('OK'), () => writes.forEach(({ heard }) => heard()))], VITAL),
  ]
}

export function replySkip(script: Script): readonly Asked[] {
  const { asked, heard } = unheard(script)
  const text = script.text()
  return [
    ask(['CLIENT', 'REPLY', 'SKIP'], []),
    asked,
    ask(['ECHO', text], [and(bulk(text), heard)], { unknown: heard }),
  ]
}

function confirmation(
  script: Script,
  word: string,
  channel: (name: string | null) => boolean,
  count: () => number,
): Judge {
  const type = script.version === 3 ? '>' : '*'
  return (reply: Reply) => {
    const name = reply.items?.[1]?.text ?? null
    const fits =
      reply.type === type &&
      reply.items?.length === 3 &&
      reply.items[0]!.text === word &&
      channel(name) &&
      Number(reply.items[2]!.text) === count()
    return fits ? null : `expected ${word}, got ${showReply(reply)}`
  }
}

function subscribeTo(script: Script, names: readonly string[]): Asked {
  for (const name of names) script.channels.add(name)
  const judges = names.map((name) =>
    confirmation(
      script,
      'subscribe',
      (told) => {
        script.confirmed.add(name)
        script.met.add(name)
        return told === name
      },
      () => script.confirmed.size,
    ),
  )
  return ask(['SUBSCRIBE', ...names], judges, VITAL)
}

/** Leaves all channels at once: one confirmation each, in any order. */
function unsubscribe(script: Script, delayMs: number): Asked {
  const count = script.channels.size
  script.channels.clear()
  const one = confirmation(
    script,
    'unsubscribe',
    (told) => script.confirmed.delete(told ?? ''),
    () => script.confirmed.size,
  )
  return ask(
    ['UNSUBSCRIBE'],
    Array.from({ length: count }, () => one),
    { ...VITAL, delayMs },
  )
}

export function subscribe(script: Script): readonly Asked[] {
  if (script.channels.size > 0) return [unsubscribe(script, 0)]
  const names = script.pick([['news0'], ['news1'], ['news0', 'news1']])
  const delayMs = script.below(100)
  const subscribed = subscribeTo(script, names)
  // A RESP3 client may go on with other things.
  if (script.version === 3 && script.chance(0.7)) return [subscribed]
  const text = script.text()
  const pong = script.version === 3 ? bulk(text) : aggregate('*', [bulk('pong'), bulk(text)])
  return [subscribed, ask(['PING', text], [pong], { delayMs: script.below(100) }), unsubscribe(script, delayMs)]
}

/** Publishes to a channel of its own, and hears it. */
export function selfPublish(script: Script): readonly Asked[] {
  if (script.version === 2) return []
  const channel = `s${script.session}:c`
  const joined = script.channels.has(channel) ? [] : [subscribeTo(script, [channel])]
  const tag = script.tag(channel)
  script.awaited.add(tag)
  const count = script.journal.faulty ? integerBetween(0, 1) : integerBetween(1, 1)
  const unknown = () => void script.awaited.delete(tag)
  return [...joined, ask(['PUBLISH', channel, tag], [count], { settles: [tag], unknown })]
}

export function name(script: Script): readonly Asked[] {
  if (script.name !== null && script.chance(0.5)) return [ask(['CLIENT', 'GETNAME'], [bulk(script.name)])]
  script.name = script.text()
  return [ask(['CLIENT', 'SETNAME', script.name], [simple('OK')], VITAL)]
}

/** The same for as long as the session lasts. */
export function connectionId(script: Script): readonly Asked[] {
  const same: Judge = (reply) => {
    const known = script.connectionId
    if (reply.type !== ':' || (known !== null && known !== reply.text))
      return `expected client id ${known ?? ''}, got ${showReply(reply)}`
    script.connectionId = reply.text
    return null
  }
  return [ask(['CLIENT', 'ID'], [same])]
}

export function reset(script: Script): readonly Asked[] {
  if (script.channels.size > 0) return []
  script.version = 2
  script.database = 0
  script.name = null
  return [ask(['RESET'], [simple('RESET')], VITAL)]
}

/** Waits for an item of a queue that others fill. */
export function consume(script: Script): readonly Asked[] {
  const [version, journal] = [script.version, script.journal]
  const seconds = String(script.pick([0.01, 0.1, 0.5]))
  const item: Judge = (reply) => {
    if (isNil(reply, version)) return null
    return aggregate('*', [
      bulk('queue'),
      (element) => {
        journal.taken(element.text ?? '')
        return null
      },
    ])(reply)
  }
  return [ask([script.pick(['BLPOP', 'BRPOP']), 'queue', seconds], [item])]
}

export function waitForNothing(script: Script): readonly Asked[] {
  const { version } = script
  const judge: Judge = (reply) => (isNil(reply, version) ? null : `expected nil, got ${showReply(reply)}`)
  return [ask(['BLPOP', `s${script.session}:nothing`, String(script.pick([0.01, 0.2]))], [judge])]
}
