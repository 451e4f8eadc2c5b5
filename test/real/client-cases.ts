import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { startProxy } from './proxy.ts'
import { startRedis } from './servers.ts'

/** What is done with clients that `open` gives; what comes of it is compared. */
export type Cases<Client> = Record<string, (open: () => Promise<Client>) => Promise<unknown>>

/** How a client library is handled. */
export interface Library<Client> {
  open(port: number): Promise<Client>
  close(client: Client): Promise<unknown>
  flush(client: Client): Promise<unknown>
}

/** Longest that a case may take. */
const CASE_MS = 10_000

/** Runs each case on a server directly, and on it through the proxy, and compares what came of it. */
export async function runCases<Client>(t: TestContext, library: Library<Client>, cases: Cases<Client>): Promise<void> {
  await using redis = await startRedis()
  await using proxy = await startProxy({ upstream: redis.address })
  for (const [name, run] of Object.entries(cases))
    await t.test(name, async () => {
      const results: unknown[] = []
      for (const port of [redis.port, proxy.port]) {
        const clients: Client[] = []
        const open = async () => {
          const client = await library.open(port)
          clients.push(client)
          return client
        }
        try {
          await library.flush(await open())
          const where = port === proxy.port ? 'through the proxy' : 'without the proxy'
          results.push(await Promise.race([run(open), late(where)]))
        } finally {
          await Promise.all(clients.map((client) => library.close(client)))
        }
      }
      assert.notEqual(results[0], undefined)
      assert.deepEqual(results[1], results[0])
    })
  assert.deepEqual(proxy.complaints, [])
}

async function late(where: string): Promise<never> {
  await wait(CASE_MS, undefined, { ref: false })
  throw new Error(`${where} it took longer than ${CASE_MS} ms`)
}

/** The error's message as a value. */
export async function failing(promise: Promise<unknown>): Promise<string> {
  return await promise.then(
    (value) => `no error but ${JSON.stringify(value)}`,
    (error: Error) => error.message,
  )
}
