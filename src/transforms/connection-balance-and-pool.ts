import { Branch } from '../core/branch.ts'
import type { Batch, Exchange } from '../core/exchange.ts'
import type { Frame } from '../core/frame.ts'
import { transform, type ChainFactory } from '../core/kind.ts'
import type { Link, SessionInfo, Transform } from '../core/transform.ts'

/** Shares out the sessions of one thread among copies of a chain, which are built when they are needed first. */
class Balance {
  readonly #copies: ChainFactory[]
  readonly #countMax: number
  #next = 0

  constructor(first: ChainFactory, countMax: number) {
    this.#copies = [first]
    this.#countMax = countMax
  }

  next(): ChainFactory {
    const index = this.#next
    this.#next = (index + 1) % this.#countMax
    if (index === this.#copies.length) this.#copies.push(this.#copies[0]!.again())
    return this.#copies[index]!
  }
}

/** A session in its copy of the chain, chosen with its first request. */
class Balanced implements Transform {
  readonly holds = true
  readonly #balance: Balance
  readonly #session: SessionInfo
  #branch: Branch | null = null

  constructor(balance: Balance, session: SessionInfo) {
    this.#balance = balance
    this.#session = session
  }

  /** A session that asks for nothing takes no place. */
  #opened(): Branch {
    return (this.#branch ??= new Branch(this.#balance.next(), this.#session))
  }

  get held(): number {
    return this.#branch?.held ?? 0
  }

  wants(kind: number): 'head' | 'whole' {
    return this.#opened().wantsWhole(kind) ? 'whole' : 'head'
  }

  onRequests(batch: Batch, link: Link): void {
    this.#opened().send(batch, link)
  }

  onPart(exchange: Exchange, part: Frame): void {
    this.#branch?.onPart(exchange, part)
  }

  onCancel(): void {
    this.#branch?.cancel()
  }

  onFlush(): void {
    this.#branch?.flush()
  }

  close(): void {
    this.#branch?.close()
  }
}

/** Ends a chain with copies of another, each of which has connections of its own that its clients share. */
export const connectionBalanceAndPool = transform({
  type: 'ConnectionBalanceAndPool',
  doc: 'Shares out clients among copies of a chain, of which each has connections of its own. A client stays with its copy, and what it leaves behind on a connection meets nobody else.',
  terminating: true,
  options: (z) =>
    z.strictObject({
      max_connections: z
        .int()
        .min(1)
        .describe(
          'Copies of the chain, of which a sink has one connection for the clients that can share it. A client that needs one for itself, for a transaction say, gets one besides.',
        ),
      chain: z.array(z.unknown()).describe('The chain that there are copies of.'),
    }),
  subChains: (_options, name) => [{ place: 'chain', names: [name] }],
  example: { max_connections: 4, chain: [{ NullSink: { name: 'each' } }] },
  create({ max_connections: countMax }, { chains }) {
    const balance = new Balance(chains['chain']![0]!, countMax)
    return (session) => new Balanced(balance, session)
  },
})
