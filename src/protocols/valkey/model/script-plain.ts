import { aggregate, ask, bulk, errorLike, integerBetween, simple, type Asked } from './asked.ts'
import type { Script } from './script.ts'

/** RESP2 clients with subscriptions may do nothing else: scripts unsubscribe before they go on. */

export function ping(script: Script): readonly Asked[] {
  if (script.chance(0.5)) return [ask(['PING'], [simple('PONG')])]
  const text = script.text()
  return [ask(['PING', text], [bulk(text)])]
}

export function echo(script: Script): readonly Asked[] {
  const text = script.filled(script.text())
  return [ask([script.pick(['ECHO', 'echo', 'Echo']), text], [bulk(text)])]
}

export function set(script: Script): readonly Asked[] {
  const key = script.key('k')
  const known = script.value(key)
  const tag = script.tag(key)
  const value = script.filled(tag)
  const judge = simple('OK')
  const wrote = (reply: Parameters<typeof judge>[0]) => {
    const wrong = judge(reply)
    if (wrong === null) known.wrote(value)
    return wrong
  }
  return [ask(['SET', key, value], [wrote], { settles: [tag], unknown: () => known.unknown(value) })]
}

export function get(script: Script): readonly Asked[] {
  const key = script.key('k')
  return [ask(['GET', key], [script.value(key).judge(script.version)])]
}

export function increment(script: Script): readonly Asked[] {
  const key = script.key('n')
  const known = script.counter(key)
  return [ask(['INCR', key], [known.judge()], { unknown: () => known.unknown() })]
}

export function hash(script: Script): readonly Asked[] {
  const key = `s${script.session}:h${script.text()}`
  const tag = script.tag(key)
  const state = { sure: false }
  const type = script.version === 3 ? '%' : '*'
  return [
    ask(
      ['HSET', key, 'field', tag],
      [
        (reply) => {
          state.sure = reply.text === '1'
          return integerBetween(1, 1)(reply)
        },
      ],
      { settles: [tag] },
    ),
    ask(
      ['HGETALL', key],
      [
        (reply) => {
          if (!state.sure && reply.items?.length === 0) return null
          return aggregate(type, [bulk('field'), bulk(tag)])(reply)
        },
      ],
    ),
  ]
}

export function pushAndPop(script: Script): readonly Asked[] {
  const key = script.key('l')
  const known = script.list(key)
  const tag = script.tag(key)
  const push = ask(
    ['RPUSH', key, tag],
    [
      (reply) => {
        known.pushed(tag)
        return integerBetween(1, Infinity)(reply)
      },
    ],
    { settles: [tag], unknown: () => known.unknownPush(tag) },
  )
  const pop = script.chance(0.5)
    ? ask(['LPOP', key], [known.judge(script.version, null)], { unknown: () => known.unknownPop() })
    : ask(['BLPOP', key, '0.05'], [known.judge(script.version, key)], { unknown: () => known.unknownPop() })
  return script.chance(0.7) ? [push, pop] : [push]
}

/** Many keys at once. */
export function many(script: Script): readonly Asked[] {
  const keys = Array.from({ length: 1 + script.below(20) }, () => script.key('k'))
  const judges = keys.map((key) => script.value(key).judge(script.version))
  return [ask(['MGET', ...keys], [aggregate('*', judges)])]
}

/** For whoever consumes. */
export function produce(script: Script): readonly Asked[] {
  const tag = script.tag('queue')
  return [ask(['RPUSH', 'queue', tag], [integerBetween(1, Infinity)], { settles: [tag] })]
}

export function publish(script: Script): readonly Asked[] {
  const channel = script.pick(['news0', 'news1'])
  const tag = script.tag(channel)
  return [ask(['PUBLISH', channel, tag], [integerBetween(0, Infinity)], { settles: [tag] })]
}

export function unknownCommand(script: Script): readonly Asked[] {
  const text = script.text()
  return [ask(['NOPE', text], [errorLike(new RegExp(`^ERR unknown command 'NOPE'.*'${text}'`))], { wantsError: true })]
}

export function wrongType(script: Script): readonly Asked[] {
  const key = `s${script.session}:w`
  return [
    ask(['SADD', key, 'x'], [integerBetween(0, 1)]),
    // Where the first one failed there is no key.
    ask(['GET', key], [(reply) => (reply.text === null ? null : errorLike(/^WRONGTYPE/)(reply))], { wantsError: true }),
  ]
}

export function inline(script: Script): readonly Asked[] {
  const text = script.text()
  return [ask(['ECHO', text], [bulk(text)], { inline: true }), ...(script.chance(0.5) ? [] : get(script))]
}
