import type { Socket } from 'node:net'
import type { CheckedTopology } from '../config/checked.ts'
import type { Snapshot } from '../observability/snapshot.ts'
import type { TlsMaterial } from '../world/tls-files.ts'
import { Core, type CoreOptions } from './core.ts'

/** A thread that serves clients, as the main thread sees it. */
export interface CoreThread {
  readonly name: string
  /** Sessions that it was given and that have not ended. */
  readonly sessions: number
  /** Gives it a client of the source with that place in the topology. Throws where the socket can't be handed over any more. */
  accept(source: number, socket: Socket, id: number): void
  snapshot(): Promise<Snapshot>
  /** The filter of the process's log is another one. */
  filterChanged(): void
  /** A set of TLS files holds something else now. */
  updateTls(key: string, material: TlsMaterial): void
  /** Asks for a sign of life. Returns for how many milliseconds there has been none since it was asked for. */
  pulse(now: number): number
  /** Time passed that nobody could have answered in. */
  forgive(): void
  /** Makes the stages that `topology` has otherwise, for the swap with this number. Rejects with the reason where one can't be made. */
  prepare(topology: CheckedTopology, swap: number): Promise<void>
  /** Gives sessions what was prepared. */
  commit(): void
  /** What was prepared is not wanted. */
  abandon(): void
  /** Gives sessions back what they had before the last commit: the stages of `topology`. */
  revert(topology: CheckedTopology): void
  /** Lets every session finish what is in flight and end. Resolves when none is left. */
  drain(): Promise<void>
  /** Ends at once. */
  close(): Promise<void>
}

/** Serves clients on the main thread itself. */
export class LocalThread implements CoreThread {
  readonly name = 'main'
  #core: Core | null = null
  #sessions = 0

  static async start(options: CoreOptions): Promise<LocalThread> {
    const thread = new LocalThread()
    const onSessionClosed = (source: number) => {
      thread.#sessions--
      options.onSessionClosed(source)
    }
    thread.#core = await Core.start({ ...options, onSessionClosed })
    return thread
  }

  get sessions(): number {
    return this.#sessions
  }

  accept(source: number, socket: Socket, id: number): void {
    this.#sessions++
    this.#core!.accept(source, socket, id)
  }

  snapshot(): Promise<Snapshot> {
    return Promise.resolve(this.#core!.snapshot())
  }

  filterChanged(): void {}

  updateTls(key: string, material: TlsMaterial): void {
    this.#core!.updateTls(key, material)
  }

  /** Who asks is the same thread. */
  pulse(): number {
    return 0
  }

  forgive(): void {}

  prepare(topology: CheckedTopology, swap: number): Promise<void> {
    return this.#core!.swap.prepare(topology, swap)
  }

  commit(): void {
    this.#core!.swap.commit()
  }

  abandon(): void {
    this.#core!.swap.abandon()
  }

  revert(topology: CheckedTopology): void {
    this.#core!.revert(topology)
  }

  drain(): Promise<void> {
    return this.#core!.drain()
  }

  close(): Promise<void> {
    this.#core!.close()
    return Promise.resolve()
  }
}
