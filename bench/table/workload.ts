/** One column of a table: what the clients ask. */
export interface Column {
  /** What it goes by in the baseline. */
  readonly id: string
  readonly label: string
}

/** What `redis-benchmark` asks. */
export interface Workload extends Column {
  readonly command: 'GET' | 'SET'
  readonly bytes: number
  readonly pipeline: number
}

export const SMALL = 100
export const LARGE = 16 * 1024
const PIPELINES = [1, 16, 64]

/** The key that every workload uses; its value has the workload's size. */
export const KEY = 'bench:key'

const sizeLabel = (bytes: number): string => (bytes >= 1024 ? `${bytes / 1024} KB` : `${bytes} B`)

export function workloadOf(command: Workload['command'], bytes: number, pipeline: number): Workload {
  const id = `${command}-${bytes}-${pipeline}`
  return { id, label: `${command} ${sizeLabel(bytes)} P=${pipeline}`, command, bytes, pipeline }
}

/**
 * All cells, or without `full` those that tell the most: large values are bound by copying, so one pipeline shows it. In TLS
 * redis-benchmark sends a large request in two writes and waits 40 ms for the kernel between them, whoever it speaks to.
 */
export function workloads(full: boolean, pipelines: readonly number[] | null, tls = false): Workload[] {
  const chosen: Workload[] = []
  for (const bytes of [SMALL, LARGE])
    for (const command of ['GET', 'SET'] as const)
      for (const pipeline of pipelines ?? PIPELINES)
        if (
          !(tls && bytes === LARGE && command === 'SET') &&
          (full || bytes === SMALL || pipeline === (pipelines ?? PIPELINES)[0])
        )
          chosen.push(workloadOf(command, bytes, pipeline))
  return chosen
}

export function commandOf({ command, bytes }: Workload): string[] {
  return command === 'GET' ? ['GET', KEY] : ['SET', KEY, 'x'.repeat(bytes)]
}
