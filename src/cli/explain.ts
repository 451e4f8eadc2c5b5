import { ConfigError } from '../config/diagnostics.ts'
import { readSettings } from '../config/settings.ts'
import { readTopology } from '../config/topology.ts'
import type { Route } from '../core/route.ts'
import type { FileFlags } from './command-line.ts'
import { explainRequest, type Explanation, type StageExplanation } from './explanation.ts'

export interface ExplainFlags extends Pick<FileFlags, 'topologyFile'> {
  /** Whose limits hold; absent: the defaults. */
  readonly configFile?: string
  /** Name of the source whose chain it is; absent: every source in turn. */
  readonly source?: string
  readonly json?: boolean
}

/** `shotover explain`: prints what each transform would do with a request, and where the sink would send it. Exit code 0 or 1. */
export async function explain(line: string, flags: ExplainFlags): Promise<number> {
  try {
    const explanations = await explainAll(line, flags)
    const text = flags.json === true ? JSON.stringify(explanations, null, 2) : explanations.map(textOf).join('\n\n')
    process.stdout.write(`${text}\n`)
    return 0
  } catch (error) {
    process.stderr.write(`${error instanceof ConfigError ? error.describe() : (error as Error).message}\n`)
    return 1
  }
}

async function explainAll(line: string, flags: ExplainFlags): Promise<Explanation[]> {
  const limits = flags.configFile === undefined ? {} : readSettings(flags.configFile).limits
  const { sources } = await readTopology(flags.topologyFile, { limits })
  const chosen = sources.filter(({ name }) => flags.source === undefined || name === flags.source)
  if (chosen.length === 0) {
    const names = sources.map(({ name }) => name).join(', ')
    throw new Error(`there is no source ${JSON.stringify(flags.source)} in ${flags.topologyFile}: it has ${names}`)
  }
  const explanations: Explanation[] = []
  for (const source of chosen) {
    try {
      explanations.push(await explainRequest(source, line))
    } catch (error) {
      throw new Error(`${source.name}: ${(error as Error).message}`, { cause: error })
    }
  }
  return explanations
}

/** What people read. */
export function textOf({ source, type, listen, request, stages, reply, within, logged }: Explanation): string {
  const lines = [`${source}: ${type} at ${listen}`, `    ${request}`]
  for (const [index, stage] of stages.entries()) lines.push(...stageLines(index + 1, stage))
  if (reply !== null) lines.push(`the client gets`, `    ${reply}`)
  for (const { chain, request: sent, stages: inner } of within) {
    lines.push(`chain ${chain} gets`, `    ${sent}`)
    for (const [index, stage] of inner.entries()) lines.push(...stageLines(index + 1, stage))
  }
  if (logged.length > 0) lines.push('logged meanwhile', ...logged.map((line) => `    ${line}`))
  return lines.join('\n')
}

const DOES: Readonly<Record<Exclude<StageExplanation['does'], 'sends'>, string>> = {
  forwards: 'passes it on',
  answers: 'answers it, and nothing below sees it',
  fails: 'fails: its hook threw, and the request gets an error',
  keeps: 'keeps it: it neither passes it on nor answers',
  asks: 'waits: what it does depends on the reply to a request of its own',
  unreached: 'is not reached',
}

function stageLines(number: number, stage: StageExplanation): string[] {
  const { name, module, does, request, reply, asks, route, outside } = stage
  const file = module === null ? '' : ` (${module})`
  const what = route === null || does !== 'sends' ? DOES[does as keyof typeof DOES] : sentence(route)
  const lines = [`${number}. ${name}${file} ${what}${request === null ? '' : ', changed to'}`]
  if (request !== null) lines.push(`    ${request}`)
  if (reply !== null && does !== 'unreached')
    lines.push(`   ${does === 'answers' ? 'with' : 'the reply leaves it as'}`, `    ${reply}`)
  if (asks.length > 0) lines.push('   it asks', ...asks.map((asked) => `    ${asked}`))
  if (outside !== null && does !== 'unreached') lines.push(`   and ${outside}; here it has not`)
  return lines
}

function sentence({ way, server, reason }: Route): string {
  const because = reason === null ? '' : ` (${reason})`
  switch (way) {
    case 'shared':
      return `sends it to ${server}, on a connection that clients with the same login and settings share`
    case 'alone':
      return `sends it to ${server}, on a connection that nobody else uses meanwhile`
    case 'pinned':
      return `sends it to ${server}, on a connection that is this client's own from here on${because}`
    case 'kept':
      return `sends it to ${server}, on the connection that it used last, which becomes its own${because}`
    case 'attributes':
      return `sends it to ${server}, alone: it changes the login or settings by which connections are shared`
    case 'answered':
      return 'answers it without asking a server'
    case 'ended':
      return 'answers it without asking a server, and the session ends'
  }
}
