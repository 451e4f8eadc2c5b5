/** What a tagged request is, as far as the server's side of the story can be judged by it. */
export interface Fact {
  /** Number of the session that sent it, unique in the run. */
  readonly session: number
  /** The key that it writes: per session and key, writes are executed in the order in which they were sent. */
  readonly key: string
  /** 'plain': at most once. 'transaction': at most once, and only within EXEC. 'never': it was discarded. */
  readonly kind: 'plain' | 'transaction' | 'never'
}

/** Where model clients write down what they did and saw; the simulator's checks read it. */
export interface Journal {
  /** Connections may break and requests may fail: otherwise every error and every close is a violation. */
  readonly faulty: boolean
  /** A message may come after replies that it stood before: a stage holds replies back, batch by batch. */
  readonly pushesMayBeLate: boolean
  /** A request that carries `tag` is about to be sent. */
  sent(tag: string, fact: Fact): void
  /** Its reply came. What was sent and is never settled may or may not have been executed. */
  settled(tag: string): void
  /** A subscriber got the message. */
  received(session: number, channel: string, tag: string): void
  /** A consumer was given an item of a shared queue. */
  taken(tag: string): void
  /** A watched counter was raised to `value` by a transaction that succeeded. */
  raised(counter: string, value: number): void
  /** For whoever reads a trace: what a client or the server does; null: nobody does. */
  readonly note: ((text: string) => void) | null
  /** Something that must not happen. */
  violation(text: string): void
}

/** Unique text that tells who sent a request: `t<session>.<number>` and the first letter of its kind. */
export function tagOf(session: number, number: number, kind: Fact['kind']): string {
  return `t${session}.${number}${kind[0]}`
}

/** The tag at the beginning of a value, or null. Values may go on after `:`. */
export function tagIn(value: string): string | null {
  return /^t\d+\.\d+[ptn](?=:|$)/.exec(value)?.[0] ?? null
}
