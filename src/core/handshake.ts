import { PART_TAKEN, type Batch, type Carrier, type Owner } from './exchange.ts'
import { ConnectError } from './loss.ts'
import type { Upstream, UpstreamOwner } from './upstream.ts'

/** Brings a fresh connection to its attributes. */
export class Handshake implements Carrier {
  arrived: Batch = []
  readonly keepsRequests = true
  readonly #upstream: Upstream
  readonly #owner: UpstreamOwner
  #left: number

  constructor(upstream: Upstream, count: number, owner: UpstreamOwner) {
    this.#upstream = upstream
    this.#left = count
    this.#owner = owner
  }

  onArrived(): void {
    const batch = this.arrived
    this.arrived = []
    for (let i = 0; i < batch.length; i++) {
      if (this.#owner.isError(batch[i]!.response!)) {
        this.#upstream.destroy(new ConnectError('The server refused what a session had been granted before'))
        return
      }
      this.#left--
    }
    if (this.#left === 0) this.#upstream.handshaken()
  }

  onReplyPart(): void {}
  onSilent(): void {}
  onPush(): void {}
  onLost(): void {}
}

/** Drops what comes. */
export class Nobody implements Carrier {
  arrived: Batch = []
  readonly keepsRequests = true
  onArrived(): void {
    this.arrived = []
  }
  onReplyPart(): void {}
  onSilent(): void {}
  onPush(): void {}
  onLost(): void {}
}

export const noOwner: Owner = {
  level: -1,
  onReplies() {},
  onReplyPart: () => PART_TAKEN,
  onSilent() {},
}
