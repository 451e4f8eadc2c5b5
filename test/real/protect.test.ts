import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import fc from 'fast-check'
import { AWS, startAwsKms, startVault, VAULT_TOKEN, type KeyService } from '../key-services.ts'
import { Authority, CertificateFolder } from './certificates.ts'
import { fetchRedis, fetchValkey, type RedisPrograms } from './fetch.ts'
import { startMetered } from './metrics.ts'
import { startProxy, type Proxy, type ProxyOptions } from './proxy.ts'
import { RawClient } from './raw-client.ts'
import { startRedis } from './servers.ts'

const KEK = 'Ht8M1nDO/7fay+cft71M2Xy7j30EnLAsA84hSUMCm1k='
const LOCAL = `Local: { kek: "${KEK}", kek_id: "kek" }`
/** What every value has in it, so that it can be looked for. */
const HUSH = 'hush'
/** In Base64 and as it is: what a sealed value begins with. */
const MAGIC = Buffer.from('SHOTPV01', 'base64')

function behindProtect(server: string, keys: string, more = ''): ProxyOptions {
  return {
    topology: (listen) => `sources:
  - Valkey:
      name: "valkey"
      listen_addr: "${listen}"
      chain:
        - Protect: { name: "protect", key_patterns: ["p:*"], key_manager: { ${keys} }${more} }
        - ValkeySinkSingle: { name: "sink", remote_address: "${server}", connect_timeout_ms: 3000 }
`,
  }
}

function startProtect(server: string, keys: string, more = ''): Promise<Proxy> {
  return startProxy(behindProtect(server, keys, more))
}

const value = fc.string({ maxLength: 40 }).map((text) => `${HUSH}${text}`)
const stringKey = fc.constantFrom('p:a', 'p:b', 'q:a')
const field = fc.constantFrom('f', 'g')
const hash = fc.constantFrom('p:h', 'q:h')
const list = fc.constantFrom('p:l', 'q:l')
const small = fc.integer({ min: -3, max: 3 }).map(String)
const said = (...parts: (string | fc.Arbitrary<string>)[]) => fc.tuple(...parts.map((part) => (typeof part === 'string' ? fc.constant(part) : part))) // prettier-ignore

/** Commands whose replies tell nothing of chance or of how long values are. */
const COMMAND: fc.Arbitrary<readonly string[]> = fc.oneof(
  said('SET', stringKey, value),
  said('SET', stringKey, value, 'GET'),
  said('SET', stringKey, value, 'XX'),
  said('SETNX', stringKey, value),
  said('SETEX', stringKey, '1000', value),
  said('GETSET', stringKey, value),
  said('GET', stringKey),
  said('GETDEL', stringKey),
  said('GETEX', stringKey, 'PERSIST'),
  said('MSET', stringKey, value, stringKey, value),
  said('MSETNX', stringKey, value, stringKey, value),
  said('MGET', stringKey, stringKey, stringKey),
  said('DEL', stringKey),
  said('EXISTS', stringKey),
  said('HSET', hash, field, value, field, value),
  said('HSETNX', hash, field, value),
  said('HGET', hash, field),
  said('HMGET', hash, field, field),
  said('HGETALL', hash),
  said('HVALS', hash),
  said('HKEYS', hash),
  said('HDEL', hash, field),
  said('HSCAN', hash, '0'),
  said('RPUSH', list, value, value),
  said('LPUSH', list, value),
  said('LPUSHX', list, value),
  said('LSET', list, small, value),
  said('LINDEX', list, small),
  said('LRANGE', list, small, small),
  said('LPOP', list),
  said('RPOP', list, '2'),
  said('LTRIM', list, '0', '3'),
  said('BLPOP', list, stringKey, '0.01'),
  said('LMPOP', '2', list, list, 'LEFT', 'COUNT', '2'),
  said('MULTI'),
  said('EXEC'),
  said('DISCARD'),
)

async function servers(): Promise<RedisPrograms[]> {
  return [await fetchRedis(), await fetchValkey()].filter((programs) => programs !== null)
}

/** Hashes with long values have another order of their fields, and sealed values are long. */
const extraArgs = ['--hash-max-listpack-value', '100000']

for (const programs of await servers()) {
  for (const resp of ['2', '3'])
    test(`${programs.version}, RESP${resp}: a client gets what it would get without, and the server has no value`, async () => {
      await using behind = await startRedis({ programs, extraArgs })
      await using plain = await startRedis({ programs, extraArgs })
      await using proxy = await startProtect(behind.address, LOCAL)
      const [through, direct] = [await RawClient.open(proxy.port), await RawClient.open(plain.port)]
      for (const client of [through, direct]) await client.ask('HELLO', resp)
      for (const words of fc.sample(COMMAND, { numRuns: 1500, seed: Number(resp) })) {
        assert.equal(await through.ask(...words), await direct.ask(...words), words.join(' '))
      }
      for (const client of [through, direct]) await client.ask('DISCARD')
      const server = await RawClient.open(behind.port)
      for (const [words, isProtected] of [
        [['GET', 'p:a'], true],
        [['HVALS', 'p:h'], true],
        [['LRANGE', 'p:l', '0', '-1'], true],
        [['LRANGE', 'q:l', '0', '-1'], false],
      ] as const) {
        await through.ask(...rebuilt(words))
        await server.ask(...words)
        const { bytes } = server.replies.at(-1)!
        assert.equal(bytes.includes(HUSH), !isProtected, words.join(' '))
        assert.equal(bytes.includes(MAGIC), isProtected, words.join(' '))
      }
      for (const client of [through, direct, server]) client.destroy()
      assert.deepEqual(proxy.complaints, [])
    })
}

/** So that there is something where it is looked for. */
function rebuilt([name, key]: readonly [string, string, ...string[]]): string[] {
  if (name === 'GET') return ['SET', key, HUSH]
  return name === 'HVALS' ? ['HSET', key, 'f', HUSH] : ['RPUSH', key, HUSH]
}

function folderOf(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'shotover-protect-'))
  t.after(() => rmSync(folder, { recursive: true }))
  return folder
}

test('keys of a file may be exchanged: older values are read, and a key that is gone opens nothing', async (t) => {
  const keys = join(folderOf(t), 'keys')
  const [may, november] = [`may ${randomBytes(32).toString('base64')}\n`, `november ${randomBytes(32).toString('base64')}\n`] // prettier-ignore
  await using redis = await startRedis()
  const server = await RawClient.open(redis.port)
  const run = async (file: string, ...talk: [words: string[], reply: RegExp][]) => {
    writeFileSync(keys, file)
    await using proxy = await startProtect(redis.address, `Local: { path: ${JSON.stringify(keys)} }`)
    const client = await RawClient.open(proxy.port)
    for (const [words, reply] of talk) assert.match(await client.ask(...words), reply)
    client.destroy()
  }
  await run(may, [['SET', 'p:a', 'old'], /OK/])
  await run(`${november}${may}`, [['GET', 'p:a'], /"old"/], [['SET', 'p:b', 'new'], /OK/])
  await run(november, [['GET', 'p:b'], /"new"/], [['GET', 'p:a'], /ERR there is no key of the name .{1,3}may/])
  for (const [key, name] of [['p:a', 'may'], ['p:b', 'november']]) {
    await server.ask('GET', key!)
    assert.ok(server.replies.at(-1)!.bytes.includes(`${String.fromCharCode(name!.length)}${name}\0`))
  } // prettier-ignore
  server.destroy()
})

test('a key file that is not there, or can not be used, is told at the start', async (t) => {
  const keys = join(folderOf(t), 'keys')
  const start = () => startProtect('127.0.0.1:1', `Local: { path: ${JSON.stringify(keys)} }`)
  await assert.rejects(start(), /the key file .*keys can not be read: No such file/)
  writeFileSync(keys, 'a b')
  await assert.rejects(start(), /the key file .*keys can not be used: line 1: a key must/)
})

process.env.AWS_ACCESS_KEY_ID = AWS.accessKeyId
process.env.AWS_SECRET_ACCESS_KEY = AWS.secretAccessKey
process.env.VAULT_TOKEN = VAULT_TOKEN

const SERVICES: Readonly<Record<string, readonly [start: () => Promise<KeyService>, keys: (url: string) => string]>> = {
  'AWS KMS': [startAwsKms, (url) => `AWSKms: { endpoint: "${url}", region: ${AWS.region}, cmk_id: "alias/test" }`],
  Vault: [startVault, (url) => `Vault: { address: "${url}", key_name: test }`],
}

for (const [name, [start, keys]] of Object.entries(SERVICES)) {
  test(`${name}: values are read by another proxy, and requests wait for a key that is late`, async () => {
    await using redis = await startRedis()
    await using service = await start()
    await using proxy = await startProtect(redis.address, keys(service.url))
    service.fail(503, 2)
    const client = await RawClient.open(proxy.port)
    assert.match(await client.ask('SET', 'p:a', HUSH), /OK/)
    assert.deepEqual(proxy.complaints.map((line) => line.replace(/says \d+.*/, '')), Array(2).fill(0).map((_, i) => `WARN no data key from ${name}, it is asked again in ${200 * 2 ** i} ms: ${name} `)) // prettier-ignore
    await using other = await startProtect(redis.address, keys(service.url))
    const reader = await RawClient.open(other.port)
    service.fail(503, 1)
    assert.match(await reader.ask('GET', 'p:a'), /hush|says 503/)
    assert.match(await reader.ask('GET', 'p:a'), /"hush"/)
    for (const each of [client, reader]) each.destroy()
  })

  test(`${name}: while it is away requests are answered with an error, those of other keys are not`, async () => {
    await using redis = await startRedis()
    await using service = await start()
    service.fail(503, Infinity)
    await using proxy = await startProtect(redis.address, keys(service.url), ', key_timeout_ms: 300')
    const client = await RawClient.open(proxy.port)
    assert.match(await client.ask('SET', 'q:a', HUSH), /OK/)
    assert.match(await client.ask('SET', 'p:a', HUSH), new RegExp(`ERR ${name} gave no key within 300 ms: ${name} says 503`)) // prettier-ignore
    service.fail(503, 0)
    // What is asked less often each time comes back within seconds.
    const deadline = Date.now() + 20_000
    let reply = ''
    while (!reply.includes('OK') && Date.now() < deadline) reply = await client.ask('SET', 'p:a', HUSH)
    assert.match(reply, /OK/)
    client.destroy()
  })
}

test('Vault is spoken to in TLS, where one vouches for it that is meant to', async () => {
  using folder = new CertificateFolder()
  const [own, other] = [Authority.make(), Authority.make()]
  await using redis = await startRedis()
  await using vault = await startVault(own.issue())
  for (const [authority, reply] of [
    [own, /OK/],
    [other, /ERR Vault gave no key within 3000 ms: Vault can not be asked/],
  ] as const) {
    const path = folder.file('authority.crt', authority.certificate)
    const keys = `Vault: { address: "${vault.url}", key_name: test, tls: { certificate_authority_path: "${path}", verify_hostname: true } }`
    await using proxy = await startProtect(redis.address, keys, ', key_timeout_ms: 3000')
    const client = await RawClient.open(proxy.port)
    assert.match(await client.ask('SET', 'p:a', HUSH), reply)
    client.destroy()
  }
})

test('no key and no value is in the log at its loudest, nor in metrics', async () => {
  await using redis = await startRedis()
  await using metered = await startMetered(behindProtect(redis.address, LOCAL))
  const { proxy, metrics } = metered
  await metrics.putFilter('trace')
  const client = await RawClient.open(proxy.port)
  const server = await RawClient.open(redis.port)
  await client.ask('SET', 'p:a', HUSH)
  assert.match(await client.ask('GET', 'p:a'), /"hush"/)
  assert.match(await client.ask('INCR', 'p:a'), /not possible on this key/)
  await server.ask('SET', 'p:b', HUSH)
  assert.match(await client.ask('GET', 'p:b'), /not encrypted/)
  assert.equal(await metrics.read('shotover_protected_values_count', { operation: 'encrypt' }), 1)
  assert.equal(await metrics.read('shotover_protected_values_count', { operation: 'decrypt' }), 1)
  assert.equal(await metrics.read('shotover_protect_refusals_count'), 2)
  const exposed = await (await fetch(metrics.url)).text()
  for (const each of [client, server]) each.destroy()
  await proxy.stop()
  for (const text of [proxy.output, exposed]) assert.ok(!text.includes(HUSH) && !text.includes(KEK))
})
