import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Processes } from '../harness/processes.ts'
import type { CqlFigures, CqlLoad } from './cql-load.ts'

const PROGRAM = fileURLToPath(new URL('cql-load.ts', import.meta.url))
/** Beyond what the load is to take. */
const GRACE_MS = 30_000

/** Runs a load in a process of its own. */
export async function startCqlLoad(processes: Processes, load: CqlLoad): Promise<CqlFigures> {
  const running = processes.start('cql-load', process.execPath, [PROGRAM, JSON.stringify(load)])
  const late = setTimeout(() => running.signal('SIGKILL'), (load.warmSeconds + load.seconds) * 1000 + GRACE_MS)
  await running.exited
  clearTimeout(late)
  const said = readFileSync(running.logFile, 'utf8')
  try {
    return JSON.parse(said) as CqlFigures
  } catch {
    throw new Error(`the load failed: ${said.trim() || 'it said nothing'}`)
  }
}
