import { readFileSync } from 'node:fs'
import { systemErrorText } from '../../base/errors.ts'
import type { Env } from '../../core/kind.ts'
import { connectorOf, type SinkTls } from '../../core/tls.ts'
import { AwsCredentialsChain } from './aws-credentials.ts'
import { AwsKms } from './aws-kms.ts'
import { serverOf, type HttpServer } from './http-call.ts'
import type { Kms } from './kms.ts'
import { LocalKms, parseKey, parseKeyFile } from './local-kms.ts'
import type { Options } from './options.ts'
import { VaultKms } from './vault-kms.ts'

/** What keeps the keys, as `key_manager` says. Throws where keys that the proxy has itself can't be used. */
export function openKms({ Local: local, AWSKms: aws, Vault: vault }: Options['key_manager'], env: Env): Kms {
  const { world } = env
  if (local !== undefined) {
    const keks = local.path === undefined ? new Map([[local.kek_id!, parseKey(local.kek!)]]) : keysIn(local.path)
    return new LocalKms(keks, (count) => world.random.bytes(count))
  }
  if (vault !== undefined) {
    return new VaultKms({
      server: serverAt(vault.address, vault.tls, env),
      mount: vault.mount,
      keyName: vault.key_name,
      tokenPath: vault.token_path ?? null,
      token: process.env.VAULT_TOKEN ?? '',
      namespace: vault.namespace ?? null,
    })
  }
  const { region, endpoint, cmk_id: keyId, tls } = aws!
  return new AwsKms({
    server: serverAt(
      endpoint ?? `https://kms.${region}.amazonaws.com${region.startsWith('cn-') ? '.cn' : ''}`,
      tls,
      env,
    ),
    credentials: new AwsCredentialsChain({ variables: process.env, connector: world.net, clock: world.clock }),
    region,
    keyId,
    encryptionContext: aws!.encryption_context ?? null,
    keySpec: aws!.key_spec ?? null,
    numberOfBytes: aws!.number_of_bytes ?? null,
    grantTokens: aws!.grant_tokens ?? null,
  })
}

function keysIn(path: string): Map<string, Buffer> {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    throw new Error(`the key file ${path} can not be read: ${systemErrorText(error as Error)}`)
  }
  try {
    return parseKeyFile(text)
  } catch (error) {
    throw new Error(`the key file ${path} can not be used: ${(error as Error).message}`)
  }
}

function serverAt(text: string, tls: SinkTls | undefined, env: Env): HttpServer {
  const url = new URL(text)
  return serverOf(url, url.protocol === 'https:' ? connectorOf(tls, env) : env.world.net, env.world.clock)
}
