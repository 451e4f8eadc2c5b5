// Hot path
import type { Timer } from '../world/world.ts'
import type { Batch, Exchange } from './exchange.ts'
import type { Frame } from './frame.ts'
import type { Link } from './transform.ts'

/** A link that passes all on to another one, but for what those that extend it see to themselves. */
export class PassingLink implements Link {
  protected readonly link: Link

  constructor(link: Link) {
    this.link = link
  }

  get keepsRequests(): boolean {
    return this.link.keepsRequests
  }
  forward(batch: Batch): void {
    this.link.forward(batch)
  }
  reply(batch: Batch): void {
    this.link.reply(batch)
  }
  replyFailure(batch: Batch, error: Error): void {
    this.link.replyFailure(batch, error)
  }
  call(request: Frame): Promise<Frame> {
    return this.link.call(request)
  }
  push(push: Frame): void {
    this.link.push(push)
  }
  forwardPart(exchange: Exchange, part: Frame): void {
    this.link.forwardPart(exchange, part)
  }
  replyPart(exchange: Exchange, part: Frame): number {
    return this.link.replyPart(exchange, part)
  }
  silent(exchange: Exchange): void {
    this.link.silent(exchange)
  }
  after(fire: () => void, ms?: number): Timer {
    return this.link.after(fire, ms)
  }
  pause(ms: number): void {
    this.link.pause(ms)
  }
  stop(): void {
    this.link.stop()
  }
  go(): void {
    this.link.go()
  }
  fail(error: Error): void {
    this.link.fail(error)
  }
  end(reason: string): void {
    this.link.end(reason)
  }
  close(reason: string): void {
    this.link.close(reason)
  }
}
