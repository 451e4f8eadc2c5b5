import { causesOf } from '../base/errors.ts'
import { ConfigError } from '../config/diagnostics.ts'
import { describeTopology } from '../config/describe.ts'
import { DirectiveError } from '../config/log-directives.ts'
import { describeSettings, readSettings } from '../config/settings.ts'
import { checkTopology } from '../config/topology.ts'
import type { Versions } from '../config/user-kinds.ts'
import { readText, TOPOLOGY_WORDS } from '../config/yaml-file.ts'
import type { CheckedTopology, Settings } from '../config/checked.ts'
import type { LogRoot } from '../observability/log.ts'
import { logStartFailure } from '../observability/start-failure.ts'
import { descriptorLimit } from '../runtime/descriptors.ts'
import type { RunFlags } from './command-line.ts'
import { openLog } from './open-log.ts'
import { VERSION } from './version.ts'
import { warningsFor } from './warnings.ts'

const START_FAILED = 1

/** `shotover`: reads both files and serves until it is told to stop. Returns the exit code. */
export async function run(flags: RunFlags): Promise<number> {
  const log = openLog(flags.logFormat)
  return await orReport(log, async () => {
    const settings = readSettings(flags.configFile)
    const text = readText(flags.topologyFile, TOPOLOGY_WORDS)
    const check = (versions: Versions) => checkTopology(flags.topologyFile, text, { limits: settings.limits, versions })
    const topology = await check(new Map())
    return await serve(topology, settings, { ...flags, log, recheck: flags.reload ? check : undefined })
  })
}

/** What `work` returns; where it throws, the failed start is logged. Nothing logged is left behind. */
export async function orReport(log: LogRoot, work: () => Promise<number>): Promise<number> {
  try {
    return await work()
  } catch (error) {
    const [causes, details] = explain(error)
    logStartFailure(log.logger('shotover::runner'), causes, details)
    return START_FAILED
  } finally {
    await log.flush()
  }
}

/** The causes of a failed start, and what there is to know beyond them. */
function explain(error: unknown): [readonly string[], string] {
  if (error instanceof ConfigError) return [error.causes, error.describe()]
  if (error instanceof DirectiveError) return [[error.message], 'it stands in the environment variable RUST_LOG']
  if (error instanceof Error) return [causesOf(error), error.stack ?? '']
  return [[String(error)], '']
}

export interface ServeOptions {
  readonly coreThreads: number
  readonly log: LogRoot
  /** Absent: sessions may take as long as they need to end. */
  readonly drainDeadlineSeconds?: number
  /** One core thread is a thread of its own, not the main one. */
  readonly workerForOne?: boolean
  /** Checks the topology with these versions of users' modules; absent: they stay as they were read at first. */
  readonly recheck?: (versions: Versions) => Promise<CheckedTopology>
  /** Called once clients may connect. */
  readonly ready?: () => void
}

/** Serves a checked topology until the process is told to stop. Returns the exit code. Throws what keeps it from starting. */
export async function serve(
  topology: CheckedTopology,
  settings: Settings,
  { log, coreThreads, drainDeadlineSeconds, workerForOne, recheck, ready }: ServeOptions,
): Promise<number> {
  log.setFilter(settings.mainLogLevel, process.env.RUST_LOG ?? '')
  const runner = log.logger('shotover::runner')
  runner.info(`Starting Shotover ${VERSION}`)
  runner.info('', { configuration: describeSettings(settings) })
  runner.info('', { topology: describeTopology(topology) })
  for (const warning of warningsFor(topology, descriptorLimit())) runner.warn(warning)
  const { runProxy } = await import('../runtime/process.ts')
  return await runProxy(topology, settings, {
    log,
    coreThreads,
    workerForOne,
    recheck,
    drainDeadlineSeconds: drainDeadlineSeconds ?? null,
    onReady: () => ready?.(),
  })
}
