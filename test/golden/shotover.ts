import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'

const ROOT = join(import.meta.dirname, '../..')

export interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly out: string
  readonly error: string
}

/** A process of the command, from its source, in a folder of its own. */
export class Shotover {
  readonly process: ChildProcess
  out = ''
  error = ''
  #ended: Promise<Ended>
  #lookAgain: (() => void)[] = []

  constructor(args: readonly string[], options: { cwd: string; env?: Record<string, string>; launcher?: boolean }) {
    const [command, ...first] = options.launcher
      ? [join(ROOT, 'shotover')]
      : [process.execPath, '--disable-warning=ExperimentalWarning', join(ROOT, 'src/main.ts')]
    this.process = spawn(command, [...first, ...args], {
      cwd: options.cwd,
      env: { ...process.env, RUST_LOG: undefined, NO_COLOR: undefined, ...options.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.process.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.out += text
      for (const look of this.#lookAgain.splice(0)) look()
    })
    this.process.stderr?.setEncoding('utf8').on('data', (text: string) => (this.error += text))
    this.#ended = once(this.process, 'close').then(([code, signal]) => {
      for (const look of this.#lookAgain.splice(0)) look()
      return { code: code as number | null, signal: signal as NodeJS.Signals | null, out: this.out, error: this.error }
    })
  }

  /** Resolves when standard output has `text`. Rejects when the process ends without. */
  async said(text: string): Promise<void> {
    while (!this.out.includes(text)) {
      if (this.process.exitCode !== null || this.process.signalCode !== null) {
        throw new Error(`ended without saying "${text}":\n${this.out}${this.error}`)
      }
      await new Promise<void>((resolve) => this.#lookAgain.push(resolve))
    }
  }

  ended(): Promise<Ended> {
    return this.#ended
  }
}

/** A folder that goes when the test ends, and the processes started in it with it. */
export class Folder {
  readonly path = mkdtempSync(join(tmpdir(), 'shotover-'))
  readonly #started: Shotover[] = []

  constructor(context: TestContext) {
    context.after(async () => {
      for (const { process } of this.#started) process.kill('SIGKILL')
      for (const shotover of this.#started) await shotover.ended()
      rmSync(this.path, { recursive: true })
    })
  }

  write(name: string, text: string): void {
    writeFileSync(join(this.path, name), text)
  }

  start(args: readonly string[], options: { env?: Record<string, string>; launcher?: boolean } = {}): Shotover {
    const shotover = new Shotover(args, { cwd: this.path, ...options })
    this.#started.push(shotover)
    return shotover
  }

  /** Runs the command to its end. */
  run(args: readonly string[], options: { env?: Record<string, string>; launcher?: boolean } = {}): Promise<Ended> {
    return this.start(args, options).ended()
  }
}

/** A port of 127.0.0.1 that is free now, below those that the system draws for others. */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < 100; attempt++) {
    const port = 10_000 + Math.floor(Math.random() * 22_000)
    const server = createServer()
    server.listen(port, '127.0.0.1')
    try {
      await once(server, 'listening')
      server.close()
      await once(server, 'close')
      return port
    } catch {
      continue
    }
  }
  throw new Error('no free port')
}
