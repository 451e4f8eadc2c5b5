// Hot path

/** A [short], native_protocol_v5.spec 3, that is known to be there. */
export function shortAt(bytes: Buffer, at: number): number {
  return (bytes[at]! << 8) | bytes[at + 1]!
}

/** An [int] that is known to be there. */
export function intAt(bytes: Buffer, at: number): number {
  return (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!
}
