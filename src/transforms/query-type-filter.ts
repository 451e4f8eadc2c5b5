// Hot path
import type { Batch } from '../core/exchange.ts'
import type { Frame } from '../core/frame.ts'
import { transform, type Zod } from '../core/kind.ts'
import type { Protocol, QueryFacet, QueryType } from '../core/protocol.ts'
import type { Link } from '../core/transform.ts'

const MESSAGE = 'Message was filtered out by shotover'

const TYPES: readonly QueryType[] = ['Read', 'Write', 'ReadWrite', 'SchemaChange', 'PubSubMessage']
const list = (z: Zod) => z.array(z.enum(TYPES)).optional()

/** Which requests are refused. */
class Verdicts {
  readonly #queries: QueryFacet
  readonly #refusedTypes: ReadonlySet<QueryType>
  /** 1: refused; by code, where the code tells. */
  readonly #byCode: Uint8Array

  constructor(queries: QueryFacet, refusedTypes: ReadonlySet<QueryType>) {
    this.#queries = queries
    this.#refusedTypes = refusedTypes
    const { codes } = queries
    this.#byCode = new Uint8Array(codes?.count ?? 0)
    for (let code = 0; code < this.#byCode.length; code++)
      if (refusedTypes.has(codes!.type(code))) this.#byCode[code] = 1
  }

  refuses(request: Frame): boolean {
    const verdict = this.#byCode[request.code]
    return verdict === undefined ? this.#refusedTypes.has(this.#queries.type(request)) : verdict === 1
  }
}

/** Answers what is refused, from `first` on, and forwards the rest. */
// Cold: something is filtered out
function split(batch: Batch, first: number, verdicts: Verdicts, protocol: Protocol, link: Link): void {
  const refused: Batch = []
  const passed = batch.slice(0, first)
  for (let i = first; i < batch.length; i++) {
    const exchange = batch[i]!
    if (!verdicts.refuses(exchange.request)) {
      passed.push(exchange)
      continue
    }
    exchange.response = protocol.failure(exchange.request, 'rejected', MESSAGE)
    if (exchange.response === null) return link.fail(new Error(MESSAGE))
    refused.push(exchange)
  }
  link.reply(refused)
  if (passed.length !== 0) link.forward(passed)
}

/** Lets only some types of queries through; the others are answered with an error. */
export const queryTypeFilter = transform({
  type: 'QueryTypeFilter',
  doc: 'Lets only some types of queries through; the others are answered with an error.',
  needs: ['queries'],
  options: (z) =>
    z
      .strictObject({
        AllowList: list(z).describe('Types of queries that pass; all others are answered with an error.'),
        DenyList: list(z).describe('Types of queries that are answered with an error; all others pass.'),
      })
      .refine(({ AllowList, DenyList }) => (AllowList === undefined) !== (DenyList === undefined), {
        message: 'Need to provide exactly one of these fields:\n* AllowList\n* DenyList',
      }),
  example: { DenyList: ['Write'] },
  create({ AllowList, DenyList }) {
    const refusedTypes = AllowList === undefined ? new Set(DenyList) : new Set(TYPES).difference(new Set(AllowList))
    let verdicts: Verdicts | null = null
    return ({ protocol }) => {
      const shared = (verdicts ??= new Verdicts(protocol.queries!, refusedTypes))
      return {
        onRequests(batch, link) {
          for (let i = 0; i < batch.length; i++)
            if (shared.refuses(batch[i]!.request)) return split(batch, i, shared, protocol, link)
          link.forward(batch)
        },
      }
    }
  },
})
