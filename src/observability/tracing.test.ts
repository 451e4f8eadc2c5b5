import assert from 'node:assert/strict'
import { test } from 'node:test'
import { conformance } from '../../test/conformance.ts'
import { play } from '../../test/kit.ts'
import type { CheckedTransform } from '../config/checked.ts'
import type { StageSpec } from '../core/chain.ts'
import { transform, type SessionFactory, type TransformKind } from '../core/kind.ts'
import { queryTypeFilter } from '../transforms/query-type-filter.ts'
import type { Trace } from './trace.ts'
import { tracer } from './tracing.ts'

/** A kind and what stands above it, as they are where somebody traces. The server of the kit is the sink, and not traced itself. */
function traced(kind: TransformKind<never>, options: unknown, sample: number, traces: Trace[]) {
  let stages: readonly StageSpec[] = []
  const place = (type: string, create: TransformKind['create']) =>
    transform({ type, doc: '', needs: kind.needs, options: (z) => z.strictObject({}), create })
  const top = place('Tracing', (_options, env): SessionFactory => {
    const stage = { type: kind.type, name: 'it', factory: kind.create(options as never, env) }
    const sink: StageSpec = { type: 'Sink', name: 'sink', factory: () => ({ onRequests() {} }) }
    const chain = [{}, { options: { remote_address: '10.0.0.1:6379' } }] as unknown as CheckedTransform[]
    const emit = (trace: Trace) => void traces.push(trace)
    stages = tracer({ world: env.world, sample, emit }).dress('main', chain, [stage, sink])
    return stages[0]!.factory
  })
  const below = place(kind.type, (): SessionFactory => (session, previous) => stages[1]!.factory(session, previous))
  /** Without the stage above, whose part it then plays once a session. */
  const alone = place(kind.type, (_options, env): SessionFactory => {
    const open = top.create({}, env)
    const [, own] = stages
    return (session, previous) => {
      open(session, null)
      return own!.factory(session, previous)
    }
  })
  return { kind: below, above: [{ kind: top, options: {} }] as const, alone }
}

const noWrites = { AllowList: undefined, DenyList: ['Write'] }

test('a trace has the stages that the request came to, and when', async () => {
  const traces: Trace[] = []
  const { kind, above } = traced(queryTypeFilter as TransformKind<never>, noWrites, 1, traces)
  const p = play(kind, {}, { above })
  await p.send(['GET', 'secret'])
  await p.advance(40)
  await p.answer('$1\r\n1\r\n')
  p.expectReplied('$1\r\n1\r\n')
  const [trace, ...more] = traces
  assert.deepEqual(more, [])
  assert.equal(trace!.query, 'GET')
  assert.equal(trace!.outcome, 'answered')
  assert.equal(trace!.protocol, 'valkey')
  assert.equal(trace!.clientAddress, '127.0.0.1')
  assert.equal(trace!.endMs - trace!.startMs, 40)
  assert.deepEqual(
    trace!.stages.map(({ type, name, isSink, startMs, endMs }) => [type, name, isSink, endMs - startMs]),
    [['QueryTypeFilter', 'it', false, 40]],
  )
  assert.ok(!JSON.stringify(trace).includes('secret'))
})

test('what a transform answers itself went no further, and errors are told', async () => {
  const traces: Trace[] = []
  const { kind, above } = traced(queryTypeFilter as TransformKind<never>, noWrites, 1, traces)
  const p = play(kind, {}, { above })
  await p.send(['SET', 'a', '1'])
  await p.send(['GET', 'a'])
  await p.leave()
  assert.deepEqual(
    traces.map(({ query, outcome }) => [query, outcome]),
    [
      ['SET', 'error'],
      ['GET', 'given-up'],
    ],
  )
})

/** It keeps every batch for a moment on both ways. */
const waiting = transform({
  type: 'Waiting',
  doc: '',
  options: (z) => z.strictObject({}),
  create:
    (_options, { world: { clock } }) =>
    () => {
      const moment = () => new Promise<void>((resolve) => clock.after(1, resolve))
      return {
        async onRequests(batch, link) {
          await moment()
          link.forward(batch)
        },
        async onResponses(batch, link) {
          await moment()
          link.reply(batch)
        },
      }
    },
})

for (const sample of [1, 0.3]) {
  const filter = traced(queryTypeFilter as TransformKind<never>, noWrites, sample, [])
  conformance(filter.above[0].kind, {})
  const late = traced(waiting as TransformKind<never>, {}, sample, [])
  conformance(late.alone, {}, { seeds: 10 })
}
