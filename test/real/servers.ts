import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { promisify } from 'node:util'
import { fetchRedis, onPath, type RedisPrograms } from './fetch.ts'

const exec = promisify(execFile)

export interface RedisOptions {
  /** Password of the user `default`. */
  readonly password?: string
  /** ACL rules, one user each: `alice on >secret ~* &* +@all`. */
  readonly users?: readonly string[]
  /** Further arguments of redis-server: `['--maxmemory', '10mb']`. */
  readonly extraArgs?: readonly string[]
  /** A port of the test's choice; without it a free one is drawn. */
  readonly port?: number
  /** Listen on a second port, for TLS. */
  readonly tls?: RedisTls
  /** What to run instead of Redis: `await fetchValkey()`. */
  readonly programs?: RedisPrograms
}

/** Paths of PEM files. */
export interface RedisTls {
  readonly certificate: string
  readonly key: string
  readonly authority: string
  /** Whether clients must have a certificate. */
  readonly authClients: boolean
  /** As the server calls them, `TLSv1.2 TLSv1.3`; absent: both. */
  readonly protocols?: string
}

/** Longest that a server may take to answer its first PING, or to let go of its port. */
const START_MS = 20_000
/** Longest that a server may take to end after SIGTERM. */
const STOP_MS = 5_000
const DRAWS_MAX = 20

/** Starts a server on loopback that keeps nothing on disk, and waits until it answers. It ends with the process that started it. */
export async function startRedis(options: RedisOptions = {}): Promise<RedisServer> {
  const programs = options.programs ?? (await fetchRedis())
  for (let draw = 1; ; draw++) {
    const server = new RedisServer(programs, options.port ?? drawPort(), options)
    try {
      await server.start()
      return server
    } catch (error) {
      server.remove()
      if (!server.portTaken || options.port !== undefined || draw === DRAWS_MAX) throw error
    }
  }
}

/** A port below the range from which the kernel draws those of clients; whether it is free shows when it is bound. */
export function drawPort(): number {
  return 10_000 + Math.floor(Math.random() * 22_000)
}

export class RedisServer {
  readonly host = '127.0.0.1'
  readonly port: number
  /** Where it speaks TLS, if it does. */
  readonly tlsPort = drawPort()
  readonly #programs: RedisPrograms
  readonly #options: RedisOptions
  readonly #folder: string
  #process: ChildProcess | null = null
  #log = ''

  constructor(programs: RedisPrograms, port: number, options: RedisOptions) {
    this.port = port
    this.#programs = programs
    this.#options = options
    this.#folder = mkdtempSync(join(tmpdir(), 'shotover-redis-'))
    // Passwords and ACL rules go through a file: nothing in them reads as an option there.
    const lines = [
      `bind ${this.host}`,
      `port ${port}`,
      `dir ${this.#folder}`,
      'save ""',
      'appendonly no',
      'daemonize no',
      ...(options.tls === undefined ? [] : tlsLines(this.tlsPort, options.tls)),
      ...(options.password === undefined ? [] : [`requirepass "${options.password}"`]),
      ...(options.users ?? []).map((user) => `user ${user}`),
    ]
    writeFileSync(join(this.#folder, 'redis.conf'), `${lines.join('\n')}\n`)
  }

  get address(): string {
    return `${this.host}:${this.port}`
  }

  /** Process id, while it runs. */
  get pid(): number {
    if (this.#process?.pid === undefined) throw new Error(`the server on ${this.address} does not run`)
    return this.#process.pid
  }

  get running(): boolean {
    return this.#process !== null
  }

  /** What the server has logged since its last start. */
  get log(): string {
    return this.#log
  }

  get portTaken(): boolean {
    return this.#log.includes('Address already in use')
  }

  async start(): Promise<void> {
    if (this.#process !== null) throw new Error(`the server on ${this.address} runs already`)
    this.#log = ''
    const args = [join(this.#folder, 'redis.conf'), ...(this.#options.extraArgs ?? [])]
    const child = spawnBound(this.#programs.server, args, this.#programs.env)
    this.#process = child
    const keep = (chunk: Buffer) => (this.#log += chunk.toString())
    child.stdout?.on('data', keep)
    child.stderr?.on('data', keep)
    const ended = () => {
      if (this.#process === child) this.#process = null
    }
    child.once('error', (error) => {
      this.#log += error.message
      ended()
    })
    child.once('close', ended)
    if (!(await this.#answers(child))) {
      await this.kill()
      throw new Error(`${this.#programs.server} did not start on ${this.address}:\n${this.#log}`)
    }
  }

  /** Asks until the server takes commands; false once it has ended or its time is up. */
  async #answers(child: ChildProcess): Promise<boolean> {
    for (const deadline = Date.now() + START_MS; Date.now() < deadline && this.#process === child; await wait(5)) {
      // The port may be another process's: only what listens as our child counts.
      if (this.#log.includes('Ready to accept connections') && (await ping(this.host, this.port))) return true
    }
    return false
  }

  /** Ends the server as an operator would (SIGTERM) and removes what it kept. */
  async stop(): Promise<void> {
    const child = this.#process
    if (child !== null) {
      const closed = new Promise((resolve) => child.once('close', resolve))
      child.kill('SIGCONT')
      child.kill('SIGTERM')
      const late = setTimeout(() => child.kill('SIGKILL'), STOP_MS)
      await closed
      clearTimeout(late)
    }
    this.remove()
  }

  /** Ends the server at once (SIGKILL), its connections with it. `restart()` brings it back. */
  async kill(): Promise<void> {
    const child = this.#process
    if (child === null) return
    const closed = new Promise((resolve) => child.once('close', resolve))
    child.kill('SIGKILL')
    await closed
  }

  /** A new, empty server on the same port; one that still runs is killed first. */
  async restart(): Promise<void> {
    await this.kill()
    for (const deadline = Date.now() + START_MS; ;) {
      try {
        return await this.start()
      } catch (error) {
        if (!this.portTaken || Date.now() > deadline) throw error
      }
    }
  }

  /** Stops the server in its tracks (SIGSTOP): the kernel goes on accepting and buffering for it. */
  pause(): void {
    process.kill(this.pid, 'SIGSTOP')
  }

  resume(): void {
    process.kill(this.pid, 'SIGCONT')
  }

  /** Runs redis-cli on the server, as `default`. Rejects when it ends with an error. */
  cli(...args: string[]): Promise<string> {
    return runCli(this.#programs, { host: this.host, port: this.port, password: this.#options.password }, args)
  }

  /** Removes the server's files; it must have ended. */
  remove(): void {
    rmSync(this.#folder, { recursive: true, force: true })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }
}

function tlsLines(port: number, { certificate, key, authority, authClients, protocols }: RedisTls): string[] {
  return [
    `tls-port ${port}`,
    `tls-cert-file ${certificate}`,
    `tls-key-file ${key}`,
    `tls-ca-cert-file ${authority}`,
    `tls-auth-clients ${authClients ? 'yes' : 'no'}`,
    ...(protocols === undefined ? [] : [`tls-protocols "${protocols}"`]),
  ]
}

/** Runs redis-cli on any address, such as the proxy's: its output without the last line end. */
export async function runCli(
  programs: RedisPrograms,
  at: { host: string; port: number; password?: string },
  args: readonly string[],
): Promise<string> {
  const env = at.password === undefined ? programs.env : { ...programs.env, REDISCLI_AUTH: at.password }
  const all = ['-h', at.host, '-p', String(at.port), ...args]
  const { stdout } = await exec(programs.cli, all, { env, timeout: 60_000, maxBuffer: 64 * 1024 * 1024 })
  return stdout.replace(/\n$/, '')
}

const running = new Set<ChildProcess>()
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})

/** Starts a process that ends with this one even if this one is killed, where util-linux has the tool for it. */
export function spawnBound(program: string, args: string[], env: NodeJS.ProcessEnv): ChildProcess {
  const setpriv = process.platform === 'linux' ? onPath('setpriv') : null
  const [command, all] = setpriv === null ? [program, args] : [setpriv, ['--pdeathsig', 'KILL', program, ...args]]
  const child = spawn(command, all, { env, stdio: ['ignore', 'pipe', 'pipe'] })
  running.add(child)
  child.once('error', () => running.delete(child))
  child.once('close', () => running.delete(child))
  return child
}

/** Whether a server at this address takes commands; one that wants a password first does. */
function ping(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: 1_000 })
    let reply = ''
    const end = (answered: boolean) => {
      socket.destroy()
      resolve(answered)
    }
    socket.once('connect', () => socket.write('PING\r\n'))
    socket.on('data', (chunk) => {
      reply += chunk.toString('latin1')
      if (reply.endsWith('\r\n')) end(/^(\+PONG|-NOAUTH|-NOPERM)/.test(reply))
    })
    socket.once('timeout', () => end(false))
    socket.once('error', () => end(false))
    socket.once('close', () => end(false))
  })
}
