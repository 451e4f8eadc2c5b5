import type { Frame } from '../../../core/frame.ts'
import { statementText } from '../request.ts'
import { Schema } from './schema.ts'
import { planOf } from './statement-plan.ts'
import { systemTable } from './system-select.ts'
import { ClusterView } from './view.ts'

/** Where a QUERY would go, in words, as far as that can be told without the cluster's schema. `rack`: the proxy's own. */
export function destinationOf(request: Frame, rack: string): string {
  const { bytes, start, end } = statementText(request)
  const unknown = new ClusterView([], '', null, new Schema(new Map(), [], []))
  const control = `the node of the rack ${rack} that all such requests of the client go to`
  if (systemTable(bytes, start, end) !== null) return `${control} (the reply tells of the proxies instead of the nodes)`
  if (planOf(bytes, start, end, null, unknown).isControl) return control
  return `a node of the rack ${rack}, one that has its partition where the text and the schema tell that`
}
