import { Assembler } from './assembler.ts'
import { Exchange, type Batch, type Carrier } from './exchange.ts'
import { FRAME_INTERIM, FRAME_LAST, type Frame } from './frame.ts'
import { noOwner } from './handshake.ts'
import { LostError } from './loss.ts'
import type { Upstream } from './upstream.ts'

/**
 * Asks a server something of the proxy's own. Resolves with the whole reply, which may be an error of the server's; rejects where none comes,
 * with what ended the connection, or where it has more than `bytesMax` bytes.
 */
export function ask(upstream: Upstream, request: Frame, bytesMax: number): Promise<Frame> {
  const { promise, resolve, reject } = Promise.withResolvers<Frame>()
  const exchange = new Exchange(request, noOwner, 0, Infinity)
  exchange.carrier = new Asker(bytesMax, resolve, reject)
  upstream.send(exchange)
  return promise
}

class Asker implements Carrier {
  arrived: Batch = []
  readonly keepsRequests = true
  readonly #bytesMax: number
  readonly #resolve: (reply: Frame) => void
  readonly #reject: (error: Error) => void
  #assembler: Assembler | null = null

  constructor(bytesMax: number, resolve: (reply: Frame) => void, reject: (error: Error) => void) {
    this.#bytesMax = bytesMax
    this.#resolve = resolve
    this.#reject = reject
  }

  onArrived(): void {
    const batch = this.arrived
    this.arrived = []
    for (const { response } of batch) {
      if (response!.flags & FRAME_LAST) this.#resolve(response!.own())
      else this.#assemble(() => (this.#assembler = new Assembler(response!, this.#bytesMax)))
    }
  }

  onReplyPart(_upstream: Upstream, _exchange: Exchange, part: Frame): void {
    if (part.flags & FRAME_INTERIM) return
    this.#assemble(() => {
      const whole = this.#assembler?.add(part) ?? null
      if (whole !== null) this.#resolve(whole)
    })
  }

  #assemble(step: () => void): void {
    try {
      step()
    } catch (error) {
      this.#assembler = null
      this.#reject(error as Error)
    }
  }

  onSilent(): void {
    this.#reject(new LostError('it gets no reply'))
  }

  onPush(): void {}

  onLost(_upstream: Upstream, _exchanges: Batch, error: Error | null): void {
    // Taken from a connection that others hold up, it might be sent once more: who asked may as well ask again.
    this.#reject(error ?? new LostError('its connection was given up'))
  }
}
