import type { SourceKind } from '../../core/kind.ts'
import { valkey } from './index.ts'

/** Accepts clients that speak RESP2 or RESP3. */
export const valkeySource: SourceKind = {
  type: 'Valkey',
  doc: 'Accepts Valkey and Redis clients, RESP2 and RESP3.',
  protocol: valkey,
}
