import { figure } from './layout.ts'
import { cpuOf, judged } from './run.ts'
import type { Run } from './run.ts'
import type { Workload } from './workload.ts'

/** One bar: held, missed, or not to be told because something was not measured. */
export interface Verdict {
  readonly text: string
  readonly held: boolean | null
}

const RSS_BYTES_MAX = 120e6
/** What chains may cost, as a part of what none costs. */
const TWO_COST_MAX = 1.1
const TEN_COST_MAX = 1.25
const USER_COST_MAX = 1.05

interface Recorded {
  readonly redis: number
  readonly plain: number
  readonly two: number
  readonly envoy: number
  readonly twemproxy: number
}

/** With TLS from the client: what ours may cost, as a part of Envoy's and of Shotover's, and what was recorded of Shotover and beside it. */
const IN_TLS: Readonly<
  Record<number, { envoy: number; shotover: number; recorded: Omit<Recorded, 'two' | 'twemproxy'> }>
> = {
  1: { envoy: 1.3, shotover: 0.95, recorded: { redis: 9.5, plain: 23.5, envoy: 16.5 } },
  16: { envoy: 0.6, shotover: 0.5, recorded: { redis: 1.65, plain: 5.3, envoy: 3.5 } },
  64: { envoy: 0.6, shotover: 0.7, recorded: { redis: 1.1, plain: 1.95, envoy: 2.6 } },
}

/**
 * Shotover 0.7.2 and what ran beside it, us per request: middles of what was measured on a 2-core machine. With two transforms
 * the lower end, since that machine was busier then.
 */
const SHOTOVER: Readonly<Record<number, Recorded>> = {
  1: { redis: 9.5, plain: 20.75, two: 28, envoy: 12.4, twemproxy: 11.2 },
  16: { redis: 1.65, plain: 2.7, two: 4.3, envoy: 2.7, twemproxy: 2.95 },
  64: { redis: 1.1, plain: 1.95, two: 2.6, envoy: 2.5, twemproxy: 4.9 },
}
const SHOTOVER_FACTOR: Readonly<Record<number, { max: number; goal: number }>> = {
  1: { max: 0.6, goal: 0.5 },
  16: { max: 0.5, goal: 0.35 },
  64: { max: 0.4, goal: 0.25 },
}

export function verdict(what: string, value: number, limit: number, unit: string, note = ''): Verdict {
  const known = Number.isFinite(value) && Number.isFinite(limit)
  return {
    text: `${what}: ${figure(value)} of at most ${figure(limit)} ${unit}${note}`,
    held: known ? value <= limit : null,
  }
}

function againstPeers(run: Run<Workload>, workload: Workload): Verdict[] {
  const label = workload.label
  const own = cpuOf(run, 'ours0', workload)
  const envoy = cpuOf(run, 'envoy', workload)
  const twemproxy = cpuOf(run, 'twemproxy', workload)
  if (workload.pipeline > 1) {
    const better = Math.min(envoy, twemproxy)
    return [verdict(`${label}, 0.5 x the better of Envoy and twemproxy`, own, 0.5 * better, 'us')]
  }
  return [
    verdict(`${label}, 1.0 x Envoy`, own, envoy, 'us'),
    verdict(`${label}, 1.15 x twemproxy`, own, 1.15 * twemproxy, 'us'),
  ]
}

/**
 * What the original would cost on this machine. The bar scales its recorded figure by redis-server's own CPU; beside it stands
 * the figure scaled by the two proxies that were recorded with it, which are nearer to it in what they do.
 */
function scaled(
  run: Run<Workload>,
  workload: Workload,
  recorded: Recorded,
  then: number,
): { byRedis: number; byPeers: number } {
  const envoy = cpuOf(run, 'envoy', workload) / recorded.envoy
  const twemproxy = cpuOf(run, 'twemproxy', workload) / recorded.twemproxy
  const redis = cpuOf(run, 'direct', workload) / recorded.redis
  return { byRedis: then * redis, byPeers: then * Math.sqrt(envoy * twemproxy) }
}

/** Against the original: as measured in this run, else as it was recorded. */
function againstShotover(run: Run<Workload>, workload: Workload): Verdict[] {
  const recorded = SHOTOVER[workload.pipeline]
  const { max, goal } = SHOTOVER_FACTOR[workload.pipeline] ?? { max: NaN, goal: NaN }
  if (recorded === undefined) return []
  const one = (own: string, original: string, then: number, what: string): Verdict => {
    const cpu = cpuOf(run, own, workload)
    const measured = cpuOf(run, original, workload)
    const { byRedis, byPeers } = scaled(run, workload, recorded, then)
    const of = Number.isFinite(measured) ? measured : byRedis
    const source = Number.isFinite(measured) ? 'Shotover' : 'recorded Shotover, scaled by redis-server'
    const other = Number.isFinite(measured) ? '' : `; scaled by the peers at most ${figure(max * byPeers)}`
    const note = ` (goal ${figure(goal * of)}${other})`
    return verdict(`${workload.label}, ${max} x ${source}${what}`, cpu, max * of, 'us', note)
  }
  return [
    one('ours0', 'shotover0', recorded.plain, ''),
    one('ours2', 'shotover2', recorded.two, ', both with counter + filter'),
  ]
}

function ofTransforms(run: Run<Workload>, workload: Workload): Verdict[] {
  const none = cpuOf(run, 'ours0', workload)
  const one = (what: string, target: string, most: number): Verdict =>
    verdict(`${workload.label}, ${what}`, cpuOf(run, target, workload), most * none, 'us')
  const two = one('counter + filter at most +10 %', 'ours2', TWO_COST_MAX)
  if (workload.pipeline !== 16) return [two]
  return [
    two,
    one('10 transforms at most +25 %', 'ours10', TEN_COST_MAX),
    one("a user's hooks at most +5 %", 'ours-hooks', USER_COST_MAX),
  ]
}

function inTls(run: Run<Workload>, workload: Workload): Verdict[] {
  const bar = IN_TLS[workload.pipeline]
  if (bar === undefined) return []
  const own = cpuOf(run, 'ours-tls', workload)
  const label = `${workload.label}, TLS from the client`
  const measured = cpuOf(run, 'shotover-tls', workload)
  const isMeasured = Number.isFinite(measured)
  const { redis, plain, envoy } = bar.recorded
  const envoyNow = cpuOf(run, 'envoy-tls', workload)
  const shotover = isMeasured ? measured : (plain * cpuOf(run, 'direct', workload)) / redis
  const source = isMeasured ? 'Shotover' : 'recorded Shotover, scaled by redis-server'
  // The server's own part was recorded in the clear; Envoy's, like Shotover's, in TLS.
  const byEnvoy = figure((bar.shotover * plain * envoyNow) / envoy)
  const note = isMeasured ? '' : ` (scaled by Envoy at most ${byEnvoy})`
  return [
    verdict(`${label}, ${bar.envoy} x Envoy`, own, bar.envoy * envoyNow, 'us'),
    verdict(`${label}, ${bar.shotover} x ${source}`, own, bar.shotover * shotover, 'us', note),
  ]
}

function ofMemory(run: Run<Workload>): Verdict {
  const small = new Set(judged(run).map(({ id }) => id))
  const own = run.measurements.filter(({ target, workload }) => target.startsWith('ours') && small.has(workload.id))
  const most = own.length === 0 ? NaN : Math.max(...own.map(({ rssBytes }) => rssBytes))
  return verdict('RSS under all loads of 100 B', most / 1e6, RSS_BYTES_MAX / 1e6, 'MB')
}

/** The bars that the table can tell, for values of 100 B. */
export function verdicts(run: Run<Workload>): Verdict[] {
  const cells = judged(run)
  if (run.targets.some(({ name }) => name === 'ours-tls')) {
    return [...cells.flatMap((workload) => inTls(run, workload)), ofMemory(run)]
  }
  return [
    ...cells.flatMap((workload) => againstPeers(run, workload)),
    ...cells.flatMap((workload) => againstShotover(run, workload)),
    ...cells.flatMap((workload) => ofTransforms(run, workload)),
    ofMemory(run),
  ]
}

export function verdictLine({ text, held }: Verdict): string {
  return `${held === null ? 'UNTOLD' : held ? 'held  ' : 'MISSED'} ${text}`
}

/** The bars for a reader: those that were told, and how many were not. */
export function verdictLines(all: readonly Verdict[]): string[] {
  const told = all.filter(({ held }) => held !== null)
  const untold = all.length - told.length
  return [
    ...told.map(verdictLine),
    ...(untold > 0 ? [`${untold} bars can't be told: what they compare was not measured`] : []),
  ]
}
