import { createPublicKey, generateKeyPairSync, randomBytes, sign, type KeyObject } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

// X.509 certificates (RFC 5280) for tests and benches, written with node:crypto alone.

/** A certificate and its private key, in PEM. */
export interface Identity {
  readonly certificate: string
  readonly key: string
}

export interface IdentityOptions {
  readonly commonName?: string
  /** Hosts that it is for, names or addresses; `localhost`, `127.0.0.1` and `::1` unless told otherwise. */
  readonly hosts?: readonly string[]
  /** When it ends; in a day unless told otherwise. */
  readonly notAfter?: Date
  /** Form of the private key. Elliptic curves unless told otherwise: those keys are made in no time. */
  readonly key?: 'ec-pkcs8' | 'ec-sec1' | 'rsa-pkcs8' | 'rsa-pkcs1'
}

const DAY_MS = 24 * 3600 * 1000
const HOSTS = ['localhost', '127.0.0.1', '::1']

// DER: tag, length, content (X.690, 8.1)
function der(tag: number, ...contents: Buffer[]): Buffer {
  const content = Buffer.concat(contents)
  if (content.length < 128) return Buffer.concat([Buffer.from([tag, content.length]), content])
  const length = Buffer.from(content.length.toString(16).padStart(content.length > 255 ? 4 : 2, '0'), 'hex')
  return Buffer.concat([Buffer.from([tag, 0x80 | length.length]), length, content])
}
const sequence = (...of: Buffer[]) => der(0x30, ...of)
const set = (...of: Buffer[]) => der(0x31, ...of)
const integer = (bytes: Buffer) => der(0x02, bytes)
const octets = (bytes: Buffer) => der(0x04, bytes)
const bits = (bytes: Buffer) => der(0x03, Buffer.from([0]), bytes)
const text = (value: string) => der(0x0c, Buffer.from(value))
const TRUE = der(0x01, Buffer.from([0xff]))

function oid(dotted: string): Buffer {
  const [first, second, ...rest] = dotted.split('.').map(Number)
  const bytes = [first! * 40 + second!]
  for (const arc of rest) {
    const groups = [arc & 0x7f]
    for (let left = arc >>> 7; left > 0; left >>>= 7) groups.unshift((left & 0x7f) | 0x80)
    bytes.push(...groups)
  }
  return der(0x06, Buffer.from(bytes))
}

/** UTCTime, which holds until 2049. */
const time = (at: Date) => der(0x17, Buffer.from(`${at.toISOString().replaceAll(/[-:T]/g, '').slice(2, 14)}Z`))
const name = (commonName: string) => sequence(set(sequence(oid('2.5.4.3'), text(commonName))))
const extension = (id: string, value: Buffer, critical = false) =>
  sequence(oid(id), ...(critical ? [TRUE] : []), octets(value))

function address(host: string): Buffer {
  if (isIP(host) === 4) return Buffer.from(host.split('.').map(Number))
  const [left = '', right = ''] = host.split('::')
  const groups = (part: string) => part.split(':').filter((group) => group !== '')
  const zeros = 8 - groups(left).length - groups(right).length
  const all = [...groups(left), ...Array.from({ length: host.includes('::') ? zeros : 0 }, () => '0'), ...groups(right)]
  return Buffer.from(all.map((group) => group.padStart(4, '0')).join(''), 'hex')
}

const alternativeNames = (hosts: readonly string[]) =>
  sequence(...hosts.map((host) => (isIP(host) === 0 ? der(0x82, Buffer.from(host)) : der(0x87, address(host)))))

const pem = (label: string, bytes: Buffer) =>
  `-----BEGIN ${label}-----\n${bytes.toString('base64').replaceAll(/.{64}/g, '$&\n').trimEnd()}\n-----END ${label}-----\n`

function makeKey(form: NonNullable<IdentityOptions['key']>): { key: KeyObject; text: string } {
  const [kind, type] = form.split('-') as ['ec' | 'rsa', 'pkcs8' | 'sec1' | 'pkcs1']
  const { privateKey } =
    kind === 'ec'
      ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
      : generateKeyPairSync('rsa', { modulusLength: 2048 })
  return {
    key: privateKey,
    text: privateKey.export({ type, format: 'pem' } as { type: 'pkcs8'; format: 'pem' }) as string,
  }
}

/** Who vouches for certificates. */
export class Authority implements Identity {
  readonly certificate: string
  readonly key: string
  readonly #name: string
  readonly #key: KeyObject

  private constructor(commonName: string, above: Authority | null) {
    const { key, text: keyText } = makeKey('ec-pkcs8')
    this.#name = commonName
    this.#key = key
    this.key = keyText
    const authority = extension('2.5.29.19', sequence(TRUE), true)
    this.certificate = (above ?? this).#sign(commonName, key, [authority], new Date(Date.now() + DAY_MS))
  }

  /** One that vouches for itself. */
  static make(commonName = 'Authority of a test'): Authority {
    return new Authority(commonName, null)
  }

  /** One that this one vouches for. */
  below(commonName: string): Authority {
    return new Authority(commonName, this)
  }

  issue(options: IdentityOptions = {}): Identity {
    const { commonName = 'somebody', hosts = HOSTS, notAfter = new Date(Date.now() + DAY_MS) } = options
    const { key, text: keyText } = makeKey(options.key ?? 'ec-pkcs8')
    const names = hosts.length === 0 ? [] : [extension('2.5.29.17', alternativeNames(hosts))]
    return { certificate: this.#sign(commonName, key, names, notAfter), key: keyText }
  }

  #sign(subject: string, key: KeyObject, extensions: Buffer[], notAfter: Date): string {
    const algorithm = sequence(oid('1.2.840.10045.4.3.2'))
    const serial = Buffer.concat([Buffer.from([1]), randomBytes(8)])
    const body = sequence(
      der(0xa0, integer(Buffer.from([2]))),
      integer(serial),
      algorithm,
      name(this.#name),
      sequence(time(new Date(Math.min(Date.now(), notAfter.getTime()) - DAY_MS)), time(notAfter)),
      name(subject),
      createPublicKey(key as never).export({ type: 'spki', format: 'der' }),
      ...(extensions.length === 0 ? [] : [der(0xa3, sequence(...extensions))]),
    )
    return pem('CERTIFICATE', sequence(body, algorithm, bits(sign('sha256', body, this.#key))))
  }
}

/** Files in a folder of their own. */
export class CertificateFolder {
  readonly path = mkdtempSync(join(tmpdir(), 'shotover-tls-'))

  /** Writes `NAME.crt` and `NAME.key`, anew where they are there. Returns their paths. */
  write(name: string, { certificate, key }: Identity): { certificate: string; key: string } {
    return { certificate: this.file(`${name}.crt`, certificate), key: this.file(`${name}.key`, key) }
  }

  /** Writes one file. Returns its path. */
  file(name: string, content: string): string {
    const path = join(this.path, name)
    writeFileSync(path, content)
    return path
  }

  remove(): void {
    rmSync(this.path, { recursive: true, force: true })
  }

  [Symbol.dispose](): void {
    this.remove()
  }
}
