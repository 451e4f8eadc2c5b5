import type { Frame } from '../../core/frame.ts'
import { RefusedError } from '../../core/loss.ts'
import type { Greeting } from '../../core/sharing.ts'
import { BULK_ERROR, ERROR } from './resp.ts'

/** Errors by which a server says that a session is not, or no more, who it was. Others (LOADING, BUSY, too many clients) pass. */
const REFUSALS = /^(WRONGPASS|NOAUTH|NOPERM)\b/

/** All requests at once, none of which may get an error. */
export function* greetingOf(requests: readonly Frame[]): Greeting {
  if (requests.length === 0) return
  const failed = (yield requests).find(({ kind }) => kind === ERROR || kind === BULK_ERROR)
  if (failed === undefined) return
  const text = failed.bytes.toString('latin1', failed.start + 1, failed.end - 2)
  throw REFUSALS.test(text) ? new RefusedError(text) : new Error(text)
}
