import {
  context,
  diag,
  DiagLogLevel,
  SpanKind,
  SpanStatusCode,
  trace as api,
  type Context,
  type Tracer,
} from '@opentelemetry/api'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto'
import { resourceFromAttributes } from '@opentelemetry/resources'
import { BatchSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace'
import type { TracingSettings } from '../config/checked.ts'
import type { Counter, Log, Metrics } from '../core/kind.ts'
import type { Trace, TraceStage } from './trace.ts'

const QUEUE_SPANS_MAX = 8192
const EXPORT_MS = 1000
const EXPORT_TIMEOUT_MS = 10_000
const CLOSE_MS = 2000
/** The exporter's complaints that are logged in a minute: a collector that is away must not fill the log. */
const COMPLAINTS_MAX = 5
const COMPLAINTS_MS = 60_000

/** Sends traces to an OpenTelemetry collector, by OTLP over HTTP. The one place that knows OpenTelemetry's libraries. */
export class TraceExport {
  readonly #provider: TracerProvider
  readonly #tracer: Tracer
  readonly #traces: Counter

  constructor({ endpoint, serviceName }: TracingSettings, log: Log, metrics: Metrics) {
    this.#traces = metrics.counter('shotover_traces_count', {})
    complainTo(log)
    const exporter = new OTLPTraceExporter({ url: endpoint, timeoutMillis: EXPORT_TIMEOUT_MS })
    this.#provider = new TracerProvider({
      resource: resourceFromAttributes({ 'service.name': serviceName, 'process.pid': process.pid }),
      spanProcessors: [
        new BatchSpanProcessor({ exporter, maxQueueSize: QUEUE_SPANS_MAX, scheduledDelayMillis: EXPORT_MS }),
      ],
    })
    this.#tracer = this.#provider.getTracer('shotover')
  }

  write(trace: Trace): void {
    this.#traces.add(1)
    const request = this.#tracer.startSpan(trace.query === '' ? 'request' : trace.query, {
      kind: SpanKind.SERVER,
      startTime: trace.startMs,
      root: true,
      attributes: {
        'db.system.name': trace.protocol,
        'db.operation.name': trace.query,
        'client.address': trace.clientAddress,
        'client.port': trace.clientPort,
        'shotover.source': trace.source,
        'shotover.chain': trace.chain,
        'shotover.connection': trace.connection,
        'shotover.outcome': trace.outcome,
      },
    })
    if (trace.outcome === 'error') request.setStatus({ code: SpanStatusCode.ERROR })
    const root = api.setSpan(context.active(), request)
    const contexts: Context[] = []
    for (const stage of trace.stages) {
      const around = contexts[stage.within] ?? root
      const span = this.#tracer.startSpan(stage.type, spanOf(stage), around)
      contexts.push(api.setSpan(around, span))
      span.end(stage.endMs)
    }
    request.end(trace.endMs)
  }

  /** Resolves when everything is sent, or after two seconds: the end of the process does not wait for a collector. */
  async close(): Promise<void> {
    const late = Promise.withResolvers<void>()
    const timer = setTimeout(late.resolve, CLOSE_MS)
    await Promise.race([this.#provider.shutdown().catch(() => {}), late.promise])
    clearTimeout(timer)
  }
}

function spanOf({ type, name, chain, upstream, isSink, startMs }: TraceStage) {
  return {
    kind: isSink ? SpanKind.CLIENT : SpanKind.INTERNAL,
    startTime: startMs,
    attributes: {
      'shotover.transform.type': type,
      'shotover.transform.name': name,
      'shotover.chain': chain,
      ...(upstream === null ? {} : { 'server.address': upstream }),
    },
  }
}

/** What the libraries have to say goes to the log, a few times a minute at most. */
function complainTo(log: Log): void {
  let since = -Infinity
  let count = 0
  const complain = (message: string) => {
    const now = performance.now()
    if (now - since > COMPLAINTS_MS) {
      since = now
      count = 0
    }
    if (++count <= COMPLAINTS_MAX) log.warn('traces could not be sent', { error: message })
  }
  const quiet = () => {}
  diag.setLogger({ error: complain, warn: complain, info: quiet, debug: quiet, verbose: quiet }, DiagLogLevel.WARN)
}
