import type { Random } from '../../../world/world.ts'

/** How one session of a model client behaves. */
export interface ClientHabits {
  readonly requests: number
  /** Requests that may be unanswered. */
  readonly window: number
  /** Most requests written at once. */
  readonly burst: number
  /** Longest wait between two writes. */
  readonly thinkMs: number
  /** 'slow': stops reading for `pauseMs` again and again. 'late': reads nothing before it has sent everything. */
  readonly reading: 'prompt' | 'slow' | 'late'
  readonly pauseMs: number
  /** Writes are torn in two. */
  readonly torn: boolean
  readonly valueBytesMax: number
  /** 'half': FIN right behind the last request. 'midway': leaves with requests in flight. The others wait for every reply. */
  readonly ending: 'quit' | 'end' | 'destroy' | 'half' | 'midway'
}

/** Draws the habits of one session. */
export function drawHabits(random: Random): ClientHabits {
  const below = (count: number) => Math.floor(random.next() * count)
  const pick = <T>(choices: readonly T[]): T => choices[below(choices.length)]!
  const reading = pick(['prompt', 'prompt', 'prompt', 'slow', 'late'] as const)
  return {
    requests: 5 + below(60),
    // Who reads nothing until everything is sent must not wait for replies.
    window: reading === 'late' ? Infinity : pick([1, 4, 32, Infinity]),
    burst: pick([1, 8, 100]),
    thinkMs: pick([0.1, 2, 20]),
    reading,
    pauseMs: pick([5, 50]),
    torn: pick([false, true]),
    valueBytesMax: pick([100, 5000, 300_000]),
    ending: pick(['quit', 'end', 'destroy', 'half', 'midway'] as const),
  }
}
