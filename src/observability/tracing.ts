import type { CheckedSource } from '../config/checked.ts'
import type { StageSpec } from '../core/chain.ts'
import type { SessionInfo } from '../core/transform.ts'
import { Sampler } from './sampler.ts'
import { TracedTransform, TraceObserver, type Courses, type Place, type TracingOptions } from './traced.ts'

/**
 * Puts a look at traced requests between the stages of one source; the same ones each time for the same stages. What is not traced costs a comparison a batch and stage; where nobody
 * traces, the stages stand alone.
 */
export function tracer(
  options: TracingOptions,
): (source: CheckedSource, stages: readonly StageSpec[]) => readonly StageSpec[] {
  const { world, sample } = options
  const sampler = new Sampler(sample, () => world.random.next())
  const courses = new WeakMap<SessionInfo, Courses>()
  const places: Place[] = []
  const known = new WeakMap<StageSpec, StageSpec>()
  const top: StageSpec = {
    type: 'Tracing',
    name: 'tracing',
    factory(session) {
      const open: Courses = new Map()
      courses.set(session, open)
      return new TraceObserver(options, sampler, session, places, open)
    },
  }
  const traced = (stage: StageSpec, index: number): StageSpec => {
    const factory: StageSpec['factory'] = (session, previous) => {
      const transform = stage.factory(session, previous instanceof TracedTransform ? previous.inner : previous)
      return new TracedTransform(transform, index, places[index]!.isSink, courses.get(session) ?? new Map(), world)
    }
    return { ...stage, factory }
  }
  return (source, stages) => {
    places.length = 0
    const all = stages.map((stage, index) => {
      const isSink = index === stages.length - 1
      const upstream = isSink ? upstreamOf(source.chain[index]?.options) : null
      places.push({ type: stage.type, name: stage.name, isSink, upstream })
      let looked = known.get(stage)
      if (looked === undefined) known.set(stage, (looked = traced(stage, index)))
      return looked
    })
    return [top, ...all]
  }
}

/** Where a sink sends requests, as far as its options say so in the usual way. */
function upstreamOf(options: unknown): string | null {
  const address = (options as { remote_address?: unknown } | null | undefined)?.remote_address
  return typeof address === 'string' ? address : null
}
