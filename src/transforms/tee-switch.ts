import type { Control } from '../core/kind.ts'
import type { ResultSource } from './tee-result-source.ts'

const PATH = '/transform/tee/result-source'
const REGULAR = 'regular-chain'
const TEE = 'tee-chain'

/** The HTTP interface on which operators choose whose replies clients get. */
export function switchControl(port: number, source: ResultSource): Control {
  return {
    port,
    listener: 'ChainSwitchListener',
    answer(method, path, body, log) {
      if (method === 'GET' && path === '/') return { status: 200, body: `try ${PATH}` }
      if (path !== PATH) return { status: 404, body: `try ${PATH}` }
      if (method === 'GET') return { status: 200, body: source.isTee ? TEE : REGULAR }
      if (method !== 'PUT') return { status: 405, body: '' }
      if (body !== REGULAR && body !== TEE) {
        const reason = `Invalid value for result source: ${JSON.stringify(body)}, should be '${TEE}' or '${REGULAR}'`
        return { status: 500, body: `HTTP 500 error: ${reason}` }
      }
      source.isTee = body === TEE
      log.info(`result source set to ${body}`)
      return { status: 200, body: '' }
    },
  }
}
