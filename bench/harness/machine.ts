import { execFileSync } from 'node:child_process'
import { availableParallelism, cpus, loadavg, release, totalmem } from 'node:os'
import { readFileSync } from 'node:fs'
import { machineTicks } from './proc.ts'
import type { Processes } from './processes.ts'

/** What a reader of the results has to know of where they come from. */
export interface Machine {
  readonly cpu: string
  readonly cores: number
  readonly memoryGb: number
  readonly system: string
  readonly kernel: string
  readonly node: string
  readonly load: number
}

function systemName(): string {
  try {
    return /^PRETTY_NAME="(.*)"$/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1] ?? process.platform
  } catch {
    return process.platform
  }
}

export function machine(): Machine {
  return {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: availableParallelism(),
    memoryGb: Math.round(totalmem() / 2 ** 30),
    system: systemName(),
    kernel: release(),
    node: process.version,
    load: loadavg()[0],
  }
}

export function machineLine(of: Machine): string {
  return `${of.cores} cores (${of.cpu}), ${of.memoryGb} GB, ${of.system}, kernel ${of.kernel}, Node ${of.node}, load at the start ${of.load.toFixed(1)}`
}

/** The commit that ours was measured at, and whether files differ from it; empty outside of a repository. */
export function commit(): string {
  const git = (...args: string[]): string =>
    execFileSync('git', args, {
      cwd: import.meta.dirname,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim()
  try {
    const changed = git('status', '--porcelain', '--untracked-files=no', '--', '../../src') !== ''
    return `${git('rev-parse', '--short', 'HEAD')}${changed ? ' and changes' : ''}`
  } catch {
    return ''
  }
}

/** Above this share of the machine's time for others, figures are not to be trusted. */
const BUSY_SHARE = 0.1

/** Starts to watch; the function that comes back tells which share of the machine's CPU time others took since: 0 to 1. */
export function watchOthers(processes: Processes): () => number {
  const machineBefore = machineTicks()
  const ownBefore = processes.cpuTicks()
  return () => {
    const after = machineTicks()
    const others = after.busy - machineBefore.busy - (processes.cpuTicks() - ownBefore)
    return Math.max(0, others / (after.total - machineBefore.total))
  }
}

export function othersLine(share: number): string {
  const busy = share > BUSY_SHARE ? ': a busy machine, figures are uncertain' : ''
  return `Other processes took ${Math.round(share * 100)} % of the machine's CPU time during the run${busy}.`
}
