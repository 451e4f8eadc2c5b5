import { showReply, type Reply } from './reply-parser.ts'

/** Judges a reply: null where it belongs to its request, otherwise what is wrong. */
export type Judge = (reply: Reply) => string | null

/** A request of a model client and what it expects. */
export interface Asked {
  readonly words: readonly string[]
  /** Sent as an inline command. */
  readonly inline: boolean
  /** One for each reply: none where the server gives none, several for SUBSCRIBE with several channels. */
  readonly judges: readonly Judge[]
  /** Tags of the journal's facts that its replies settle. */
  readonly settles: readonly string[]
  /** The reply is an error by right. */
  readonly wantsError: boolean
  /** Without its reply the client can't know what state its session is in: it leaves when it gets an error instead. */
  readonly vital: boolean
  /** It was answered with an error that is not the server's: it may have been executed or not. */
  readonly unknown: (() => void) | null
  /** Wait that long before it is sent. */
  readonly delayMs: number
  /** What to send next, once this was answered; until then nothing is sent. */
  readonly next: (() => readonly Asked[]) | null
}

export function ask(words: readonly string[], judges: readonly Judge[], rest: Partial<Asked> = {}): Asked {
  return {
    words,
    judges,
    inline: false,
    settles: [],
    wantsError: false,
    vital: false,
    unknown: null,
    delayMs: 0,
    next: null,
    ...rest,
  }
}

/** Bytes of a request as latin1 text. */
export function encodeAsked({ words, inline }: Asked): string {
  if (inline) return `${words.join(' ')}\r\n`
  return `*${words.length}\r\n${words.map((word) => `$${word.length}\r\n${word}\r\n`).join('')}`
}

function unlike(expected: string, reply: Reply): string {
  return `expected ${expected}, got ${showReply(reply)}`
}

/** The simple string. */
export function simple(text: string): Judge {
  return (reply) => (reply.type === '+' && reply.text === text ? null : unlike(`+${text}`, reply))
}

export function bulk(text: string): Judge {
  return (reply) => (reply.type === '$' && reply.text === text ? null : unlike(`$${text.slice(0, 40)}`, reply))
}

/** Nil as the RESP version has it. */
export function isNil(reply: Reply, version: 2 | 3): boolean {
  return version === 3
    ? reply.type === '_'
    : (reply.type === '$' || reply.type === '*') && reply.text === null && reply.items === null
}

export function integerBetween(low: number, high: number, seen: (value: number) => void = () => {}): Judge {
  return (reply) => {
    const value = Number(reply.text)
    if (reply.type !== ':' || !(value >= low && value <= high)) return unlike(`an integer in [${low}, ${high}]`, reply)
    seen(value)
    return null
  }
}

export function errorLike(pattern: RegExp): Judge {
  return (reply) => (reply.type === '-' && pattern.test(reply.text!) ? null : unlike(`an error like ${pattern}`, reply))
}

/** An aggregate of that type whose elements are as the judges want. */
export function aggregate(type: string, judges: readonly Judge[]): Judge {
  return (reply) => {
    if (reply.type !== type || reply.items?.length !== judges.length)
      return unlike(`${type} of ${judges.length}`, reply)
    for (const [at, judge] of judges.entries()) {
      const wrong = judge(reply.items[at]!)
      if (wrong !== null) return `element ${at}: ${wrong}`
    }
    return null
  }
}
