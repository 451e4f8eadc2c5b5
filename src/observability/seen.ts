import type { AccessLogSettings, Settings, TracingSettings } from '../config/checked.ts'
import type { Metrics } from '../core/kind.ts'
import { AccessLogFile } from './access-log-file.ts'
import type { LogRoot } from './log.ts'
import type { ObserveSettings, ObserveSinks } from './observe.ts'
import type { Trace } from './trace.ts'

/** What threads have seen of requests leaves the process here. */
export interface Seen extends ObserveSinks {
  readonly settings: ObserveSettings
  /** Resolves when nothing is left in the process, or its time is up. */
  close(): Promise<void>
}

/** Opens the access log and loads what sends traces, each where the settings want it. Throws where that can't be done. */
export async function openSeen({ accessLog, tracing }: Settings, log: LogRoot, metrics: Metrics): Promise<Seen> {
  const access = accessLog === undefined ? null : openAccessLog(accessLog, log, metrics)
  const tracer = tracing === undefined ? null : await openTracer(tracing, log, metrics)
  return {
    settings: { accessLog: accessLog?.sample ?? 0, tracing: tracing?.sample ?? 0 },
    onAccess: (lines) => access?.write(lines),
    onTrace: (trace) => tracer?.write(trace),
    async close() {
      await Promise.all([access?.close(), tracer?.close()])
    },
  }
}

interface Writer<Item> {
  write(item: Item): void
  close(): Promise<void>
}

function openAccessLog({ path }: AccessLogSettings, log: LogRoot, metrics: Metrics): Writer<string> {
  if (path !== null) return new AccessLogFile(path, log.logger('shotover::access_log'), metrics)
  return { write: (lines) => log.writeLine(lines), close: () => Promise.resolve() }
}

/** The libraries are loaded only where somebody traces: 28 MB. */
async function openTracer(settings: TracingSettings, log: LogRoot, metrics: Metrics): Promise<Writer<Trace>> {
  const { TraceExport } = await import('./trace-export.ts')
  return new TraceExport(settings, log.logger('shotover::tracing'), metrics)
}
