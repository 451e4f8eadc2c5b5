import { ask } from '../../../core/ask.ts'
import type { Batch, Carrier } from '../../../core/exchange.ts'
import type { Frame } from '../../../core/frame.ts'
import { LostError } from '../../../core/loss.ts'
import type { Pool } from '../../../core/pool.ts'
import type { Upstream } from '../../../core/upstream.ts'
import type { Address } from '../../../world/world.ts'
import { bodyOf, encodeBody, plain } from '../body/body.ts'
import { NO_PARAMETERS, type Parameters, type Request } from '../body/requests.ts'
import type { Response } from '../body/responses.ts'
import { greet, type Login } from '../greeting.ts'
import { tableRows, type TableRow } from '../table-rows.ts'

/** The node refused to answer. */
export class AnswerError extends Error {
  /** native_protocol_v5.spec 9. */
  readonly code: number

  constructor(code: number, message: string) {
    super(message)
    this.code = code
  }
}

/** So long a node may take for an answer, a connection to it included. */
const ANSWER_MS = 10_000
const ANSWER_BYTES_MAX = 64 * 1024 * 1024
const PAGE_ROWS = 5000
/** More than the largest cluster or schema has. */
const PAGES_MAX = 1000

const LOCAL_ONE = 0x0a
const EVENTS = ['TOPOLOGY_CHANGE', 'STATUS_CHANGE', 'SCHEMA_CHANGE']

/** A connection to one node on which the proxy asks for itself. */
export class Asking implements Carrier {
  arrived: Batch = []
  readonly keepsRequests = false
  readonly endpoint: Address
  readonly #pool: Pool
  readonly #version: number
  readonly #upstream: Upstream
  readonly #onEvent: (event: Frame) => void
  readonly #onLost: (error: Error) => void

  /** `onEvent` gets what the node sends unasked, lent; `onLost` is called once, unless it is closed before. */
  constructor(
    endpoint: Address,
    pool: Pool,
    login: Login,
    onEvent: (event: Frame) => void,
    onLost: (error: Error) => void,
  ) {
    this.endpoint = endpoint
    this.#pool = pool
    this.#version = login.version
    this.#onEvent = onEvent
    this.#onLost = onLost
    this.#upstream = pool.dedicate('topology', this, () => greet(login, null))
  }

  get destination(): string {
    return this.#pool.destination
  }

  /** All rows that a SELECT brings. Rejects with AnswerError where it is refused. */
  async rows(text: string): Promise<TableRow[]> {
    const rows: TableRow[] = []
    let pagingState: Buffer | null = null
    for (let page = 0; page < PAGES_MAX; page++) {
      const answer: Response = await this.#ask({ type: 'query', text, parameters: parameters(pagingState) })
      if (answer.type !== 'rows') throw new Error(`${answer.type} was the answer to ${text}`)
      for (const row of tableRows(answer)) rows.push(row)
      pagingState = answer.metadata.pagingState
      if (pagingState === null) break
    }
    return rows
  }

  /** Wants to hear of all that changes. */
  async register(): Promise<void> {
    await this.#ask({ type: 'register', events: EVENTS })
  }

  /** Asks whether the node is there; where it does not answer, the connection is lost. */
  probe(): void {
    this.#ask({ type: 'options' }).catch((error: Error) => this.#upstream.destroy(error))
  }

  async #ask(message: Request): Promise<Response> {
    const late = this.#pool.world.clock.after(ANSWER_MS, () =>
      this.#upstream.destroy(new LostError(`${this.destination} did not answer within ${ANSWER_MS / 1000} s`)),
    )
    try {
      const reply = await ask(this.#upstream, encodeBody(plain(this.#version, message), 0), ANSWER_BYTES_MAX)
      const answer = bodyOf(reply).message as Response
      if (answer.type === 'error') throw new AnswerError(answer.code, answer.message)
      return answer
    } finally {
      late.cancel()
    }
  }

  close(): void {
    this.#upstream.finish()
  }

  onPush(push: Frame): void {
    if (push.whole) this.#onEvent(push)
  }

  onLost(_upstream: Upstream, _exchanges: Batch, error: Error | null): void {
    this.#onLost(error ?? new LostError('The connection was given up'))
  }

  onArrived(): void {}
  onReplyPart(): void {}
  onSilent(): void {}
}

function parameters(pagingState: Buffer | null): Parameters {
  return { ...NO_PARAMETERS, consistency: LOCAL_ONE, pageSize: PAGE_ROWS, pagingState }
}
