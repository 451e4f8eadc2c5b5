import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type RequestListener } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { AWS, expectedSignature, startAwsKms, startVault, VAULT_TOKEN } from '../../../test/key-services.ts'
import { nodeWorld } from '../../world/node.ts'
import { AwsCredentialsChain } from './aws-credentials.ts'
import { AwsKms, type AwsKmsOptions } from './aws-kms.ts'
import type { HttpServer } from './http-call.ts'
import { KmsError } from './kms.ts'
import { VaultKms, type VaultKmsOptions } from './vault-kms.ts'

const { net, clock } = nodeWorld()

function serverAt(url: string): HttpServer {
  const { hostname, port, host } = new URL(url)
  return { connector: net, clock, address: { host: hostname, port: Number(port) }, host }
}

const VARIABLES = { AWS_ACCESS_KEY_ID: AWS.accessKeyId, AWS_SECRET_ACCESS_KEY: AWS.secretAccessKey }

function chainOf(variables: Record<string, string>): AwsCredentialsChain {
  return new AwsCredentialsChain({ variables, connector: net, clock })
}

function awsAt(url: string, options: Partial<AwsKmsOptions> = {}): AwsKms {
  return new AwsKms({
    server: serverAt(url),
    credentials: chainOf(VARIABLES),
    region: AWS.region,
    keyId: 'alias/test',
    encryptionContext: null,
    keySpec: null,
    numberOfBytes: null,
    grantTokens: null,
    ...options,
  })
}

function vaultAt(url: string, options: Partial<VaultKmsOptions> = {}): VaultKms {
  return new VaultKms({ server: serverAt(url), mount: 'transit', keyName: 'test', tokenPath: null, token: VAULT_TOKEN, namespace: null, ...options }) // prettier-ignore
}

/** Fails with KmsError, which is final or not. */
async function refused(promise: Promise<unknown>, message: RegExp, isFinal: boolean): Promise<void> {
  await assert.rejects(promise, (error) => {
    assert.ok(error instanceof KmsError)
    assert.match(error.message, message)
    assert.equal(error.isFinal, isFinal)
    return true
  })
}

const PUBLISHED = 'AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=content-type;host;x-amz-date, Signature=' // prettier-ignore

test('the stand-in for AWS KMS checks signatures as the published suite has them', () => {
  const headers = {
    'content-type': 'application/x-www-form-urlencoded',
    host: 'example.amazonaws.com',
    'x-amz-date': '20150830T123600Z',
    authorization: PUBLISHED,
  }
  const signature = expectedSignature({ method: 'POST', url: '/', headers }, 'Param1=value1', AWS.secretAccessKey)
  assert.equal(signature, 'ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a')
})

test('AWS KMS: a data key is made, unwrapped by another proxy, and made of search_key', async () => {
  await using kms = await startAwsKms()
  const made = await awsAt(kms.url).generate()
  assert.equal(made.kekId, '')
  assert.deepEqual(await awsAt(kms.url, { numberOfBytes: 32 }).unwrap('', made.wrapped), made.secret)
  assert.equal((await awsAt(kms.url, { numberOfBytes: 32 }).generate()).secret.length, 32)
  const key = Buffer.alloc(32, 5)
  assert.deepEqual((await awsAt(kms.url).searchKey(kms.wrap(key))).secret, key)
  assert.deepEqual(kms.asked, ['GenerateDataKey', 'Decrypt', 'GenerateDataKey', 'Decrypt'])
})

test('AWS KMS: what it refuses is told in its words, and whether to ask again', async () => {
  await using kms = await startAwsKms()
  const withContext = awsAt(kms.url, { encryptionContext: { stage: 'b' }, grantTokens: ['x'] })
  const { wrapped } = await withContext.generate()
  await withContext.unwrap('', wrapped)
  await refused(awsAt(kms.url).unwrap('', wrapped), /AWS KMS says 400: InvalidCiphertextException: no/, true)
  await refused(awsAt(kms.url, { keyId: 'x' }).generate(), /NotFoundException: Alias x is not found/, true)
  const wrong = chainOf({ ...VARIABLES, AWS_SECRET_ACCESS_KEY: 'other' })
  await refused(awsAt(kms.url, { credentials: wrong }).generate(), /InvalidSignatureException/, false)
  kms.fail(500, 1)
  await refused(awsAt(kms.url).generate(), /AWS KMS says 500: an error: not now/, false)
  await refused(awsAt('http://127.0.0.1:1').generate(), /AWS KMS can not be asked: 127.0.0.1:1: /, false)
})

test('Vault: a data key is made, unwrapped by another proxy, and made of search_key', async () => {
  await using vault = await startVault()
  const made = await vaultAt(vault.url).generate()
  assert.match(made.wrapped.toString(), /^vault:v1:/)
  assert.deepEqual(await vaultAt(vault.url).unwrap('', made.wrapped), made.secret)
  const key = Buffer.alloc(32, 5)
  assert.deepEqual((await vaultAt(vault.url).searchKey(vault.wrap(key))).secret, key)
  assert.deepEqual(vault.asked, ['datakey', 'decrypt', 'decrypt'])
})

test('Vault: what it refuses is told in its words, and whether to ask again; the token may come from a file', async (t) => {
  await using vault = await startVault()
  await refused(vaultAt(vault.url, { token: 'x' }).generate(), /Vault says 403: permission denied/, false)
  await refused(vaultAt(vault.url, { mount: 'a/b' }).generate(), /Vault says 404/, true)
  await refused(vaultAt(vault.url).unwrap('', Buffer.from('vault:v1:AAAA')), /authentication failed/, true)
  vault.fail(503, 1)
  await refused(vaultAt(vault.url).generate(), /Vault says 503/, false)
  const tokenPath = join(folder(t), 'token')
  await refused(vaultAt(vault.url, { tokenPath }).generate(), /token of Vault can not be read: ENOENT/, false)
  writeFileSync(tokenPath, `${VAULT_TOKEN}\n`)
  await vaultAt(vault.url, { tokenPath, token: '' }).generate()
})

function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'shotover-keys-'))
  t.after(() => rmSync(path, { recursive: true }))
  return path
}

async function serve(t: TestContext, listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1')
  t.after(() => server.close())
  await once(server, 'listening')
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

const SAID = { AccessKeyId: 'id', SecretAccessKey: 'secret', Token: 'token', Expiration: '2100-01-01T00:00:00Z' }
const EXPECTED = { accessKeyId: 'id', secretAccessKey: 'secret', sessionToken: 'token' }

test('credentials of AWS are those of the environment, else of a file', async (t) => {
  const file = join(folder(t), 'credentials')
  writeFileSync(
    file,
    '[default]\naws_access_key_id = a\naws_secret_access_key=b\n[work]\naws_access_key_id=id\naws_secret_access_key = secret\naws_session_token = token\n',
  )
  assert.deepEqual(await chainOf({ ...VARIABLES, AWS_SHARED_CREDENTIALS_FILE: file }).get(), {
    accessKeyId: AWS.accessKeyId,
    secretAccessKey: AWS.secretAccessKey,
    sessionToken: null,
  })
  assert.deepEqual(await chainOf({ AWS_SHARED_CREDENTIALS_FILE: file, AWS_PROFILE: 'work' }).get(), EXPECTED)
  assert.equal((await chainOf({ AWS_SHARED_CREDENTIALS_FILE: file }).get()).accessKeyId, 'a')
})

test('credentials of AWS are those of the container, and kept until they end', async (t) => {
  let asked = 0
  const url = await serve(t, (request, response) => {
    asked++
    response.writeHead(request.headers.authorization === 'x' && request.url === '/role?a=b' ? 200 : 403)
    response.end(JSON.stringify(SAID))
  })
  const variables = {
    AWS_SHARED_CREDENTIALS_FILE: '/nowhere',
    AWS_CONTAINER_CREDENTIALS_FULL_URI: `${url}/role?a=b`,
    AWS_CONTAINER_AUTHORIZATION_TOKEN: 'x',
  }
  const chain = chainOf(variables)
  assert.deepEqual(await chain.get(), EXPECTED)
  assert.deepEqual(await chain.get(), EXPECTED)
  assert.equal(asked, 1)
  await refused(chainOf({ ...variables, AWS_CONTAINER_AUTHORIZATION_TOKEN: 'y' }).get(), /says 403/, false)
  const elsewhere = { ...variables, AWS_CONTAINER_CREDENTIALS_FULL_URI: 'http://example.com/role' }
  await refused(chainOf(elsewhere).get(), /a host that is not asked: example.com/, true)
})

test('credentials of AWS are those of the machine, by a token of its metadata', async (t) => {
  const url = await serve(t, (request, response) => {
    const token = request.headers['x-aws-ec2-metadata-token']
    if (request.method === 'PUT' && request.url === '/latest/api/token') response.end('session')
    else if (token !== 'session') response.writeHead(401).end()
    else if (request.url!.endsWith('/security-credentials/')) response.end('the-role\n')
    else if (request.url!.endsWith('/security-credentials/the-role')) response.end(JSON.stringify(SAID))
    else response.writeHead(404).end()
  })
  const nowhere = { AWS_SHARED_CREDENTIALS_FILE: '/nowhere' }
  assert.deepEqual(await chainOf({ ...nowhere, AWS_EC2_METADATA_SERVICE_ENDPOINT: url }).get(), EXPECTED)
  await refused(chainOf({ ...nowhere, AWS_EC2_METADATA_DISABLED: 'true' }).get(), /no credentials/, false)
  const broken = await serve(t, (_, response) => response.end('{"SecretAccessKey": "hush'))
  const variables = { ...nowhere, AWS_CONTAINER_CREDENTIALS_FULL_URI: broken }
  await assert.rejects(chainOf(variables).get(), (error: Error) => !error.message.includes('hush'))
})
