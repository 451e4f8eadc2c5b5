import { NOBODY, type BuildEnv, type ChainObserver } from '../config/build.ts'
import type { StageSpec } from '../core/chain.ts'
import type { World } from '../world/world.ts'
import { accessLogStage } from './access-log.ts'
import type { Trace } from './trace.ts'
import { tracer } from './tracing.ts'

/** What of the requests is looked at. Plain data: threads are told. */
export interface ObserveSettings {
  /** The part of the requests that has a line in the access log; 0: there is none. */
  readonly accessLog: number
  /** The part of the requests that is traced; 0: none. */
  readonly tracing: number
}

export const UNOBSERVED: ObserveSettings = { accessLog: 0, tracing: 0 }

/** Where it goes what threads have seen. */
export interface ObserveSinks {
  /** Lines of the access log. */
  onAccess(lines: string): void
  onTrace(trace: Trace): void
}

const LINES_LENGTH = 16 * 1024
const LINES_MS = 200

/** Lines of one thread, which leave together. */
class Lines {
  readonly #leave: (lines: string) => void
  #lines = ''
  #timer: NodeJS.Timeout | null = null

  constructor(leave: (lines: string) => void) {
    this.#leave = leave
  }

  write(line: string): void {
    this.#lines += line
    if (this.#lines.length >= LINES_LENGTH) this.flush()
    else this.#timer ??= setTimeout(() => this.flush(), LINES_MS).unref()
  }

  flush(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
    if (this.#lines === '') return
    const lines = this.#lines
    this.#lines = ''
    this.#leave(lines)
  }
}

/** What looks at the requests of one thread. */
export interface Observer {
  /** For the chains of a topology; absent where nobody looks. */
  readonly observe: BuildEnv['observe']
  /** Nothing of what was seen stays behind. */
  flush(): void
}

/** The access log is of clients' requests, and has no part in chains within. */
function both({
  trace,
  access,
}: {
  readonly trace: ChainObserver | null
  readonly access: StageSpec | null
}): ChainObserver {
  return {
    dress(name, chain, stages) {
      const traced = trace?.dress(name, chain, stages) ?? stages
      return access === null ? traced : [access, ...traced]
    },
    within: (owner, isDetached) => trace?.within(owner, isDetached) ?? NOBODY,
  }
}

export function observer({ accessLog, tracing }: ObserveSettings, sinks: ObserveSinks, world: World): Observer {
  if (accessLog === 0 && tracing === 0) return { observe: undefined, flush() {} }
  const lines = new Lines((text) => sinks.onAccess(text))
  const emit = (trace: Trace) => sinks.onTrace(trace)
  const lookers = () => ({
    trace: tracing === 0 ? null : tracer({ world, sample: tracing, emit }),
    access: accessLog === 0 ? null : accessLogStage({ world, sample: accessLog, write: (line) => lines.write(line) }),
  })
  const bySource = new Map<string, ChainObserver>()
  return {
    observe({ name }) {
      let looks = bySource.get(name)
      if (looks === undefined) bySource.set(name, (looks = both(lookers())))
      return looks
    },
    flush: () => lines.flush(),
  }
}
