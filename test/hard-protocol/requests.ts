import type { Order } from './format.ts'

export interface Request {
  readonly kind: number
  readonly stream: number
  readonly text: string
  readonly ended: boolean
}

export interface HardServerOptions {
  readonly order: Order
  /** Told of every write that has effect. */
  readonly onExecute: (connection: number, space: number, request: Request, inTransaction: boolean) => void
}

/** A message that is coming in several frames. */
export interface Arriving {
  readonly request: Request
  bytes: number
  refused: boolean
}
