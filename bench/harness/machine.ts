import { availableParallelism, cpus, loadavg, release, totalmem } from 'node:os'
import { readFileSync } from 'node:fs'

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
