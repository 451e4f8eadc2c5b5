import { readdirSync, readFileSync } from 'node:fs'

/** /proc counts CPU time in USER_HZ, which Linux fixes at 100 a second on x86-64 and arm64. */
export const TICK_US = 10_000

export interface CpuTicks {
  readonly own: number
  /** Of children that ended and were waited for. */
  readonly children: number
}

/**
 * CPU time of a process and all its threads, those that ended included: utime + stime, and cutime + cstime (proc_pid_stat(5),
 * fields 14 to 17). The name in field 2 may hold spaces and brackets, so fields count from the last bracket.
 */
export function parseStat(text: string): CpuTicks {
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  const [utime, stime, cutime, cstime] = fields.slice(11, 15).map(Number)
  if (!Number.isInteger(utime) || !Number.isInteger(cstime)) throw new Error(`not the stat line of a process: ${text}`)
  return { own: utime + stime, children: cutime + cstime }
}

/** A field of /proc/PID/status that is counted in kB (proc_pid_status(5)), in bytes. */
export function parseStatusBytes(text: string, field: string): number {
  const found = new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(text)
  if (found === null) throw new Error(`no ${field} in the status of a process`)
  return Number(found[1]) * 1024
}

/** Ticks in which the machine's CPUs were busy and in which they were there at all: line 1 of /proc/stat (proc_stat(5)). */
export function parseMachine(text: string): { busy: number; total: number } {
  const fields = text.slice(0, text.indexOf('\n')).trim().split(/\s+/).slice(1, 9).map(Number)
  const total = fields.reduce((sum, ticks) => sum + ticks, 0)
  return { busy: total - fields[3] - fields[4], total }
}

export function cpuTicks(pid: number | 'self'): CpuTicks {
  return parseStat(readFileSync(`/proc/${pid}/stat`, 'utf8'))
}

/**
 * CPU time of a process's living threads, finer than ticks: the first field of /proc/PID/task/TID/schedstat, in nanoseconds. Of use where
 * no thread ends meanwhile. Ticks where the kernel was built without it.
 */
export function cpuUs(pid: number): number {
  try {
    const threads = readdirSync(`/proc/${pid}/task`)
    const ran = threads.map((tid) => Number(readFileSync(`/proc/${pid}/task/${tid}/schedstat`, 'utf8').split(' ')[0]))
    return ran.reduce((sum, ns) => sum + ns, 0) / 1000
  } catch {
    return cpuTicks(pid).own * TICK_US
  }
}

export function rssBytes(pid: number): number {
  return parseStatusBytes(readFileSync(`/proc/${pid}/status`, 'utf8'), 'VmRSS')
}

export function machineTicks(): { busy: number; total: number } {
  return parseMachine(readFileSync('/proc/stat', 'utf8'))
}

/** Looks at a process's resident memory again and again, since a peak between two looks at the ends would be missed. */
export class RssSampler {
  max: number
  #timer: NodeJS.Timeout

  constructor(pid: number, everyMs: number) {
    this.max = rssBytes(pid)
    this.#timer = setInterval(() => {
      try {
        this.max = Math.max(this.max, rssBytes(pid))
      } catch {
        this.stop() // The process ended; whoever measures it notices at the next read of its own.
      }
    }, everyMs)
  }

  stop(): number {
    clearInterval(this.#timer)
    return this.max
  }
}
