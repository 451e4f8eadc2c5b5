import type { ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { drawPort, spawnBound } from './servers.ts'

export interface ProxyOptions {
  /** Address of the server behind it, `127.0.0.1:6379`: a Valkey source in front of a ValkeySinkSingle. */
  readonly upstream?: string
  /** A topology of the test's own; it is given the address to listen on. */
  readonly topology?: (listen: string) => string
  /** Lines of config.yaml besides the log level. */
  readonly config?: string
  /** Further arguments of `./shotover`. */
  readonly args?: readonly string[]
  /** A port of the test's choice; without it a free one is drawn. */
  readonly port?: number
  /** Core threads; 1 unless told otherwise. */
  readonly coreThreads?: number
}

/** One line of the proxy's log. */
export interface LogLine {
  readonly level: string
  readonly target: string
  readonly message: string
  readonly fields: Readonly<Record<string, unknown>>
  /** The connection that it belongs to, where the filter has spans. */
  readonly span: Readonly<Record<string, unknown>> | null
}

/** Name of the chain that `upstream` makes: the source's. */
export const CHAIN = 'valkey'
const READY = 'Shotover is now accepting inbound connections'
const START_MS = 20_000
const STOP_MS = 20_000
const DRAWS_MAX = 20
const root = dirname(dirname(import.meta.dirname))

/** Starts `./shotover` and waits until it takes clients. It ends with the process that started it. */
export async function startProxy(options: ProxyOptions): Promise<Proxy> {
  for (let draw = 1; ; draw++) {
    const proxy = new Proxy(options.port ?? drawPort(), options)
    if (await proxy.ready()) return proxy
    const code = await proxy.kill()
    if (!proxy.portTaken || options.port !== undefined || draw === DRAWS_MAX)
      throw new Error(`the proxy did not start on ${proxy.address} (exit code ${code}):\n${proxy.output}`)
  }
}

/** Valkey -> ValkeySinkSingle, as Shotover's own example has it. */
export function passthrough(listen: string, upstream: string): string {
  return `sources:
  - Valkey:
      name: "valkey"
      listen_addr: "${listen}"
      connection_limit: 2000
      chain:
        - ValkeySinkSingle:
            name: "sink"
            remote_address: "${upstream}"
            connect_timeout_ms: 3000
`
}

export class Proxy {
  readonly host = '127.0.0.1'
  readonly port: number
  readonly pid: number
  /** Exit code, once it has ended; null after a signal. */
  readonly ended: Promise<number | null>
  /** What it has logged. */
  readonly logs: LogLine[] = []
  readonly #process: ChildProcess
  readonly #folder: string
  #running = true
  #unfinished = ''
  #output = ''
  #watchers = new Set<() => void>()

  constructor(port: number, options: ProxyOptions) {
    this.port = port
    this.#folder = mkdtempSync(join(tmpdir(), 'shotover-proxy-'))
    const topology = options.topology?.(this.address) ?? passthrough(this.address, options.upstream ?? '')
    const files = [join(this.#folder, 'topology.yaml'), join(this.#folder, 'config.yaml')] as const
    writeFileSync(files[0], topology)
    writeFileSync(files[1], `main_log_level: "info, shotover=info"\n${options.config ?? ''}\n`)
    const args = ['-t', files[0], '-c', files[1], '--core-threads', String(options.coreThreads ?? 1)]
    const all = [...args, '--log-format', 'json', ...(options.args ?? [])]
    this.#process = spawnBound(join(root, 'shotover'), all, process.env)
    this.pid = this.#process.pid ?? 0
    this.#process.stdout?.on('data', (chunk: Buffer) => this.#read(chunk.toString()))
    this.#process.stderr?.on('data', (chunk: Buffer) => (this.#output += chunk.toString()))
    this.ended = new Promise((resolve) => {
      this.#process.once('error', (error) => {
        this.#output += error.message
        resolve(null)
      })
      this.#process.once('close', resolve)
    })
    void this.ended.then(() => {
      this.#running = false
      rmSync(this.#folder, { recursive: true, force: true })
      this.#tell()
    })
  }

  get address(): string {
    return `${this.host}:${this.port}`
  }

  get running(): boolean {
    return this.#running
  }

  /** Everything it has written. */
  get output(): string {
    return this.#output
  }

  get portTaken(): boolean {
    return /Address already in use/.test(this.#output)
  }

  /** Warnings and errors, as `LEVEL message`, but for those on the machine's limits and moods. */
  get complaints(): string[] {
    return this.logs
      .filter(
        ({ level, message }) =>
          /^(WARN|ERROR)$/.test(level) &&
          !/may open \d+ file descriptors|blocked its thread for|does not answer: it is busy/.test(message),
      )
      .map(({ level, message, fields }) => `${level} ${message === '' ? JSON.stringify(fields) : message}`)
  }

  /** False: it ended instead, or its time is up. */
  async ready(): Promise<boolean> {
    return await this.logged((line) => line.message === READY, START_MS).then(
      () => true,
      () => false,
    )
  }

  /** The first line of the log that is meant, also one that stands there already. Rejects when the process ends or the time is up. */
  async logged(isMeant: (line: LogLine) => boolean, timeoutMs = 5000): Promise<LogLine> {
    const deadline = Date.now() + timeoutMs
    for (let at = 0; ; at++) {
      while (at === this.logs.length) {
        const left = deadline - Date.now()
        if (left <= 0 || !this.#running) throw new Error(`not in the log of the proxy:\n${this.#output}`)
        await this.#more(left)
      }
      const line = this.logs[at]!
      if (isMeant(line)) return line
    }
  }

  signal(signal: NodeJS.Signals): void {
    this.#process.kill(signal)
  }

  /** Ends it as an operator would (SIGTERM). Returns the exit code, null where it had to be killed. */
  async stop(): Promise<number | null> {
    this.signal('SIGCONT')
    this.signal('SIGTERM')
    const late = setTimeout(() => this.signal('SIGKILL'), STOP_MS)
    const code = await this.ended
    clearTimeout(late)
    return code
  }

  /** Ends it at once (SIGKILL). */
  kill(): Promise<number | null> {
    this.signal('SIGKILL')
    return this.ended
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill()
  }

  #more(timeoutMs: number): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(late)
        this.#watchers.delete(done)
        resolve()
      }
      const late = setTimeout(done, timeoutMs)
      this.#watchers.add(done)
    })
  }

  #tell(): void {
    for (const watcher of this.#watchers) watcher()
  }

  #read(text: string): void {
    this.#output += text
    const lines = (this.#unfinished + text).split('\n')
    this.#unfinished = lines.pop()!
    for (const line of lines) this.logs.push(parse(line))
    this.#tell()
  }
}

function parse(line: string): LogLine {
  try {
    const { level, target, fields, span } = JSON.parse(line) as Partial<LogLine> & Omit<LogLine, 'message' | 'span'>
    return {
      level,
      target,
      fields,
      span: span ?? null,
      message: typeof fields.message === 'string' ? fields.message : '',
    }
  } catch {
    return { level: 'ERROR', target: '', message: `no line of a log: ${line}`, fields: {}, span: null }
  }
}
