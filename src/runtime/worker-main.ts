import { parentPort, workerData } from 'node:worker_threads'
import { LogRoot } from '../observability/log.ts'
import type { ObserveSinks } from '../observability/observe.ts'
import { logPanics } from '../observability/panics.ts'
import { Core, errorText } from './core.ts'
import type { Order, Report, WorkerStart } from './messages.ts'

const port = parentPort!
const report = (what: Report) => port.postMessage(what)

const { topology, thread, threads, observe, tls, log: logStart } = workerData as WorkerStart

/** Lines of all threads leave through the main one: whole, and with one bound for what waits. */
const writer = {
  write: (line: string) => report({ kind: 'line', line }),
  flush: () => Promise.resolve(),
  takeDropped: () => 0,
}
const log = new LogRoot({ format: logStart.format, colours: logStart.colours, writer })
log.setDirectives(logStart.directives)

/** Who waits for memory that all threads share, by the number of the question. */
const asked: ((memory: SharedArrayBuffer) => void)[] = []

function shared(key: string, bytes: number): Promise<SharedArrayBuffer> {
  return new Promise((resolve) => report({ kind: 'share', request: asked.push(resolve) - 1, key, bytes }))
}

type CoreOrder = Exclude<Order, { readonly kind: 'shared' }>

let core: Core | null = null
/** What came before there was a core. */
const early: CoreOrder[] = []

function hear(order: Order): void {
  if (order.kind === 'shared') asked[order.request](order.memory)
  else if (core === null) early.push(order)
  else obey(core, order)
}

function obey(by: Core, order: CoreOrder): void {
  switch (order.kind) {
    case 'accept':
      by.accept(order.source, order.socket, order.id)
      break
    case 'snapshot':
      report({ kind: 'snapshot', request: order.request, snapshot: by.snapshot() })
      break
    case 'directives':
      log.setDirectives(order.directives)
      break
    case 'ping':
      report({ kind: 'alive' })
      break
    case 'prepare':
      by.swap.prepare(order.topology, order.swap).then(
        () => report({ kind: 'prepared', request: order.request, error: null }),
        (error: unknown) => report({ kind: 'prepared', request: order.request, error: errorText(error) }),
      )
      break
    case 'commit':
      by.swap.commit()
      break
    case 'abandon':
      by.swap.abandon()
      break
    case 'revert':
      by.revert(order.topology)
      break
    case 'tls':
      by.updateTls(order.key, order.material)
      break
    case 'drain':
      void by.drain().then(() => report({ kind: 'drained' }))
      break
  }
}

logPanics(log)
port.on('message', hear)
try {
  const onSessionClosed = (source: number) => report({ kind: 'closed', source })
  const onGivenUp = (swap: number, error: string) => report({ kind: 'given-up', swap, error })
  const seen: ObserveSinks = {
    onAccess: (lines) => report({ kind: 'access', lines }),
    onTrace: (trace) => report({ kind: 'trace', trace }),
  }
  const own = { onSessionClosed, onGivenUp }
  core = await Core.start({ topology, log, thread, threads, shared, tls, observe, seen, ...own })
  for (const order of early) obey(core, order)
  report({ kind: 'ready' })
} catch (error) {
  report({ kind: 'failed', error: error instanceof Error ? error : new Error(String(error)) })
  // Nothing else keeps the thread.
  port.off('message', hear)
}
