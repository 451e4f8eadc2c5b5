import { parentPort, workerData } from 'node:worker_threads'
import { LogRoot } from '../observability/log.ts'
import { logPanics } from '../observability/panics.ts'
import { Core } from './core.ts'
import type { Order, Report, WorkerStart } from './messages.ts'

const port = parentPort!
const report = (what: Report) => port.postMessage(what)

const { topology, thread, threads, log: logStart } = workerData as WorkerStart

/** Lines of all threads leave through the main one: whole, and with one bound for what waits. */
const writer = {
  write: (line: string) => report({ kind: 'line', line }),
  flush: () => Promise.resolve(),
  takeDropped: () => 0,
}
const log = new LogRoot({ format: logStart.format, colours: logStart.colours, writer })
log.setDirectives(logStart.directives)

function obey(core: Core, order: Order): void {
  switch (order.kind) {
    case 'accept':
      core.accept(order.source, order.socket, order.id)
      break
    case 'snapshot':
      report({ kind: 'snapshot', request: order.request, snapshot: core.snapshot() })
      break
    case 'directives':
      log.setDirectives(order.directives)
      break
    case 'drain':
      void core.drain().then(() => report({ kind: 'drained' }))
      break
  }
}

logPanics(log)
try {
  const onSessionClosed = (source: number) => report({ kind: 'closed', source })
  const core = await Core.start({ topology, log, thread, threads, onSessionClosed })
  port.on('message', (order: Order) => obey(core, order))
  report({ kind: 'ready' })
} catch (error) {
  report({ kind: 'failed', error: error instanceof Error ? error : new Error(String(error)) })
}
