import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import { request } from '../real/lines.ts'
import { RawClient } from '../real/raw-client.ts'

// What the attacks share: requests, replies as text, and what the kernel knows of a process.

/** A request of words between blanks. */
export function words(text: string): Buffer {
  return request(text.split(' '))
}

/** Sends a request and returns its reply, as it came. */
export async function ask(client: RawClient, asked: string | Buffer): Promise<string> {
  const count = client.replies.length
  client.write(typeof asked === 'string' ? words(asked) : asked)
  await client.until(count + 1, 20_000)
  return client.replies[count]?.bytes.toString('latin1') ?? '(closed)'
}

/** As `ask`, on a connection of its own. */
export async function askOnce(port: number, asked: string | Buffer): Promise<string> {
  const client = await RawClient.open(port)
  const reply = await ask(client, asked)
  client.destroy()
  return reply
}

/** A connection that nobody reads from until `resume`, and that may be reset. */
export async function openSocket(port: number): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true, allowHalfOpen: true })
  socket.pause()
  socket.on('error', () => {}) // a reset is what some of them are for
  await once(socket, 'connect')
  return socket
}

/** Asks until it holds. Rejects when that takes too long. */
export async function until(holds: () => boolean | Promise<boolean>, what: string, waitMs = 10_000): Promise<void> {
  for (const deadline = Date.now() + waitMs; !(await holds()); await wait(10))
    if (Date.now() > deadline) throw new Error(`it does not hold within ${waitMs} ms: ${what}`)
}

/** Resident memory of a process in MB. */
export function residentMb(pid: number): number {
  return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) / 1024
}

/** The most resident memory that a process ever had, in MB. */
export function peakMb(pid: number): number {
  return Number(/^VmHWM:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) / 1024
}

/** Open file descriptors of a process. */
export function descriptors(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length
}

/** The values of a metric's series, by their labels. */
export async function metric(port: number, name: string): Promise<Map<string, number>> {
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()
  const found = new Map<string, number>()
  for (const line of text.split('\n')) {
    const match = /^([^{ ]+)(\{.*\})? (\S+)$/.exec(line)
    if (match !== null && match[1] === name) found.set(match[2] ?? '', Number(match[3]))
  }
  return found
}
