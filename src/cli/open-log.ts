import { LogRoot } from '../observability/log.ts'
import type { LogFormat } from '../observability/log-format.ts'
import { StdoutWriter } from '../observability/stdout.ts'

/** The log of this process. Until the settings are read it lets errors through only. */
export function openLog(format: LogFormat): LogRoot {
  const colours = (process.env.NO_COLOR ?? '') === ''
  const log = new LogRoot({ format, colours, writer: new StdoutWriter() })
  log.setFilter('error')
  return log
}
