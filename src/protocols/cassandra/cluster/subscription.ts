import type { Frame } from '../../../core/frame.ts'
import { bodyOf } from '../body/body.ts'
import { plainBody } from '../compression.ts'
import { CorruptError } from '../corrupt-error.ts'
import { responseFrame } from '../envelope.ts'
import { EVENT } from '../opcodes.ts'
import { statusEvent, type StatusChange } from './fleet-status.ts'

const EVENT_BYTES_MAX = 1024 * 1024

/** Event.Type of Apache Cassandra; drivers ask for the first three. */
const TYPES: ReadonlySet<string> = new Set(['TOPOLOGY_CHANGE', 'STATUS_CHANGE', 'SCHEMA_CHANGE', 'TRACE_COMPLETE'])

/** The types of events that a REGISTER asks for, 4.1.8; null where it can't be read, or one is none: a node refuses it then. */
export function eventsAskedFor(register: Frame): readonly string[] | null {
  try {
    const { message } = bodyOf(register)
    if (message.type !== 'register') return null
    return message.events.every((type) => TYPES.has(type.toUpperCase())) ? message.events : null
  } catch (error) {
    if (error instanceof CorruptError) return null
    throw error
  }
}

/** The events that one client asked for. They come of the proxy, in the version that the client speaks. */
export class Subscription {
  readonly #version: number
  readonly #push: (event: Frame) => void
  readonly #types = new Set<string>()

  constructor(version: number, push: (event: Frame) => void) {
    this.#version = version
    this.#push = push
  }

  add(types: readonly string[]): void {
    for (const type of types) this.#types.add(type.toUpperCase())
  }

  /** A SCHEMA_CHANGE of the cluster is told as it is. */
  onSchemaChange(event: Frame): void {
    if (!this.#types.has('SCHEMA_CHANGE')) return
    this.#push(responseFrame(this.#version, -1, EVENT, plainBody(event, EVENT_BYTES_MAX)))
  }

  onStatusChange(change: StatusChange): void {
    if (this.#types.has('STATUS_CHANGE')) this.#push(statusEvent(change, this.#version))
  }
}
