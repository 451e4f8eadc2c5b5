import assert from 'node:assert/strict'
import { test } from 'node:test'
import { signatureHeaders, type SignedPart } from './aws-signature.ts'

// The Signature Version 4 test suite that AWS has published.

const TOKEN = 'AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfIeoIYRqTflfKD8YUuwthAx7mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6fE8YQcHNVXAkiY9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/oLxBA==' // prettier-ignore

const Host = 'example.amazonaws.com'
const post = (headers: Record<string, string>, body = ''): SignedPart => ({ method: 'POST', path: '/', headers: { Host, ...headers }, body }) // prettier-ignore

const SUITE: readonly [name: string, part: SignedPart, token: string | null, signed: string, signature: string][] = [
  [
    'post-vanilla',
    post({}),
    null,
    'host;x-amz-date',
    '5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b',
  ],
  [
    'post-x-www-form-urlencoded',
    post({ 'Content-Type': 'application/x-www-form-urlencoded' }, 'Param1=value1'),
    null,
    'content-type;host;x-amz-date',
    'ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a',
  ],
  [
    'post-sts-header-before',
    post({}),
    TOKEN,
    'host;x-amz-date;x-amz-security-token',
    '85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead',
  ],
]

for (const [name, part, sessionToken, signed, signature] of SUITE)
  test(`${name} of the published suite is signed as it says`, () => {
    const credentials = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY', sessionToken } // prettier-ignore
    const scope = { region: 'us-east-1', service: 'service', wallMs: Date.UTC(2015, 7, 30, 12, 36) }
    assert.deepEqual(signatureHeaders(part, credentials, scope), {
      'X-Amz-Date': '20150830T123600Z',
      ...(sessionToken === null ? {} : { 'X-Amz-Security-Token': sessionToken }),
      Authorization: `AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=${signed}, Signature=${signature}`,
    })
  })
