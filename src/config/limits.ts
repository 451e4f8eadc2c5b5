import { z } from 'zod'
import type { Limits } from '../core/kind.ts'

const bytes = (text: string, least: number) => z.int().min(least).describe(text)

const SOURCE_LIMITS = {
  cut_through_bytes: bytes('Messages larger than this pass in parts while they arrive.', 1024).optional(),
  frame_bytes_max: bytes(
    'Largest message that is ever assembled in memory, for a transform that wants it whole.',
    1024,
  ).optional(),
  quantum_frames: z
    .int()
    .min(1)
    .describe('Messages that one client may put through before the others have their turn.')
    .optional(),
  session_in_flight_max: z
    .int()
    .min(1)
    .describe('Requests of one client that may be without a reply before its reading stops.')
    .optional(),
  session_bytes_max: bytes('Bytes that one client may owe before its reading stops.', 1024).optional(),
  session_unsent_bytes: bytes(
    'Bytes waiting for one client to read them before replies to it are held back.',
    1024,
  ).optional(),
  stall_ms: z
    .int()
    .min(1)
    .describe('Milliseconds that a client which does not read may hold up a shared connection to a server.')
    .optional(),
  call_timeout_ms: z.int().min(1).describe('Milliseconds that a transform may keep requests waiting.').optional(),
  tls_handshake_timeout_ms: z
    .int()
    .min(1)
    .describe('Milliseconds that a TLS handshake may take, of a client or with a server.')
    .optional(),
  hook_block_ms: z
    .int()
    .min(1)
    .describe('Milliseconds that one call of a transform may take of its thread without being named in the log.')
    .optional(),
  hook_wait_ms: z
    .int()
    .min(1)
    .describe('Milliseconds that an asynchronous call of a transform may take without being named in the log.')
    .optional(),
}

/** `limits:` of a source. */
export const sourceLimits = z.strictObject(SOURCE_LIMITS)

/** `limits:` of config.yaml. */
export const processLimits = z.strictObject({
  ...SOURCE_LIMITS,
  process_bytes_max: bytes('Bytes that all clients together may owe.', 1024 * 1024).optional(),
})

/** Options as they are written to limits as the core has them. */
export function toLimits(options: z.infer<typeof processLimits> | undefined): Partial<Limits> {
  const limits: Record<string, number> = {}
  for (const [key, value] of Object.entries(options ?? {})) {
    if (value !== undefined) limits[key.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())] = value
  }
  return limits as Partial<Limits>
}
