import { callHttp, type HttpRequest, type HttpServer } from './http-call.ts'
import { KmsError } from './kms.ts'

const TIMEOUT_MS = 3000

/** Asks a key service for JSON. Rejects with KmsError; `errorIn` finds what its answer says of an error. */
export async function askJson(
  server: HttpServer,
  name: string,
  request: HttpRequest,
  errorIn: (said: Readonly<Record<string, unknown>>) => string,
): Promise<Readonly<Record<string, unknown>>> {
  const { status, body } = await callHttp(server, request, TIMEOUT_MS).catch((error: Error) => {
    throw new KmsError(`${name} can not be asked: ${error.message}`, false)
  })
  const said = parsedObject(body)
  if (status === 200 && said !== null) return said
  const why = said === null ? '' : `: ${errorIn(said)}`
  // 429 and what is wrong on its own side may be otherwise the next time; so may be who we are.
  throw new KmsError(`${name} says ${status}${why}`, status === 400 || status === 404)
}

function parsedObject(body: Buffer): Readonly<Record<string, unknown>> | null {
  try {
    const said: unknown = JSON.parse(body.toString())
    return typeof said === 'object' && said !== null && !Array.isArray(said) ? (said as Record<string, unknown>) : null
  } catch {
    // It is no JSON, and is told by its status alone.
    return null
  }
}
