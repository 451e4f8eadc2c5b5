import { X509Certificate, createPrivateKey, type KeyObject } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { createSecureContext } from 'node:tls'
import { systemErrorText } from '../base/errors.ts'
import type { TlsFiles } from './world.ts'

/** What TLS files hold, as far as it is used: PEM blocks. Plain data, which is sent to threads; the key is a secret. */
export interface TlsMaterial {
  readonly certificate: string | null
  readonly privateKey: string | null
  readonly authority: string | null
}

/** The options that name TLS files. */
export type TlsField = 'certificate_path' | 'private_key_path' | 'certificate_authority_path'

const FIELDS: Readonly<Record<keyof TlsFiles, TlsField>> = {
  certificate: 'certificate_path',
  privateKey: 'private_key_path',
  authority: 'certificate_authority_path',
}

/** A file of TLS can't be used. The message is Shotover's where it has one; what else is known is the cause. */
export class TlsFileError extends Error {
  readonly field: TlsField
  readonly file: string

  constructor(message: string, field: TlsField, file: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.field = field
    this.file = file
  }
}

/** Two ends with the same files share what they hold. */
export function tlsKey({ certificate, privateKey, authority }: TlsFiles): string {
  return JSON.stringify([certificate, privateKey, authority])
}

/** The paths of `files`, each once. */
export function tlsPaths(files: TlsFiles): string[] {
  return [...new Set([files.certificate, files.privateKey, files.authority])].filter((path) => path !== null)
}

/** Reads the files and makes sure that TLS can be made of them. Rejects with TlsFileError. */
export async function readTls(files: TlsFiles): Promise<TlsMaterial> {
  const pem = async (kind: keyof TlsFiles) => (files[kind] === null ? null : await readPem(files[kind], FIELDS[kind]))
  const certificate = await pem('certificate')
  const privateKey = await pem('privateKey')
  const authority = await pem('authority')
  const material = {
    certificate: certificate === null ? null : certificatesIn(certificate, FIELDS.certificate, files.certificate!),
    privateKey: privateKey === null ? null : keyIn(privateKey, files.privateKey!),
    authority: authority === null ? null : certificatesIn(authority, FIELDS.authority, files.authority!),
  }
  checkTogether(material, files)
  return material
}

async function readPem(file: string, field: TlsField): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    const cause = new Error(systemErrorText(error as Error))
    throw new TlsFileError(`Failed to read file ${file} configured at '${field}'`, field, file, cause)
  }
}

const CERTIFICATE = /-----BEGIN (?:X509 |TRUSTED )?CERTIFICATE-----[^-]+-----END (?:X509 |TRUSTED )?CERTIFICATE-----/g
const PRIVATE_KEY = /-----BEGIN ((?:RSA |EC )?PRIVATE KEY)-----[^-]+-----END \1-----/

function certificatesIn(pem: string, field: TlsField, file: string): string {
  const blocks = pem.match(CERTIFICATE) ?? []
  if (blocks.length === 0) throw new TlsFileError('No certificates found in PEM', field, file)
  for (const [index, block] of blocks.entries()) {
    try {
      new X509Certificate(block)
    } catch (error) {
      throw new TlsFileError(`Certificate ${index + 1} in PEM is malformed`, field, file, error)
    }
  }
  return blocks.join('\n')
}

function keyIn(pem: string, file: string): string {
  const block = PRIVATE_KEY.exec(pem)?.[0]
  if (block === undefined || /^Proc-Type: 4,ENCRYPTED/m.test(block)) {
    const encrypted = /ENCRYPTED/.test(pem)
      ? new Error('the key is encrypted, and nobody is there to be asked')
      : undefined
    throw new TlsFileError('No suitable keys found in PEM', FIELDS.privateKey, file, encrypted)
  }
  parseKey(block, file)
  return block
}

function parseKey(block: string, file: string): KeyObject {
  try {
    return createPrivateKey(block)
  } catch (error) {
    throw new TlsFileError('The private key in PEM is malformed', FIELDS.privateKey, file, error)
  }
}

function checkTogether({ certificate, privateKey, authority }: TlsMaterial, files: TlsFiles): void {
  if (certificate !== null && privateKey !== null) {
    // The first one is the end's own, those behind it lead to its authority.
    const own = new X509Certificate(certificate)
    if (!own.checkPrivateKey(parseKey(privateKey, files.privateKey!))) {
      const text = `The private key is not that of the certificate in ${files.certificate}`
      throw new TlsFileError(text, FIELDS.privateKey, files.privateKey!)
    }
  }
  try {
    createSecureContext({
      ...(certificate === null ? {} : { cert: certificate }),
      ...(privateKey === null ? {} : { key: privateKey }),
      ca: authority ?? [],
    })
  } catch (error) {
    const kind = certificate === null ? 'authority' : 'certificate'
    throw new TlsFileError('TLS can not be made of the certificates', FIELDS[kind], files[kind] ?? '', error)
  }
}
