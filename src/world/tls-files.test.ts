import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { Authority, CertificateFolder } from '../../test/real/certificates.ts'
import { causesOf } from '../base/errors.ts'
import { readTls, TlsFileError } from './tls-files.ts'

const folder = new CertificateFolder()
after(() => folder.remove())
const authority = Authority.make()
const identity = authority.issue()
const other = authority.issue()
const own = folder.write('own', identity)
const ca = folder.file('ca.crt', authority.certificate)
const SOURCE = { certificate: own.certificate, privateKey: own.key, authority: null }

test('what TLS needs of the files is read, whatever else stands in them', async () => {
  const both = folder.file('both.pem', `# a comment\n${identity.key}\n${identity.certificate}${authority.certificate}`)
  const { certificate, privateKey } = await readTls({ certificate: both, privateKey: both, authority: ca })
  assert.deepEqual(certificate!.match(/BEGIN [A-Z ]+/g), ['BEGIN CERTIFICATE', 'BEGIN CERTIFICATE'])
  assert.deepEqual(privateKey!.match(/BEGIN [A-Z ]+/g), ['BEGIN PRIVATE KEY'])
})

for (const key of ['ec-pkcs8', 'ec-sec1', 'rsa-pkcs8', 'rsa-pkcs1'] as const) {
  test(`a private key may be ${key}`, async () => {
    const paths = folder.write(key, authority.issue({ key }))
    await readTls({ certificate: paths.certificate, privateKey: paths.key, authority: null })
  })
}

const encrypted = '-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIGjMA==\n-----END ENCRYPTED PRIVATE KEY-----\n'
const legacy = '-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nMIGj\n-----END RSA PRIVATE KEY-----\n'
const CASES: Record<
  string,
  { files: Partial<typeof SOURCE> | { authority: string }; field: string; causes: RegExp[] }
> = {
  'a file that is not there': {
    files: { certificate: 'no/such.crt' },
    field: 'certificate_path',
    causes: [/^Failed to read file no\/such\.crt configured at 'certificate_path'$/, /^No such file or directory/],
  },
  'a key that is not there': {
    files: { privateKey: 'no/such.key' },
    field: 'private_key_path',
    causes: [/^Failed to read file no\/such\.key configured at 'private_key_path'$/, /^No such file or directory/],
  },
  'a key where a certificate should be': {
    files: { certificate: own.key },
    field: 'certificate_path',
    causes: [/^No certificates found in PEM$/],
  },
  'a certificate where a key should be': {
    files: { privateKey: own.certificate },
    field: 'private_key_path',
    causes: [/^No suitable keys found in PEM$/],
  },
  'an encrypted key': {
    files: { privateKey: folder.file('encrypted.key', encrypted) },
    field: 'private_key_path',
    causes: [/^No suitable keys found in PEM$/, /^the key is encrypted/],
  },
  'an encrypted key of the old form': {
    files: { privateKey: folder.file('legacy.key', legacy) },
    field: 'private_key_path',
    causes: [/^No suitable keys found in PEM$/, /^the key is encrypted/],
  },
  'a malformed certificate': {
    files: { certificate: folder.file('torn.crt', identity.certificate.replace(/\n[^-]{20}/, '\n')) },
    field: 'certificate_path',
    causes: [/^Certificate 1 in PEM is malformed$/, /./],
  },
  'a malformed key': {
    files: { privateKey: folder.file('torn.key', identity.key.replace(/\n[^-]{20}/, '\n')) },
    field: 'private_key_path',
    causes: [/^The private key in PEM is malformed$/, /./],
  },
  'the key of somebody else': {
    files: { privateKey: folder.file('other.key', other.key) },
    field: 'private_key_path',
    causes: [/^The private key is not that of the certificate in .*own\.crt$/],
  },
  'an authority without a certificate': {
    files: { authority: folder.file('empty.crt', '') },
    field: 'certificate_authority_path',
    causes: [/^No certificates found in PEM$/],
  },
}

for (const [what, { files, field, causes }] of Object.entries(CASES)) {
  test(`${what} is refused, and no key is told`, async () => {
    await assert.rejects(readTls({ ...SOURCE, ...files }), (error: TlsFileError) => {
      assert.ok(error instanceof TlsFileError)
      assert.equal(error.field, field)
      const found = causesOf(error)
      assert.equal(found.length, causes.length, found.join('; '))
      for (const [index, cause] of causes.entries()) assert.match(found[index]!, cause)
      assert.ok(!found.join().includes('MIG'))
      return true
    })
  })
}
