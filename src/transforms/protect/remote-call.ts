import { KEY_BYTES } from './data-key.ts'
import { callHttp, type HttpRequest, type HttpServer } from './http-call.ts'
import { KmsError } from './kms.ts'

const TIMEOUT_MS = 3000

export type Json = Readonly<Record<string, unknown>>

/** Asks a key service for JSON. Rejects with KmsError; `errorIn` finds what its answer says of an error. */
export async function askJson(
  server: HttpServer,
  name: string,
  request: HttpRequest,
  errorIn: (said: Json) => string,
): Promise<Json> {
  const { status, body } = await callHttp(server, request, TIMEOUT_MS).catch((error: Error) => {
    throw new KmsError(`${name} can not be asked: ${error.message}`, false)
  })
  const said = parsedObject(body)
  if (status === 200 && said !== null) return said
  const why = said === null ? '' : `: ${errorIn(said)}`
  // 429 and what is wrong on its own side may be otherwise the next time; so may be who we are.
  throw new KmsError(`${name} says ${status}${why}`, status === 400 || status === 404)
}

/** A text in what the service `name` has said. Throws KmsError where there is none. */
export function textIn(said: Json, field: string, name: string): string {
  const text = said[field]
  if (typeof text !== 'string') throw new KmsError(`${name} gave no ${field}`, false)
  return text
}

/** A data key in it, as Base64. Throws KmsError. */
export function keyIn(said: Json, field: string, name: string): Buffer {
  const key = Buffer.from(textIn(said, field, name), 'base64')
  if (key.length !== KEY_BYTES) throw new KmsError(`${name} gave a key of ${key.length} bytes instead of ${KEY_BYTES}`, true) // prettier-ignore
  return key
}

function parsedObject(body: Buffer): Json | null {
  try {
    const said: unknown = JSON.parse(body.toString())
    return typeof said === 'object' && said !== null && !Array.isArray(said) ? (said as Json) : null
  } catch {
    // It is no JSON, and is told by its status alone.
    return null
  }
}
