import assert from 'node:assert/strict'
import { test } from 'node:test'
import { code, Recorder } from '../../../sim/recorder.ts'
import { SimWorld } from '../../../sim/world.ts'
import { ValkeyModel, type ValkeyModelOptions } from './server.ts'

interface Stand {
  sim: SimWorld
  model: ValkeyModel
  /** A new client. */
  client: () => Promise<Recorder>
}

async function stand(options: ValkeyModelOptions = {}): Promise<Stand> {
  const sim = new SimWorld({ seed: 3 })
  const model = new ValkeyModel(sim.world, options)
  const { address } = await model.listen({ host: '127.0.0.1', port: 0 })
  const client = async () => {
    let recorder: Recorder | null = null
    sim.world.net.connect(address, 1000, (_, connection) => (recorder = new Recorder(connection!)))
    await sim.run(() => recorder !== null)
    return recorder as unknown as Recorder
  }
  return { sim, model, client }
}

/** Sends inline commands and gives what came back within a second. */
async function ask({ sim }: Stand, client: Recorder, text: string): Promise<string> {
  client.chunks.length = 0
  client.connection.write(Buffer.from(text))
  await sim.run(sim.nowMs + 1000)
  return client.received.toString('latin1')
}

test('without the password nothing is done, with it everything', async () => {
  const made = await stand({ password: 'secret', users: { alice: 'wonder' } })
  const client = await made.client()
  for (const [text, reply] of [
    ['PING\r\n', '-NOAUTH Authentication required.\r\n'],
    ['AUTH wrong\r\n', '-WRONGPASS invalid username-password pair or user is disabled.\r\n'],
    ['AUTH secret\r\n', '+OK\r\n'],
    ['ACL WHOAMI\r\n', '$7\r\ndefault\r\n'],
    ['AUTH alice wonder\r\n', '+OK\r\n'],
    ['ACL WHOAMI\r\n', '$5\r\nalice\r\n'],
    ['RESET\r\n', '+RESET\r\n'],
    ['GET k\r\n', '-NOAUTH Authentication required.\r\n'],
  ])
    assert.equal(await ask(made, client, text!), reply, text)
})

test('a key expires by itself, and a reader never sees it late', async () => {
  const made = await stand()
  const client = await made.client()
  assert.equal(await ask(made, client, 'SET k v PX 2500\r\n'), '+OK\r\n')
  assert.equal(await ask(made, client, 'GET k\r\n'), '$1\r\nv\r\n')
  await made.sim.run(made.sim.nowMs + 3000)
  assert.equal(made.model.databases[0]!.size, 0)
  assert.equal(await ask(made, client, 'GET k\r\n'), '$-1\r\n')
  assert.equal(await made.sim.run(() => false), 'idle', 'no timer stays behind')
})

test('a blocked client that leaves takes nothing', async () => {
  const made = await stand()
  const [waiter, other] = [await made.client(), await made.client()]
  await ask(made, waiter, 'BLPOP q 0\r\n')
  waiter.connection.destroy()
  await made.sim.run(made.sim.nowMs + 1000)
  await ask(made, other, 'RPUSH q x\r\n')
  assert.equal(await ask(made, other, 'LLEN q\r\n'), ':1\r\n')
})

test('a blocking command times out by the simulated clock', async () => {
  const made = await stand()
  const client = await made.client()
  const since = made.sim.nowMs
  client.connection.write(Buffer.from('BLPOP q 30\r\n'))
  await made.sim.run(() => client.chunks.length > 0)
  assert.equal(client.received.toString(), '*-1\r\n')
  assert.ok(made.sim.nowMs - since >= 30_000)
})

test('a client that never reads is closed at the output bound, others go on', async () => {
  const made = await stand({ outputBytesMax: 4 * 1024 * 1024 })
  const [slow, other] = [await made.client(), await made.client()]
  await ask(made, other, `SET k ${'x'.repeat(30_000)}\r\n`)
  slow.connection.pause()
  for (let i = 0; i < 500; i++) slow.connection.write(Buffer.from('GET k\r\n'))
  await made.sim.run(made.sim.nowMs + 5000)
  assert.equal(made.model.sessions.size, 1)
  assert.equal(await ask(made, other, 'PING\r\n'), '+PONG\r\n')
  slow.connection.resume()
  await made.sim.run(() => false)
  assert.ok(slow.calls.includes('end') || code(slow.error) === 'ECONNRESET')
})

test('a client that writes everything before it reads gets every reply', async () => {
  const made = await stand()
  const client = await made.client()
  await ask(made, client, `SET k ${'x'.repeat(20_000)}\r\n`)
  client.chunks.length = 0
  client.connection.pause()
  for (let i = 0; i < 300; i++) client.connection.write(Buffer.from('GET k\r\n'))
  await made.sim.run(made.sim.nowMs + 2000)
  assert.equal(client.received.length, 0)
  client.connection.resume()
  await made.sim.run(() => client.received.length >= 300 * 20_010)
})

test('MONITOR shows what the others do', async () => {
  const made = await stand()
  const [monitor, other] = [await made.client(), await made.client()]
  assert.equal(await ask(made, monitor, 'MONITOR\r\n'), '+OK\r\n')
  monitor.chunks.length = 0
  other.connection.write(Buffer.from('SET k "a\\"\\n"\r\nNOPE\r\n'))
  await made.sim.run(made.sim.nowMs + 1000)
  assert.match(monitor.received.toString(), /^\+\d+\.\d{6} \[0 127\.0\.0\.1:\d+\] "SET" "k" "a\\"\\n"\r\n$/)
})

test('every execution is told, those of a transaction when it executes', async () => {
  const seen: string[] = []
  const made = await stand({ onExecute: (_, database, args) => void seen.push(`${database} ${args.join(' ')}`) })
  const client = await made.client()
  await ask(made, client, 'SELECT 2\r\nMULTI\r\nSET a 1\r\nGET a\r\n')
  assert.deepEqual(seen, ['0 SELECT 2', '2 MULTI'])
  await ask(made, client, 'EXEC\r\nNOPE\r\n')
  assert.deepEqual(seen.slice(2), ['2 EXEC', '2 SET a 1', '2 GET a'])
})

test('COMMAND tells of every command, each with its ten parts', async () => {
  const made = await stand()
  const client = await made.client()
  assert.equal(
    await ask(made, client, 'COMMAND INFO get\r\n'),
    ['*1', '*10', '$3', 'get', ':2', '*2', '+readonly', '+fast', ':1', ':1', ':1', '*0', '*0', '*0', '*0', ''].join(
      '\r\n',
    ),
  )
  const reply = await ask(made, client, 'COMMAND COUNT\r\n')
  assert.equal(reply, `:${made.model.commands.size}\r\n`)
  assert.ok(made.model.commands.size > 180)
})
