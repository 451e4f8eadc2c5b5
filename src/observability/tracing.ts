import type { ChainObserver } from '../config/build.ts'
import type { CheckedTransform } from '../config/checked.ts'
import type { StageSpec } from '../core/chain.ts'
import type { SessionInfo } from '../core/transform.ts'
import { Sampler } from './sampler.ts'
import {
  TracedTransform,
  TraceFollower,
  TraceObserver,
  type Courses,
  type Place,
  type TracingOptions,
} from './traced.ts'

/**
 * Puts a look at traced requests between the stages of one source's chain and of those within. What is not traced costs a comparison a batch
 * and stage; where nobody traces, the stages stand alone.
 */
export function tracer(options: TracingOptions): ChainObserver {
  const { world, sample } = options
  const sampler = new Sampler(sample, () => world.random.next())
  // Sessions are told apart by number: each chain within has information of its own about the one that it is for.
  const sessions = new Map<number, Courses>()
  const coursesOf = ({ id }: SessionInfo) => sessions.get(id) ?? new Map()
  const top: StageSpec = {
    type: 'Tracing',
    name: 'tracing',
    factory(session) {
      const open: Courses = new Map()
      sessions.set(session.id, open)
      return new TraceObserver(options, sampler, session, open, () => sessions.delete(session.id))
    },
  }
  const known = new WeakMap<StageSpec, StageSpec>()
  const traced = (stage: StageSpec, index: number, place: Place): StageSpec => {
    const factory: StageSpec['factory'] = (session, previous) => {
      const transform = stage.factory(session, previous instanceof TracedTransform ? previous.inner : previous)
      return new TracedTransform(transform, index, place, coursesOf(session), world.clock)
    }
    return { ...stage, factory }
  }
  /** The stages of a chain below `first`. */
  const observer = (first: StageSpec): ChainObserver => ({
    dress(name, chain, stages) {
      const all = stages.map((stage, index) => {
        const isSink = index === stages.length - 1
        const upstream = isSink ? upstreamOf(chain[index]?.options) : null
        const { type } = stage
        let looked = known.get(stage)
        if (looked === undefined)
          known.set(stage, (looked = traced(stage, index, { type, name: stage.name, chain: name, isSink, upstream })))
        return looked
      })
      return [first, ...all]
    },
    // The requests of a detached chain outlive those of clients, and have traces of their own.
    within: (owner, isDetached) => (isDetached ? tracer(options) : observer(following(owner))),
  })
  const following = ({ name }: CheckedTransform): StageSpec => ({
    type: 'Tracing',
    name: 'tracing',
    factory: (session) => new TraceFollower(name, coursesOf(session), world.clock),
  })
  return observer(top)
}

/** Where a sink sends requests, as far as its options say so in the usual way. */
function upstreamOf(options: unknown): string | null {
  const address = (options as { remote_address?: unknown } | null | undefined)?.remote_address
  return typeof address === 'string' ? address : null
}
