import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { cpuTicks } from './proc.ts'

/** Milliseconds that a process has between SIGTERM and SIGKILL. */
const GRACE_MS = 3000

/** A process that the bench started. It is signalled through its handle only, so never after its pid was given to another. */
export class Running {
  readonly name: string
  readonly pid: number
  readonly logFile: string
  readonly exited: Promise<void>
  #child: ChildProcess
  #gone = false

  constructor(name: string, child: ChildProcess, logFile: string) {
    this.name = name
    this.pid = child.pid ?? -1
    this.logFile = logFile
    this.#child = child
    this.exited = new Promise((resolve) => {
      const gone = (): void => {
        this.#gone = true
        resolve()
      }
      child.once('exit', gone)
      child.once('error', gone)
    })
  }

  get alive(): boolean {
    return !this.#gone
  }

  signal(name: NodeJS.Signals): void {
    if (!this.#gone) this.#child.kill(name)
  }

  /** SIGTERM, and SIGKILL for one that does not end. */
  async stop(): Promise<void> {
    if (this.#gone) return
    this.signal('SIGTERM')
    const timer = setTimeout(() => this.signal('SIGKILL'), GRACE_MS)
    await this.exited
    clearTimeout(timer)
  }

  /** The end of what it wrote to stdout and stderr. */
  logTail(lines = 6): string {
    try {
      return readFileSync(this.logFile, 'utf8').trimEnd().split('\n').slice(-lines).join('\n')
    } catch {
      return ''
    }
  }
}

/** Everything that one bench run started, and the folder of its files; `stopAll` leaves nothing behind. */
export class Processes {
  readonly dir: string = mkdtempSync(join(tmpdir(), 'shotover-bench-'))
  #running: Running[] = []
  #count = 0

  start(
    name: string,
    command: string,
    args: string[],
    options: { env?: NodeJS.ProcessEnv; cwd?: string } = {},
  ): Running {
    const logFile = join(this.dir, `${name}-${this.#count++}.log`)
    const log = openSync(logFile, 'a')
    const env = { ...process.env, ...options.env }
    const child = spawn(command, args, { stdio: ['ignore', log, log], env, cwd: options.cwd ?? this.dir })
    closeSync(log)
    return this.#add(new Running(name, child, logFile))
  }

  /** A process that somebody else started, who keeps what it says: from now on it counts, and ends, with the others. */
  adopt(name: string, child: ChildProcess): Running {
    return this.#add(new Running(name, child, ''))
  }

  #add(running: Running): Running {
    this.#running.push(running)
    return running
  }

  /** CPU time, in ticks, of all that the bench is: itself, what it started, and what of that has ended. */
  cpuTicks(): number {
    const self = cpuTicks('self')
    const alive = this.#running.filter((running) => running.alive)
    return alive.reduce((sum, { pid }) => sum + cpuTicks(pid).own, self.own + self.children)
  }

  async stopAll(): Promise<void> {
    await Promise.all(this.#running.map((running) => running.stop()))
    this.#running = []
    rmSync(this.dir, { recursive: true, force: true })
  }
}
