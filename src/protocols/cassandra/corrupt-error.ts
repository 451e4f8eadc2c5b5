/** A body is not what it announces: it ends too early, or can't be decompressed. */
export class CorruptError extends Error {}
