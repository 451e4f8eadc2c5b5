import assert from 'node:assert/strict'
import { test } from 'node:test'
import { play, type Play } from '../../test/kit.ts'
import { transform, type TransformKind } from '../core/kind.ts'
import { connectionBalanceAndPool } from './connection-balance-and-pool.ts'

/** Answers with the number of its copy of the chain, and of the instance in it. */
function numbering(): { kind: TransformKind; built: () => number } {
  let copies = 0
  const kind = transform({
    type: 'Numbering',
    doc: 'For tests.',
    terminating: true,
    options: (z) => z.strictObject({}),
    create() {
      const copy = ++copies
      return ({ protocol }) => ({
        onRequests(batch, link) {
          for (const exchange of batch) exchange.response = protocol.textReply!(exchange.request, String(copy))
          link.reply(batch)
        },
      })
    },
  }) as TransformKind
  return { kind, built: () => copies }
}

async function copyOf(client: Play): Promise<string> {
  await client.send(['GET', 'a'])
  return String(client.takeReplied()).split('\r\n')[1]!
}

test('clients are shared out among copies in turn, with their first requests, and stay there', async () => {
  const { kind, built } = numbering()
  const within = { chain: [{ kind, options: {} }] }
  const first = play(connectionBalanceAndPool, { max_connections: 3, chain: [] }, { within })
  const clients = [first, ...Array.from({ length: 4 }, () => first.connect())]
  assert.equal(built(), 1)
  const order = [2, 0, 1, 4, 3]
  const copies: string[] = []
  for (const at of order) copies.push(await copyOf(clients[at]!))
  assert.deepEqual(copies, ['1', '2', '3', '1', '2'])
  assert.equal(built(), 3)
  for (const [index, at] of order.entries()) assert.equal(await copyOf(clients[at]!), copies[index])
})

test('clients in one copy do not see each other', async () => {
  const one = play(connectionBalanceAndPool, { max_connections: 1, chain: [] })
  const other = one.connect()
  await one.send(['GET', 'one'])
  await other.send(['GET', 'other'])
  await other.answer('+other\r\n')
  await one.answer('+one\r\n')
  one.expectReplied('+one\r\n')
  other.expectReplied('+other\r\n')
})

test('there is at least one copy', () => {
  assert.throws(() => play(connectionBalanceAndPool, { max_connections: 0, chain: [] }), /max_connections/)
})
