import { Ring } from '../../base/ring.ts'
import { AT_OWNER, Exchange, PART_TAKEN, type Batch } from '../../core/exchange.ts'
import type { Frame } from '../../core/frame.ts'
import type { ChainFactory, Log } from '../../core/kind.ts'
import type { SubChain, SubChainUser } from '../../core/sub-chain.ts'
import type { SessionInfo } from '../../core/transform.ts'
import { replyOf } from '../../protocols/valkey/body.ts'
import type { Reply } from '../../protocols/valkey/values.ts'
import type { Timer, World } from '../../world/world.ts'

/** Replies in the order of their commands; null where they did not all come in time. */
export type Answered = (replies: readonly Reply[] | null) => void

/** Commands that were sent together, and wait for their replies. */
interface Asked {
  readonly exchanges: readonly Exchange[]
  readonly replies: Reply[]
  readonly answered: Answered
  readonly sinceMs: number
  left: number
  isOver: boolean
}

interface Place {
  readonly asked: Asked
  readonly index: number
}

export interface ConnectionSettings {
  readonly world: World
  readonly log: Log
  /** Milliseconds after which nobody waits for replies any more. */
  readonly timeoutMs: number
}

/** Requests that may be waiting: with more of them lookups are left out. */
const OPEN_MAX = 4096
/** The head of a reply that comes in parts: nothing that the cache asks for is so large. */
const PARTIAL: Reply = { type: 'error', text: 'a reply that is too large' }

/** The chain that speaks to Valkey: one for all sessions of a thread, so that what they send arrives in one order. */
export class CacheConnection implements SubChainUser {
  readonly #factory: ChainFactory
  readonly #settings: ConnectionSettings
  /** Whose chain it is, as far as anybody asks: the first session's. */
  #info: SessionInfo | null = null
  #chain: SubChain | null = null
  readonly #places = new Map<Exchange, Place>()
  readonly #asked = new Ring<Asked>()
  #timer: Timer | null = null
  #isClosed = false

  constructor(factory: ChainFactory, settings: ConnectionSettings) {
    this.#factory = factory
    this.#settings = settings
  }

  /** It takes more than what must be. */
  get isFree(): boolean {
    return this.#chain?.isStopped !== true && this.#places.size < OPEN_MAX
  }

  attach(session: SessionInfo): void {
    this.#info ??= { ...session, log: this.#settings.log }
  }

  /** Sends commands, in this order. `answered` is called once, perhaps at once. */
  ask(commands: readonly Frame[], answered: Answered): void {
    const chain = this.#open()
    if (chain === null) {
      answered(null)
      return
    }
    const { world } = this.#settings
    const sinceMs = world.clock.now()
    const exchanges = commands.map((command) => new Exchange(command, chain, AT_OWNER, sinceMs))
    const asked: Asked = { exchanges, replies: [], answered, sinceMs, left: exchanges.length, isOver: false }
    for (const [index, exchange] of exchanges.entries()) this.#places.set(exchange, { asked, index })
    this.#asked.push(asked)
    this.#watch()
    chain.send(exchanges)
  }

  /** Takes no more; what is under way is still answered, or given up in time. */
  close(): void {
    this.#isClosed = true
    this.#chain?.drain()
    this.#chain = null
  }

  #open(): SubChain | null {
    if (this.#chain?.isOpen === true) return this.#chain
    if (this.#isClosed || this.#info === null) return null
    try {
      this.#chain = this.#factory.open(this.#info, this)
    } catch (error) {
      this.#settings.log.error('the chain to Valkey could not be opened', { error: String(error) })
      this.#chain = null
    }
    return this.#chain
  }

  /** One timer for all: the oldest is the first to be late. */
  #watch(): void {
    if (this.#timer !== null) return
    const oldest = this.#oldest()
    if (oldest === undefined) return
    const { world, timeoutMs } = this.#settings
    const leftMs = oldest.sinceMs + timeoutMs - world.clock.now()
    this.#timer = world.clock.after(Math.max(1, leftMs), () => {
      this.#timer = null
      const late = this.#oldest()
      if (late !== undefined && world.clock.now() - late.sinceMs >= timeoutMs) this.#giveUp()
      this.#watch()
    })
  }

  #oldest(): Asked | undefined {
    let oldest = this.#asked.peek()
    while (oldest?.isOver === true) {
      this.#asked.shift()
      oldest = this.#asked.peek()
    }
    return oldest
  }

  /** What was sent behind something that is late would be late too. */
  #giveUp(): void {
    const given: Asked[] = []
    for (let asked = this.#asked.shift(); asked !== undefined; asked = this.#asked.shift())
      if (!asked.isOver) given.push(asked)
    for (const { exchanges } of given) {
      const open = exchanges.filter((exchange) => this.#places.delete(exchange))
      if (open.length > 0) (open[0]!.owner as SubChain).cancel(open)
    }
    this.#end(given)
  }

  #end(given: readonly Asked[]): void {
    for (const asked of given) {
      if (asked.isOver) continue
      asked.isOver = true
      asked.answered(null)
    }
  }

  #take(exchange: Exchange, reply: Reply): void {
    const place = this.#places.get(exchange)
    if (place === undefined) return
    this.#places.delete(exchange)
    const { asked, index } = place
    asked.replies[index] = reply
    if (--asked.left > 0 || asked.isOver) return
    asked.isOver = true
    asked.answered(asked.replies)
  }

  /** The chain is closed: nothing more comes for what it had. */
  #lost(open: Batch): void {
    this.#leave()
    const given = new Set<Asked>()
    for (const exchange of open) {
      const place = this.#places.get(exchange)
      if (place === undefined) continue
      for (const each of place.asked.exchanges) this.#places.delete(each)
      given.add(place.asked)
    }
    this.#end([...given])
  }

  /** The next that is sent goes down another chain, where this one takes no more. */
  #leave(): void {
    if (this.#chain?.isOpen !== true) this.#chain = null
  }

  // --- from the chain

  onReplies(batch: Batch): void {
    for (const exchange of batch) this.#take(exchange, exchange.response!.whole ? replyOf(exchange.response!) : PARTIAL)
  }

  onReplyPart(): number {
    return PART_TAKEN
  }

  onSilent(exchange: Exchange): void {
    this.#take(exchange, { type: 'error', text: 'no reply' })
  }

  onPush(): void {}

  onStop(): void {}

  onGo(): void {}

  onFail(_error: Error, open: Batch): void {
    this.#lost(open)
  }

  onEnd(): void {
    this.#leave()
  }

  onClose(_reason: string, open: Batch): void {
    this.#lost(open)
  }
}
