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
  log(line: string): void
}

/** A target that answers. */
export interface Started {
  readonly running: Running
  readonly port: number
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

/** The key that every target is asked for before it is measured. */
export const READY_KEY = 'bench:ready'
const READY_VALUE = 'yes'
const READY_MS = 10_000

export async function writeReadyKey(port: number): Promise<void> {
  const reply = await ask(port, 'SET', READY_KEY, READY_VALUE)
  if (reply.text !== 'OK') throw new Error(`the server did not take a key: ${reply.text}`)
}

/** Waits until the value that stands in the backend comes through the target. */
export async function untilReady(running: Running, to: number | Place, timeoutMs = READY_MS): Promise<void> {
  const port = typeof to === 'number' ? to : to.port
  const deadline = performance.now() + timeoutMs
  let last = 'nothing'
  while (performance.now() < deadline) {
    if (!running.alive) break
    try {
      const reply = await ask(to, 'GET', READY_KEY)
      if (reply.bytes?.toString() === READY_VALUE) return
      last = reply.type + reply.text
    } catch (error) {
      last = (error as Error).message
    }
    await sleep(20)
  }
  const state = running.alive ? `does not answer on port ${port} (last: ${last})` : 'ended'
  throw new Error(`${running.name} ${state}\n${running.logTail()}`)
}

/** Whether a file is there that only some machines have. */
export function present(path: string): boolean {
  return existsSync(path)
}
