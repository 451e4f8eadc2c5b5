// Opcodes and flags of the CQL native protocol, native_protocol_v5.spec 2.2 and 2.4.

export const ERROR = 0x00
export const STARTUP = 0x01
export const READY = 0x02
export const AUTHENTICATE = 0x03
export const OPTIONS = 0x05
export const SUPPORTED = 0x06
export const QUERY = 0x07
export const RESULT = 0x08
export const PREPARE = 0x09
export const EXECUTE = 0x0a
export const REGISTER = 0x0b
export const EVENT = 0x0c
export const BATCH = 0x0d
export const AUTH_CHALLENGE = 0x0e
export const AUTH_RESPONSE = 0x0f
export const AUTH_SUCCESS = 0x10

const NAMES: readonly string[] = [
  'Error',
  'Startup',
  'Ready',
  'Authenticate',
  '',
  'Options',
  'Supported',
  'Query',
  'Result',
  'Prepare',
  'Execute',
  'Register',
  'Event',
  'Batch',
  'AuthChallenge',
  'AuthResponse',
  'AuthSuccess',
]

/** Name of a message, as logs and labels have it. */
export function opcodeName(opcode: number): string {
  return NAMES[opcode] || `Opcode ${opcode}`
}

export const FLAG_COMPRESSED = 0x01
export const FLAG_TRACING = 0x02
export const FLAG_PAYLOAD = 0x04
export const FLAG_WARNING = 0x08

/** Kinds of RESULT, 4.2.5. */
export const RESULT_VOID = 1
export const RESULT_ROWS = 2
export const RESULT_SET_KEYSPACE = 3
export const RESULT_PREPARED = 4
export const RESULT_SCHEMA_CHANGE = 5

/** Codes of ERROR, 9. */
export const ERROR_SERVER = 0x0000
export const ERROR_PROTOCOL = 0x000a
export const ERROR_OVERLOADED = 0x1001
export const ERROR_INVALID = 0x2200
export const ERROR_UNPREPARED = 0x2500
