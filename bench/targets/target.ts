import { existsSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Processes, Running } from '../harness/processes.ts'
import { ask } from '../load/resp-client.ts'

/** Where a target forwards to, and what starts it. */
export interface Surroundings {
  readonly processes: Processes
  readonly backendPort: number
  log(line: string): void
}

/** A target that answers. */
export interface Started {
  readonly running: Running
  readonly port: number
  readonly version: string
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
export async function untilReady(running: Running, port: number, timeoutMs = READY_MS): Promise<void> {
  const deadline = performance.now() + timeoutMs
  let last = 'nothing'
  while (performance.now() < deadline) {
    if (!running.alive) break
    try {
      const reply = await ask(port, 'GET', READY_KEY)
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
