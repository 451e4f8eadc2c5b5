import type { CheckedSource } from '../config/checked.ts'
import type { StageSpec } from '../core/chain.ts'
import type { SessionInfo } from '../core/transform.ts'
import { Sampler } from './sampler.ts'
import { TracedTransform, TraceObserver, type Courses, type Place, type TracingOptions } from './traced.ts'

/**
 * The stages with a look at traced requests between them. What is not traced costs a comparison a batch and stage; where nobody
 * traces, the stages stand alone.
 */
export function tracedStages(
  source: CheckedSource,
  stages: readonly StageSpec[],
  options: TracingOptions,
): readonly StageSpec[] {
  const { world, sample } = options
  const sampler = new Sampler(sample, () => world.random.next())
  const courses = new WeakMap<SessionInfo, Courses>()
  const places = stages.map(({ type, name }, index): Place => {
    const isSink = index === stages.length - 1
    return { type, name, isSink, upstream: isSink ? upstreamOf(source.chain[index]?.options) : null }
  })
  const top: StageSpec = {
    type: 'Tracing',
    name: 'tracing',
    factory(session) {
      const open: Courses = new Map()
      courses.set(session, open)
      return new TraceObserver(options, sampler, session, places, open)
    },
  }
  const traced = stages.map((stage, index): StageSpec => {
    const factory: StageSpec['factory'] = (session, previous) => {
      const transform = stage.factory(session, previous instanceof TracedTransform ? previous.inner : previous)
      return new TracedTransform(transform, index, places[index]!.isSink, courses.get(session) ?? new Map(), world)
    }
    return { ...stage, factory }
  })
  return [top, ...traced]
}

/** Where a sink sends requests, as far as its options say so in the usual way. */
function upstreamOf(options: unknown): string | null {
  const address = (options as { remote_address?: unknown } | null | undefined)?.remote_address
  return typeof address === 'string' ? address : null
}
