import { z } from 'zod'
import type { Address } from '../world/world.ts'
import { addressText, isIp, parseAddress } from './addresses.ts'
import type { Settings } from './checked.ts'
import { ConfigError } from './diagnostics.ts'
import { DirectiveError, parseDirectives } from './log-directives.ts'
import { processLimits, toLimits } from './limits.ts'
import { checkOptions } from './options.ts'
import { SETTINGS_WORDS, YamlFile, readText } from './yaml-file.ts'

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
  return { mainLogLevel: options.main_log_level, observability, limits: toLimits(options.limits) }
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
  const { mainLogLevel, observability, limits } = settings
  return JSON.stringify({
    main_log_level: mainLogLevel,
    observability_interface: observability === null ? null : addressText(observability),
    limits,
  })
}
