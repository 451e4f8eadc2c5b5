import { z } from 'zod'
import type { Address } from '../world/world.ts'
import { addressText, isIp, parseAddress } from './addresses.ts'
import type { AccessLogSettings, Settings, TracingSettings } from './checked.ts'
import { ConfigError } from './diagnostics.ts'
import { DirectiveError, parseDirectives } from './log-directives.ts'
import { processLimits, toLimits } from './limits.ts'
import { checkOptions } from './options.ts'
import { SETTINGS_WORDS, YamlFile, readText } from './yaml-file.ts'

const share = (text: string) => z.number().gt(0).max(1).describe(text).optional()

const accessLogSchema = z.strictObject({
  path: z.string().min(1).describe('File that lines are appended to. Absent: standard output.').optional(),
  sample: share('Part of the requests that has a line, 0.01 for one in a hundred. Absent: all.'),
})

const tracingSchema = z.strictObject({
  endpoint: z
    .url({ protocol: /^https?$/, error: 'must be the URL of a collector, such as http://127.0.0.1:4318/v1/traces' })
    .describe('Where traces are sent, by OTLP over HTTP: http://127.0.0.1:4318/v1/traces.'),
  sample: share('Part of the requests that is traced. Absent: 0.01, one in a hundred.'),
  service_name: z.string().min(1).describe('Name of the service in traces. Absent: shotover.').optional(),
})

/** config.yaml. */
export const settingsSchema = z.strictObject({
  main_log_level: z
    .string()
    .describe(
      'What is logged: `level` or `target=level`, separated by commas. Levels: off, error, warn, info, debug, trace.',
    ),
  observability_interface: z
    .string()
    .describe('Address, `ip:port`, at which metrics are served and the log filter can be changed. Absent: neither.')
    .optional(),
  limits: processLimits.describe('Bounds, for all sources.').optional(),
  access_log: accessLogSchema
    .describe('Log of requests: who asked what when and how long it took, never keys or values. Absent: none.')
    .optional(),
  tracing: tracingSchema.describe('Traces of requests, for OpenTelemetry. Absent: none.').optional(),
})

/** Reads config.yaml. Throws ConfigError. */
export function readSettings(path: string): Settings {
  return checkSettings(path, readText(path, SETTINGS_WORDS))
}

/** Checks the text of a config.yaml. Throws ConfigError with everything that is wrong. */
export function checkSettings(file: string, text: string): Settings {
  const yaml: YamlFile = new YamlFile(file, text, SETTINGS_WORDS)
  const { options } = checkOptions(settingsSchema, yaml.value, {
    file: yaml,
    path: [],
    otherFields: [],
    notSupported: [],
  })
  if (options === undefined) yaml.throwProblems()
  const observability = parseObservability(yaml, options.observability_interface)
  const directives = directivesError(options.main_log_level)
  if (directives !== null) {
    const hint = 'a directive is `level` or `target=level`, such as `info, shotover::server=debug`'
    yaml.add(['main_log_level'], directives.message, hint)
    if (yaml.problemCount === 1) throw new ConfigError([directives.message], yaml.problems())
  }
  if (yaml.problemCount > 0) yaml.throwProblems()
  const { access_log: accessLog, tracing } = options
  return {
    mainLogLevel: options.main_log_level,
    observability,
    limits: toLimits(options.limits),
    ...(accessLog === undefined ? {} : { accessLog: toAccessLog(accessLog) }),
    ...(tracing === undefined ? {} : { tracing: toTracing(tracing) }),
  }
}

const TRACED_SHARE = 0.01
const SERVICE_NAME = 'shotover'

function toAccessLog({ path, sample }: z.infer<typeof accessLogSchema>): AccessLogSettings {
  return { path: path ?? null, sample: sample ?? 1 }
}

function toTracing({ endpoint, sample, service_name }: z.infer<typeof tracingSchema>): TracingSettings {
  return { endpoint, sample: sample ?? TRACED_SHARE, serviceName: service_name ?? SERVICE_NAME }
}

function parseObservability(yaml: YamlFile, text: string | undefined): Address | null {
  if (text === undefined) return null
  const address = parseAddress(text)
  if (address === null || !isIp(address.host)) {
    yaml.add(
      ['observability_interface'],
      'invalid socket address syntax',
      'write an IP address and a port, such as 127.0.0.1:9001',
    )
  }
  return address
}

function directivesError(text: string): DirectiveError | null {
  try {
    parseDirectives(text)
    return null
  } catch (error) {
    if (error instanceof DirectiveError) return error
    throw error
  }
}

/** The settings as one line for the log. */
export function describeSettings(settings: Settings): string {
  const { mainLogLevel, observability, limits, accessLog, tracing } = settings
  return JSON.stringify({
    main_log_level: mainLogLevel,
    observability_interface: observability === null ? null : addressText(observability),
    limits,
    ...(accessLog === undefined ? {} : { access_log: accessLog }),
    ...(tracing === undefined ? {} : { tracing: shownTracing(tracing) }),
  })
}

/** As logs may show it: the URL without a user's name, password or query. */
function shownTracing({ endpoint, sample, serviceName }: TracingSettings): object {
  const { protocol, host, pathname } = new URL(endpoint)
  return { endpoint: `${protocol}//${host}${pathname}`, sample, service_name: serviceName }
}
