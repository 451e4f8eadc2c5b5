import { ERROR_INVALID } from '../../opcodes.ts'

/** What a client is told. */
export class MockError extends Error {
  /** native_protocol_v5.spec 9. */
  readonly code: number

  constructor(message: string, code = ERROR_INVALID) {
    super(message)
    this.code = code
  }
}
