import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import type { Program } from '../harness/packages.ts'

export interface LoadResult {
  readonly requestsPerSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
}

export interface Load {
  readonly port: number
  readonly command: string[]
  readonly connections: number
  readonly pipeline: number
  readonly requests: number
  /** The load is in TLS: who listens must have a certificate of the authority in this file. */
  readonly authority?: string
}

/** Reads `--csv` output: a line of column names, then one of values. Columns are found by name, since versions differ in them. */
export function parseCsv(text: string): LoadResult {
  const rows = text.split('\n').filter((line) => line.startsWith('"'))
  const cells = (line: string): string[] => [...line.matchAll(/"([^"]*)"/g)].map((match) => match[1])
  const names = cells(rows[0] ?? '')
  const values = cells(rows[1] ?? '')
  const column = (name: string): number => {
    const value = Number(values[names.indexOf(name)])
    if (!Number.isFinite(value)) throw new Error(`redis-benchmark gave no ${name}: ${text.trim() || 'no output'}`)
    return value
  }
  return { requestsPerSecond: column('rps'), p50Ms: column('p50_latency_ms'), p99Ms: column('p99_latency_ms') }
}

function args(load: Load): string[] {
  const { port, connections, pipeline, requests, command, authority } = load
  return [
    '-h',
    '127.0.0.1',
    '-p',
    `${port}`,
    '-c',
    `${connections}`,
    '-P',
    `${pipeline}`,
    '-n',
    `${requests}`,
    ...(authority === undefined ? [] : ['--tls', '--cacert', authority]),
    '--csv',
    ...command,
  ]
}

/** Children of the bench that are no servers; stopped with it. */
const running = new Set<ChildProcess>()

export async function stopLoads(): Promise<void> {
  const ended = [...running].map((child) => new Promise((resolve) => child.once('close', resolve)))
  for (const child of running) child.kill('SIGKILL')
  await Promise.all(ended)
}

/** Starts the load; the result comes when all requests were answered. An error reply ends it at once and rejects. */
export function startLoad(
  benchmark: Program,
  load: Load,
  timeoutMs: number,
): { done: Promise<LoadResult>; stop(): void } {
  const child = spawn(benchmark.path, args(load), {
    env: { ...process.env, ...benchmark.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  running.add(child)
  let stdout = ''
  let stderr = ''
  child.stdout.on('data', (chunk) => (stdout += chunk))
  child.stderr.on('data', (chunk) => (stderr += chunk))
  let late = false
  const timer = setTimeout(() => {
    late = true
    child.kill('SIGKILL')
  }, timeoutMs)
  const done = new Promise<LoadResult>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code) => {
      clearTimeout(timer)
      running.delete(child)
      if (late) return reject(new Error(`${load.requests} requests were not answered in ${timeoutMs / 1000} s`))
      if (code !== 0) return reject(new Error(`redis-benchmark: ${stderr.trim().split('\n').pop() || `exit ${code}`}`))
      try {
        resolve(parseCsv(stdout))
      } catch (error) {
        reject(error)
      }
    })
  })
  return { done, stop: () => void child.kill('SIGKILL') }
}
