import { machine, machineLine, othersLine, watchOthers } from '../harness/machine.ts'
import { program } from '../harness/packages.ts'
import type { Processes, Running } from '../harness/processes.ts'
import type { Options } from '../options.ts'
import { verdictLine } from '../table/verdicts.ts'
import { TARGETS } from '../targets/list.ts'
import { startRedis } from '../targets/redis.ts'
import type { Target } from '../targets/target.ts'
import type { Bar, BarResult } from './bar.ts'
import { fairness } from './fairness.ts'
import { idle } from './idle.ts'
import { kill } from './kill.ts'
import { large } from './large.ts'
import { rssFlat } from './rss-flat.ts'
import { slowReaders } from './slow-readers.ts'
import { start } from './start.ts'
import { tee } from './tee.ts'
import { throttle } from './throttle.ts'
import { writeAll } from './write-all.ts'

export const BARS: readonly Bar[] = [start, idle, fairness, writeAll, large, slowReaders, kill, rssFlat, throttle, tee]

function chosen(options: Options): { bars: readonly Bar[]; target: Target } {
  const bars = options.bar === 'all' ? BARS : BARS.filter(({ name }) => name === options.bar)
  if (bars.length === 0)
    throw new Error(`no bar named ${options.bar}; there are ${BARS.map(({ name }) => name).join(', ')} and all`)
  const target = TARGETS.find(({ name }) => name === options.through)
  if (target === undefined)
    throw new Error(`no target named ${options.through}; there are ${TARGETS.map(({ name }) => name).join(', ')}`)
  return { bars, target }
}

/** Runs one bar on a server and a proxy that it has for itself. */
async function runBar(
  bar: Bar,
  target: Target,
  processes: Processes,
  log: (line: string) => void,
): Promise<BarResult & { version: string }> {
  const benchmark = await program('redis-benchmark', log)
  const redis = await startRedis(processes, log)
  let version = ''
  const started: Running[] = []
  try {
    const start = async (backendPort = redis.port) => {
      const proxy = await target.start({ processes, backendPort, log })
      version = proxy.version
      started.push(proxy.running)
      return proxy
    }
    return {
      ...(await bar.run({ processes, benchmark, redis, target, start, log })),
      version: `${redis.version}, ${version}`,
    }
  } finally {
    for (const running of started) await running.stop()
    await redis.running.stop()
  }
}

/** Runs the bars that were asked for; text for a reader, and whether all of them held. */
export async function runBars(
  processes: Processes,
  options: Options,
  log: (line: string) => void,
): Promise<{ text: string; held: boolean }> {
  const { bars, target } = chosen(options)
  const lines = [`Machine: ${machineLine(machine())}.`]
  let all = true
  for (const bar of bars) {
    log(`${bar.name}: ${bar.title}, through ${target.label}`)
    lines.push('', `${bar.name}: ${bar.title}, through ${target.label}`)
    const others = watchOthers(processes)
    try {
      const result = await runBar(bar, target, processes, log)
      lines.push(
        ...[result.version, ...result.figures, ...result.verdicts.map(verdictLine), othersLine(others())].map(
          (line) => `    ${line}`,
        ),
      )
      if (result.verdicts.some(({ held }) => held !== true)) all = false
    } catch (error) {
      lines.push(`    FAILED ${(error as Error).message.replaceAll('\n', '\n    ')}`)
      all = false
    }
  }
  return { text: lines.join('\n'), held: all }
}
