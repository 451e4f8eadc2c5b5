/** Text of an error and of what caused it, in the form that Shotover's logs and error replies have. */
export function withCauses(message: string, causes: readonly string[]): string {
  if (causes.length === 0) return message
  // The further lines of a cause stand below its first one.
  const lines =
    causes.length === 1
      ? [`    ${causes[0].replaceAll('\n', '\n    ')}`]
      : causes.map((cause, index) => `${String(index).padStart(5)}: ${cause.replaceAll('\n', '\n       ')}`)
  return `${message}\n\nCaused by:\n${lines.join('\n')}`
}

/** The messages of an error's chain of causes, outermost first. */
export function causesOf(error: Error): string[] {
  const causes: string[] = []
  for (let at: unknown = error; at instanceof Error && causes.length < 16; at = at.cause) causes.push(at.message)
  return causes
}

/** Words of the system for the error codes that connections meet, as Rust prints them. */
const SYSTEM_ERRORS: Record<string, string> = {
  ENOENT: 'No such file or directory (os error 2)',
  EISDIR: 'Is a directory (os error 21)',
  ECONNREFUSED: 'Connection refused (os error 111)',
  ECONNRESET: 'Connection reset by peer (os error 104)',
  EPIPE: 'Broken pipe (os error 32)',
  EADDRINUSE: 'Address already in use (os error 98)',
  EADDRNOTAVAIL: 'Cannot assign requested address (os error 99)',
  EACCES: 'Permission denied (os error 13)',
  EHOSTUNREACH: 'No route to host (os error 113)',
  ENETUNREACH: 'Network is unreachable (os error 101)',
  ETIMEDOUT: 'Connection timed out (os error 110)',
  EMFILE: 'Too many open files (os error 24)',
}

export function systemErrorText(error: Error): string {
  const known = SYSTEM_ERRORS[(error as NodeJS.ErrnoException).code ?? '']
  if (known !== undefined) return known
  // Of a name with several addresses each has failed in its way.
  return error instanceof AggregateError ? error.errors.map((one) => (one as Error).message).join('; ') : error.message
}

/** An error of the system in its own words, with its code. */
export function systemError(error: Error): Error {
  return Object.assign(new Error(systemErrorText(error)), { code: (error as NodeJS.ErrnoException).code })
}

/** Something did not come to its end in the time that it may take. */
export class LateError extends Error {}

/** Why a TLS handshake failed. */
export type HandshakeReason = 'closed' | 'timeout' | 'certificate' | 'refused' | 'protocol' | 'shutdown'

/** A connection stands, but TLS on it could not be established. */
export class HandshakeError extends Error {
  readonly reason: HandshakeReason

  constructor(message: string, reason: HandshakeReason) {
    super(message)
    this.reason = reason
  }
}
