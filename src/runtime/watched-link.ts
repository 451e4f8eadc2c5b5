import type { Batch, Exchange } from '../core/exchange.ts'
import type { Frame } from '../core/frame.ts'
import type { Link } from '../core/transform.ts'
import type { Timer } from '../world/world.ts'

/** A link by which failures go elsewhere. */
export class WatchedLink implements Link {
  readonly #link: Link
  readonly #onFailure: (batch: Batch, error: Error) => void

  constructor(link: Link, onFailure: (batch: Batch, error: Error) => void) {
    this.#link = link
    this.#onFailure = onFailure
  }

  get keepsRequests(): boolean {
    return this.#link.keepsRequests
  }
  forward(batch: Batch): void {
    this.#link.forward(batch)
  }
  reply(batch: Batch): void {
    this.#link.reply(batch)
  }
  replyFailure(batch: Batch, error: Error): void {
    this.#onFailure(batch, error)
  }
  call(request: Frame): Promise<Frame> {
    return this.#link.call(request)
  }
  push(push: Frame): void {
    this.#link.push(push)
  }
  forwardPart(exchange: Exchange, part: Frame): void {
    this.#link.forwardPart(exchange, part)
  }
  replyPart(exchange: Exchange, part: Frame): number {
    return this.#link.replyPart(exchange, part)
  }
  silent(exchange: Exchange): void {
    this.#link.silent(exchange)
  }
  after(fire: () => void, ms?: number): Timer {
    return this.#link.after(fire, ms)
  }
  pause(ms: number): void {
    this.#link.pause(ms)
  }
  stop(): void {
    this.#link.stop()
  }
  go(): void {
    this.#link.go()
  }
  fail(error: Error): void {
    this.#link.fail(error)
  }
  end(reason: string): void {
    this.#link.end(reason)
  }
  close(reason: string): void {
    this.#link.close(reason)
  }
}
