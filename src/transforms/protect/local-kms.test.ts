import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LocalKms, parseKey, parseKeyFile, unwrapKey, wrapKey } from './local-kms.ts'

const KEK = Buffer.from('000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F', 'hex')

test('keys are wrapped as in the last example of RFC 3394', () => {
  const data = Buffer.from('00112233445566778899AABBCCDDEEFF000102030405060708090A0B0C0D0E0F', 'hex')
  const wrapped = '28C9F404C4B810F4CBCCB35CFB87F8263F5786E2D80ED326CBC7F0E71A99F43BFB988B9B7A02DD21'
  assert.equal(wrapKey(KEK, data).toString('hex').toUpperCase(), wrapped)
  assert.deepEqual(unwrapKey(KEK, Buffer.from(wrapped, 'hex')), data)
  assert.equal(unwrapKey(data, Buffer.from(wrapped, 'hex')), null)
  assert.equal(unwrapKey(KEK, Buffer.from('00')), null)
})

const KEY = KEK.toString('base64')

const KEYS: readonly [text: string, refused: RegExp | null][] = [
  [KEY, null],
  ['Ht8M1nDO/7fay+cft71M2Xy7j30EnLAsA84hSUMCm1k=', null],
  [KEY.replace('=', ''), null],
  ['dGVzdHRlc3R0ZXN0', /32 bytes, this one has 12/],
  [`${KEY}blahblahblah`, /Base64/],
  [`${KEY.slice(0, 10)} ${KEY.slice(10)}`, /Base64/],
  ['', /has 0/],
]
for (const [text, refused] of KEYS)
  test(`the key ${text} is ${refused === null ? 'taken' : 'refused'}`, () => {
    if (refused === null) assert.equal(parseKey(text).length, 32)
    else assert.throws(() => parseKey(text), refused)
  })

const FILES: readonly [text: string, names: readonly string[] | RegExp][] = [
  [`2026 ${KEY}\n2025 ${KEY}\n`, ['2026', '2025']],
  [`# newest first\r\n\r\n  a\t${KEY}  # since May\r\n`, ['a']],
  [``, /no key/],
  [`a\n`, /line 1: a name and a key/],
  [`a ${KEY}\na ${KEY}`, /line 2: there are two keys of the name a/],
  [`a ${KEY} b`, /line 1/],
  [`# x\na abc`, /line 2: a key must/],
]
for (const [text, names] of FILES)
  test(`the key file ${JSON.stringify(text.replaceAll(KEY, 'KEY'))} is ${names instanceof RegExp ? 'refused' : 'read'}`, () => {
    if (names instanceof RegExp)
      assert.throws(() => parseKeyFile(text), (error: Error) => names.test(error.message) && !error.message.includes(KEY)) // prettier-ignore
    else assert.deepEqual([...parseKeyFile(text).keys()], names)
  })

const draw = (count: number) => Buffer.alloc(count, 7)

test('the first key wraps, and what older ones have wrapped is unwrapped', async () => {
  const old = new LocalKms(new Map([['old', Buffer.alloc(32, 1)]]), draw)
  const both = new LocalKms(new Map([['new', Buffer.alloc(32, 2)], ['old', Buffer.alloc(32, 1)]]), draw) // prettier-ignore
  const { kekId, wrapped, secret } = await old.generate()
  assert.deepEqual(await both.unwrap(kekId, wrapped), secret)
  assert.equal((await both.generate()).kekId, 'new')
  await assert.rejects(both.unwrap('new', wrapped), /not wrapped by the key "new"/)
  await assert.rejects(old.unwrap('new', wrapped), /no key of the name "new"/)
})

test('the key of searchable columns is the same whenever it is asked, and another one for each name', async () => {
  const keks = new Map([['a', Buffer.alloc(32, 1)], ['b', Buffer.alloc(32, 2)]]) // prettier-ignore
  const [one, again, other] = await Promise.all(['a', 'a', 'b'].map((name) => new LocalKms(keks, draw).searchKey(name)))
  assert.deepEqual(one, again)
  assert.notDeepEqual(one!.secret, other!.secret)
  assert.notDeepEqual(one!.secret, keks.get('a'))
  assert.deepEqual(await new LocalKms(keks, draw).unwrap('a', one!.wrapped), one!.secret)
  await assert.rejects(new LocalKms(keks, draw).searchKey('c'), /no key of the name "c"/)
})
