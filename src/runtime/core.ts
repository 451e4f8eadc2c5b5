import type { Socket } from 'node:net'
import { buildTopology, type BuiltTopology } from '../config/build.ts'
import { systemErrorText } from '../base/errors.ts'
import { unixPath } from '../config/addresses.ts'
import type { CheckedTopology } from '../config/checked.ts'
import { withoutVersions } from '../config/user-modules.ts'
import type { Log } from '../core/kind.ts'
import type { ClientAddress } from '../core/source.ts'
import type { LogRoot } from '../observability/log.ts'
import { collectThreadMemory } from '../observability/memory-metrics.ts'
import { Registry } from '../observability/metrics.ts'
import { observer, type Observer, type ObserveSettings, type ObserveSinks } from '../observability/observe.ts'
import type { Snapshot } from '../observability/snapshot.ts'
import { collectTopology } from '../observability/topology-metrics.ts'
import { adoptSocket, nodeWorld } from '../world/node.ts'
import { readProxyHeader } from './proxy-protocol.ts'
import type { TlsMaterial } from '../world/tls-files.ts'
import type { TlsStart } from '../world/tls.ts'
import type { CoreTls } from './core-tls.ts'
import { Swap } from './swap.ts'

/** Summaries look back over three windows of this length. */
const WINDOW_MS = 20_000

export interface CoreOptions {
  readonly topology: CheckedTopology
  readonly log: LogRoot
  /** Name of the thread in metrics. */
  readonly thread: string
  /** Threads that serve clients, this one included: they share the bounds of the process. */
  readonly threads: number
  /** Memory that these threads share, the same for the same key and size. */
  shared(key: string, bytes: number): Promise<SharedArrayBuffer>
  /** What of requests is looked at, and where that goes. */
  readonly observe: ObserveSettings
  readonly seen: ObserveSinks
  /** Null: nothing of the topology is in TLS. */
  readonly tls: TlsStart | null
  /** A session of the source, by its place in the topology, has ended. */
  onSessionClosed(source: number): void
  /** Stages that were swapped in throw too often; those before them do their work. */
  onGivenUp(swap: number, error: string): void
}

/** An error of a user's code: with the place, which tells him most. */
export function errorText(error: unknown): string {
  return withoutVersions(error instanceof Error ? (error.stack ?? error.message) : String(error))
}

/** A client of a socket of the file system has no address. */
const UNIX_CLIENT = { address: 'unix', port: 0 }

/** What serves clients on one thread: sources and chains of its own, connections to servers of its own, metrics of its own. */
export class Core {
  readonly #built: BuiltTopology
  readonly #registry: Registry
  readonly #observer: Observer
  readonly #log: Log
  readonly #logs: LogRoot
  readonly #rotation: NodeJS.Timeout
  /** Changes its stages. */
  readonly swap: Swap
  readonly #tls: CoreTls | null

  private constructor(
    built: BuiltTopology,
    registry: Registry,
    observer: Observer,
    swap: Swap,
    logs: LogRoot,
    tls: CoreTls | null,
  ) {
    this.#tls = tls
    this.#logs = logs
    this.#log = logs.logger('shotover::runner')
    this.#observer = observer
    this.#built = built
    this.#registry = registry
    this.swap = swap
    this.#rotation = setInterval(() => registry.rotate(), WINDOW_MS)
  }

  /** Builds the topology on this thread. Throws what a kind throws that can't be made. */
  static async start(options: CoreOptions): Promise<Core> {
    const { topology, log, thread, threads, shared, observe, seen, onSessionClosed, onGivenUp } = options
    const registry = new Registry()
    const logger = log.logger.bind(log)
    const tls = await openTls(options.tls)
    const world = tls === null ? nodeWorld() : nodeWorld((secure) => tls.connector(secure))
    const looking = observer(observe, seen, world)
    const env = { world, metrics: registry, logger, threads, shared, observe: looking.observe }
    const built = await buildTopology(topology, env)
    for (const [index, { source }] of built.sources.entries()) source.onSessionClosed = () => onSessionClosed(index)
    collectTopology(registry, built.sources)
    collectThreadMemory(registry, thread)
    tls?.serve({ built, registry, log, onFailed: onSessionClosed })
    const swap = new Swap(built, world.clock, (number, error) => onGivenUp(number, errorText(error)))
    return new Core(built, registry, looking, swap, log, tls)
  }

  /** Serves a client. `id` is the number of its connection, as its source counts them. */
  accept(source: number, socket: Socket, id: number): void {
    const { checked } = this.#built.sources[source]
    if (checked.proxyProtocol === true) void this.#acceptIntroduced(source, socket, id)
    else this.#enter(source, socket, id, unixPath(checked.listen) === null ? null : UNIX_CLIENT)
  }

  /** Whom a balancer passes on is who its header says. */
  async #acceptIntroduced(source: number, socket: Socket, id: number): Promise<void> {
    const { checked, source: served } = this.#built.sources[source]
    const balancer = socket.remoteAddress ?? 'unknown'
    const log = this.#logs.logger('shotover::server', { name: 'connection', fields: { id, source: checked.name } })
    try {
      const { socket: own, client } = await readProxyHeader(socket)
      log.info(`New connection from ${client?.address ?? balancer}`)
      this.#enter(source, own, id, client)
    } catch (error) {
      log.warn(`[${checked.name}] a connection from ${balancer} was closed: ${systemErrorText(error as Error)}`)
      served.onSessionClosed?.()
    }
  }

  #enter(source: number, socket: Socket, id: number, client: ClientAddress | null): void {
    if (this.#tls?.accept(source, socket, id, client) === true) return
    this.#built.sources[source].source.accept(adoptSocket(socket), id, client)
  }

  /** A set of TLS files holds something else now. */
  updateTls(key: string, material: TlsMaterial): void {
    this.#tls?.update(key, material)
  }

  snapshot(): Snapshot {
    return this.#registry.snapshot()
  }

  /** Gives sessions back the stages of `topology`, which they had before the last swap. */
  revert(topology: CheckedTopology): void {
    this.swap
      .revert(topology)
      .catch((error: unknown) => this.#log.error('stages could not be reverted', { error: errorText(error) }))
  }

  /** Lets every session finish what is in flight and end. Resolves when none is left. */
  async drain(): Promise<void> {
    this.#tls?.close()
    await Promise.all(this.#built.sources.map(({ source }) => source.drain(null)))
    await this.#built.settled()
    this.#observer.flush()
  }

  close(): void {
    clearInterval(this.#rotation)
    this.#built.close()
  }
}

/** Only who uses TLS loads it. */
async function openTls(start: TlsStart | null): Promise<CoreTls | null> {
  if (start === null) return null
  const { CoreTls: Opened } = await import('./core-tls.ts')
  return new Opened(start)
}
