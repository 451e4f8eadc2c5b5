import { existsSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Certificates } from '../harness/certificates.ts'
import type { Processes, Running } from '../harness/processes.ts'
import { ask, type Place } from '../load/resp-client.ts'

/** Where a target forwards to, and what starts it. */
export interface Surroundings {
  readonly processes: Processes
  readonly backendPort: number
  /** Where the server speaks TLS, and what with; absent: it does not. */
  readonly tls?: { readonly backendPort: number; readonly certificates: Certificates }
  /** Another server, for a second source of what can have two: to warm it up faster than the first server would. */
  readonly warmBackendPort?: number
  /** How to see that a target serves; absent: `valueComes`. */
  readonly answers?: Answers
  log(line: string): void
}

/** A target that answers. */
export interface Started {
  readonly running: Running
  readonly port: number
  /** Where its second source listens, if it has one. */
  readonly warmPort?: number
  /** What vouches for it where clients speak TLS to it; absent: in the clear. */
  readonly certificates?: Certificates
  readonly version: string
}

/** Where a target is in TLS. */
export type Ends = 'client' | 'both'

/** A proxy in TLS towards its clients: what it needs for that, and towards the server where `ends` is both. */
export function secured(around: Surroundings, ends: Ends | null) {
  if (ends === null) return { certificates: undefined, backendPort: around.backendPort, toServer: false }
  if (around.tls === undefined) throw new Error('the server of this run does not speak TLS')
  const { certificates, backendPort } = around.tls
  return { certificates, backendPort: ends === 'both' ? backendPort : around.backendPort, toServer: ends === 'both' }
}

export function placeOf({ port, certificates }: Pick<Started, 'port' | 'certificates'>): Place {
  return certificates === undefined ? { port } : { port, authorityPem: certificates.authorityPem }
}

/** One row of the table: a server, or a proxy before it. */
export interface Target {
  readonly name: string
  readonly label: string
  /** Ours must run for the bench to succeed; a peer that is missing is named and skipped. */
  readonly ours: boolean
  start(around: Surroundings): Promise<Started>
}

/** Asks a target for what only its server can know: null, or what came instead. Rejects where it can't be asked. */
export type Answers = (of: Place) => Promise<string | null>

/** The key that every target is asked for before it is measured. */
export const READY_KEY = 'bench:ready'
const READY_VALUE = 'yes'
const READY_MS = 10_000

export async function writeReadyKey(port: number): Promise<void> {
  const reply = await ask(port, 'SET', READY_KEY, READY_VALUE)
  if (reply.text !== 'OK') throw new Error(`the server did not take a key: ${reply.text}`)
}

/** The value that stands in the backend comes through the target. */
async function valueComes(of: Place): Promise<string | null> {
  const reply = await ask(of, 'GET', READY_KEY)
  return reply.bytes?.toString() === READY_VALUE ? null : reply.type + reply.text
}

/** Waits until the server answers through the target. */
export async function untilReady(running: Running, to: number | Place, answers: Answers = valueComes): Promise<void> {
  const place = typeof to === 'number' ? { port: to } : to
  const deadline = performance.now() + READY_MS
  let last: string | null = 'nothing'
  while (performance.now() < deadline) {
    if (!running.alive) break
    last = await answers(place).catch((error: Error) => error.message)
    if (last === null) return
    await sleep(20)
  }
  const state = running.alive ? `does not answer on port ${place.port} (last: ${last})` : 'ended'
  throw new Error(`${running.name} ${state}\n${running.logTail()}`)
}

/** Whether a file is there that only some machines have. */
export function present(path: string): boolean {
  return existsSync(path)
}
