import { systemErrorText } from '../base/errors.ts'
import type { CheckedTopology, Settings } from '../config/checked.ts'
import { controlsOf } from '../config/controls.ts'
import { ConfigError } from '../config/diagnostics.ts'
import type { Versions } from '../config/user-kinds.ts'
import { startAdmin, type Admin } from '../control/admin.ts'
import { openControl, type OpenControl } from '../control/control-server.ts'
import { modulesOf, Reload } from '../control/reload.ts'
import { renderExposition } from '../observability/exposition.ts'
import type { LogRoot } from '../observability/log.ts'
import { collectProcessMemory } from '../observability/memory-metrics.ts'
import { Registry } from '../observability/metrics.ts'
import { openSeen, type Seen } from '../observability/seen.ts'
import { logPanics } from '../observability/panics.ts'
import { mergeSnapshots } from '../observability/snapshot.ts'
import type { Address } from '../world/world.ts'
import type { Certificates } from './certificates.ts'
import { Listener } from './listener.ts'
import { stopSignal } from './signals.ts'
import { Threads } from './threads.ts'

/** What the system's timers take: 24 days. With more they would fire at once. */
const TIMER_MS_MAX = 2 ** 31 - 1

export interface ProxyOptions {
  readonly log: LogRoot
  /** Threads that serve clients. */
  readonly coreThreads: number
  /** Serve on a thread of its own even where one is enough; else the main thread does it then. */
  readonly workerForOne?: boolean
  /** How long sessions may take to end once the process was told to stop; null: as long as they need. */
  readonly drainDeadlineSeconds: number | null
  /** Checks the topology with these versions of users' modules; absent: their files may be saved without anything happening. */
  recheck?(versions: Versions): Promise<CheckedTopology>
  /** Clients may connect, at these addresses in the order of the sources. */
  onReady?(addresses: readonly Address[]): void
}

/** Everything that runs, in the order in which it is started. */
interface Running {
  readonly log: LogRoot
  readonly registry: Registry
  readonly certificates: Certificates | null
  readonly threads: Threads
  readonly listeners: readonly Listener[]
  readonly admin: Admin | null
  readonly seen: Seen
  readonly reload: Reload | null
  readonly controls: readonly OpenControl[]
}

/**
 * Serves a checked topology until SIGTERM or SIGINT, then lets its sessions end. Returns the exit code. Throws ConfigError where a source
 * can't listen, and what a transform throws that can't be made.
 */
export async function runProxy(topology: CheckedTopology, settings: Settings, options: ProxyOptions): Promise<number> {
  const { log, drainDeadlineSeconds } = options
  logPanics(log)
  const stop = stopSignal(log.logger('shotover::runner'))
  const running = await start(topology, settings, options)
  log.logger('shotover::config::topology').info('Shotover is now accepting inbound connections')
  options.onReady?.(running.listeners.map((listener) => listener.address))
  // Without it a process whose sources all wait, with no client, would end for want of anything to do.
  const alive = setInterval(() => {}, 2 ** 30)
  await stop
  clearInterval(alive)
  running.reload?.close()
  for (const listener of running.listeners) listener.close()
  const clean = await drained(running, drainDeadlineSeconds)
  await running.seen.close()
  const runner = log.logger('shotover::runner')
  running.admin?.close()
  running.certificates?.close()
  for (const control of running.controls) control.close()
  if (clean) {
    runner.info('Shotover was shutdown cleanly.')
    await running.threads.close()
  } else {
    // The end of the process, which follows, cuts them off: to close their servers first would have them send their requests again.
    runner.warn(`Shotover was shutdown: connections were left after ${drainDeadlineSeconds} seconds, and are cut off`)
  }
  return 0
}

async function start(topology: CheckedTopology, settings: Settings, options: ProxyOptions): Promise<Running> {
  const { log, coreThreads, workerForOne } = options
  const registry = new Registry()
  collectProcessMemory(registry)
  const seen = await openSeen(settings, log, registry)
  const listeners: Listener[] = []
  let reload: Reload | null = null
  const certificates = await openCertificates(topology, log, registry)
  const threads = await Threads.start({
    topology,
    log,
    metrics: registry,
    observe: seen.settings,
    seen,
    tls: certificates?.start ?? null,
    workers: coreThreads === 1 && workerForOne !== true ? 0 : coreThreads,
    onSessionsClosed: (source, count) => listeners[source].release(count),
    onAvailable(available) {
      for (const listener of listeners) listener.hold(!available)
    },
    onGivenUp: (error) => reload?.givenUp(error),
  })
  for (const [index, source] of topology.sources.entries()) {
    const accept = threads.accept.bind(threads, index)
    listeners.push(new Listener({ source, log, metrics: registry, accept }))
  }
  const admin = await openAdmin(settings.observability, log, registry, threads, listeners)
  try {
    await listen(topology, listeners)
  } catch (error) {
    admin?.close()
    await threads.close()
    throw error
  }
  reload = await watchTransforms(topology, options, threads, registry)
  certificates?.watch((key, material) => threads.updateTls(key, material))
  const controls = await openControls(topology, log, threads)
  return { log, registry, certificates, threads, listeners, admin, seen, reload, controls }
}

/** Only who uses TLS loads it. */
async function openCertificates(
  topology: CheckedTopology,
  log: LogRoot,
  metrics: Registry,
): Promise<Certificates | null> {
  if (topology.tls === undefined) return null
  const { Certificates: Opened } = await import('./certificates.ts')
  return await Opened.open({ tls: topology.tls, log: log.logger('shotover::tls'), metrics })
}

async function watchTransforms(
  topology: CheckedTopology,
  { log, recheck }: ProxyOptions,
  threads: Threads,
  metrics: Registry,
): Promise<Reload | null> {
  if (recheck === undefined || modulesOf(topology).length === 0) return null
  const reload = new Reload({
    topology,
    metrics,
    log: log.logger('shotover::reload'),
    check: recheck,
    swap: (changed) => threads.swap(changed),
    revert: (before) => threads.revert(before),
  })
  await reload.start()
  return reload
}

/** What operators may do with transforms. */
async function openControls(topology: CheckedTopology, log: LogRoot, threads: Threads): Promise<OpenControl[]> {
  const controls = await controlsOf(topology, (key, bytes) => threads.memory.get(key, bytes))
  return await Promise.all(controls.map((control) => openControl(control, log.logger('shotover::transforms'))))
}

/** All sources or none. Throws ConfigError with each that can't listen. */
async function listen(topology: CheckedTopology, listeners: readonly Listener[]): Promise<void> {
  const lines: string[] = []
  for (const [index, { name, listenText }] of topology.sources.entries()) {
    try {
      await listeners[index].start()
    } catch (error) {
      lines.push(`${name} source:`, `${systemErrorText(error as Error)} address=${listenText}`)
    }
  }
  if (lines.length === 0) return
  for (const listener of listeners) listener.close()
  throw new ConfigError([`Topology errors\n${lines.join('\n')}\n`], [])
}

async function openAdmin(
  address: Address | null,
  log: LogRoot,
  registry: Registry,
  threads: Threads,
  listeners: readonly Listener[],
): Promise<Admin | null> {
  if (address === null) return null
  return await startAdmin({
    address,
    log: log.logger('shotover::observability'),
    async metrics() {
      const snapshots = await threads.snapshots()
      return renderExposition(mergeSnapshots([registry.snapshot(), ...snapshots]))
    },
    obstacles() {
      const obstacles = threads.available ? [] : ['no core thread takes clients']
      for (const { obstacle } of listeners) if (obstacle !== null) obstacles.push(obstacle)
      return obstacles
    },
    setFilter(text) {
      log.setFilter(text)
      threads.filterChanged()
    },
  })
}

/** False: the deadline came first. */
async function drained({ threads }: Running, deadlineSeconds: number | null): Promise<boolean> {
  const done = threads.drain().then(() => true)
  if (deadlineSeconds === null) return await done
  const deadline = Promise.withResolvers<boolean>()
  const timer = setTimeout(() => deadline.resolve(false), Math.min(deadlineSeconds * 1000, TIMER_MS_MAX))
  const clean = await Promise.race([done, deadline.promise])
  clearTimeout(timer)
  return clean
}
