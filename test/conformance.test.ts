import assert from 'node:assert/strict'
import { test } from 'node:test'
import { z } from 'zod'
import { Frame } from '../src/core/frame.ts'
import { transform, type TransformKind } from '../src/core/kind.ts'
import type { Transform } from '../src/core/transform.ts'
import { rulesFor } from './conformance.ts'

// A suite that can't fail says nothing: each of these kinds breaks the contract in a way of its own, and is found out.

/** `shared` is made once per topology. */
function kind(instance: (shared: { last: Buffer | null }) => Transform): TransformKind {
  const options = z.strictObject({})
  return transform({
    type: 'Broken',
    doc: 'Breaks the contract, for tests.',
    options,
    create() {
      const shared = { last: null as Buffer | null }
      return () => instance(shared)
    },
  }) as TransformKind
}

const pass: Pick<Transform, 'onRequests'> = { onRequests: (batch, link) => link.forward(batch) }

const broken: [what: string, found: RegExp, instance: (shared: { last: Buffer | null }) => Transform][] = [
  [
    'swaps replies',
    /is that to/,
    () => ({
      ...pass,
      onResponses(batch, link) {
        const last = batch.at(-1)!
        const { response } = batch[0]!
        batch[0]!.response = last.response
        last.response = response
        link.reply(batch)
      },
    }),
  ],
  [
    'keeps bytes that were lent',
    /is that to|bytes that were lent|bulk|reply/,
    () => {
      let kept: Frame | null = null
      return {
        ...pass,
        onResponses(batch, link) {
          const { response } = batch[0]!
          if (kept !== null) batch[0]!.response = kept
          kept = new Frame(response!.bytes, response!.start, response!.end, response!.kind, 0, false)
          link.reply(batch)
        },
      }
    },
  ],
  [
    'never answers some',
    /replies to 60 requests/,
    () => ({ holds: true, onRequests: (batch, link) => link.forward(batch.slice(1)) }),
  ],
  [
    'drops some',
    /neither forwarded nor answered/,
    () => ({ onRequests: (batch, link) => link.forward(batch.slice(1)) }),
  ],
  [
    'forwards twice',
    /\d+ faults/,
    () => ({
      onRequests(batch, link) {
        link.forward(batch)
        link.forward(batch)
      },
    }),
  ],
  [
    'asks the server the same again',
    /was forwarded twice/,
    () => ({
      async onRequests(batch, link) {
        for (const { request } of batch) link.call(request).catch(() => {})
        link.forward(batch)
      },
    }),
  ],
  [
    'lets requests overtake each other',
    /was overtaken by/,
    () => ({ onRequests: (batch, link) => link.forward(batch.toReversed()) }),
  ],
  ['drops pushes', /pushes/, () => ({ ...pass, onPush() {} })],
  [
    'throws now and then',
    /on purpose/,
    () => ({
      onRequests(batch, link) {
        if (batch.length > 2) throw new Error('on purpose')
        link.forward(batch)
      },
    }),
  ],
  [
    'throws when it is closed',
    /on purpose/,
    () => ({
      ...pass,
      close() {
        throw new Error('on purpose')
      },
    }),
  ],
  [
    'mixes clients up',
    /is that to/,
    (shared) => ({
      ...pass,
      onResponses(batch, link) {
        const { response } = batch[0]!
        if (shared.last !== null) {
          const copy = Buffer.from(shared.last)
          batch[0]!.response = new Frame(copy, 0, copy.length, response!.kind, 0, false)
          shared.last = null
        } else if (response!.whole) shared.last = Buffer.from(response!.toBuffer())
        link.reply(batch)
      },
    }),
  ],
]

for (const [what, found, instance] of broken) {
  test(`a kind that ${what} is found out`, async () => {
    const faults: string[] = []
    for (const { hold } of rulesFor(kind(instance), {}))
      for (let seed = 1; seed <= 20; seed++) await hold(seed).catch((error: Error) => faults.push(error.message))
    assert.ok(
      faults.some((fault) => found.test(fault)),
      faults[0] ?? 'nothing was found',
    )
  })
}
