import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { SIMPLE_TYPES, type CqlType, type SimpleType } from '../body/cql-type.ts'
import { decodeValue, encodeValue } from '../body/values.ts'
import { parseStatement } from '../cql/parse.ts'
import type { Term } from '../cql/tree.ts'
import { encodeLiteral } from './literal.ts'

/** Bytes in front, so that places are not counted from 0. */
function encode(text: string, type: CqlType): string | null | undefined {
  const bytes = Buffer.from(`INSERT INTO t (k) VALUES (${text})`)
  const statement = parseStatement(bytes)
  assert.equal(statement.type, 'insert', text)
  const [term] = (statement as unknown as { values: Term[] }).values
  const encoded = encodeLiteral(bytes, term!, type)
  return encoded === null || encoded === undefined ? encoded : encoded.toString('hex')
}

/** What Cassandra 4.1.10 makes of a literal for a column of the type. */
const LITERALS: readonly (readonly [type: SimpleType, text: string, hex: string | undefined])[] = [
  ['ascii', "'abc'", '616263'],
  ['ascii', "'ä'", undefined],
  ['ascii', '1', undefined],
  ['text', "'it''s ж'", '6974277320d0b6'],
  ['text', "$$it's$$", '69742773'],
  ['text', "''", ''],
  ['text', '1', undefined],
  ['text', 'true', undefined],
  ['bigint', '1', '0000000000000001'],
  ['bigint', '-9223372036854775808', '8000000000000000'],
  ['bigint', '9223372036854775808', undefined],
  ['bigint', '1.5', undefined],
  ['bigint', "'1'", undefined],
  ['counter', '7', '0000000000000007'],
  ['blob', '0xCAFE', 'cafe'],
  ['blob', '0x', ''],
  ['blob', '0xabc', undefined],
  ['blob', "'ca'", undefined],
  ['boolean', 'true', '01'],
  ['boolean', 'FALSE', '00'],
  ['boolean', '1', undefined],
  ['int', '-1', 'ffffffff'],
  ['int', '2147483648', undefined],
  ['int', '007', '00000007'],
  ['smallint', '-32768', '8000'],
  ['smallint', '32768', undefined],
  ['tinyint', '-128', '80'],
  ['tinyint', '128', undefined],
  ['varint', '0', '00'],
  ['varint', '128', '0080'],
  ['varint', '-129', 'ff7f'],
  ['varint', '123456789012345678901234567890', '018ee90ff6c373e0ee4e3f0ad2'],
  ['double', '1', '3ff0000000000000'],
  ['double', '1.5', '3ff8000000000000'],
  ['double', '-0.0', '8000000000000000'],
  ['double', '1e300', '7e37e43c8800759c'],
  ['double', 'NaN', '7ff8000000000000'],
  ['double', '-NaN', '7ff8000000000000'],
  ['double', 'Infinity', '7ff0000000000000'],
  ['double', '-Infinity', 'fff0000000000000'],
  ['float', '0.1', '3dcccccd'],
  ['float', '16777217', '4b800000'],
  ['float', '-1.5e-3', 'bac49ba6'],
  ['decimal', '1', '0000000001'],
  ['decimal', '-1.50', '00000002ff6a'],
  ['decimal', '1.5e3', 'fffffffe0f'],
  ['decimal', '1e-7', '0000000701'],
  ['decimal', '0', '0000000000'],
  ['decimal', '10.', '000000000a'],
  ['decimal', 'NaN', undefined],
  ['decimal', "'1'", undefined],
  ['timestamp', '0', '0000000000000000'],
  ['timestamp', '-1', 'ffffffffffffffff'],
  ['timestamp', "'2011-02-03T04:05:06.789Z'", '0000012de9b1e865'],
  ['timestamp', "'2011-02-03 04:05+0100'", '0000012de97adf60'],
  ['timestamp', "'2011-02-03 04:05:06-0130'", '0000012dea044b10'],
  ['timestamp', "'2011-02-03+0000'", '0000012de8d18000'],
  ['timestamp', "'2011-02-03T04:05:06.7+01:00'", '0000012de97af98c'],
  ['timestamp', "'1969-12-31 23:59:59.999Z'", 'ffffffffffffffff'],
  ['timestamp', "'0001-01-01 00:00Z'", 'ffffc77cedd32800'],
  ['timestamp', "'1500-03-01T00:00:00Z'", 'fffff283e57b7400'],
  ['timestamp', "'2011-02-03T04:05:06Z'", '0000012de9b1e550'],
  ['timestamp', "'2011-13-03T04:05:06Z'", undefined],
  ['date', "'1970-01-01'", '80000000'],
  ['date', "'2024-02-29'", '80004d46'],
  ['date', "'2023-02-29'", undefined],
  ['date', "'1969-12-31'", '7fffffff'],
  ['date', "'1582-10-04'", '7ffdd782'],
  ['date', "'0001-01-01'", '7ff506c6'],
  ['date', "'9999-12-31'", '802cc0a0'],
  ['date', '2147483648', '80000000'],
  ['date', '0', '00000000'],
  ['date', '4294967295', 'ffffffff'],
  ['date', '4294967296', undefined],
  ['date', '-1', undefined],
  ['time', "'08:12:54'", '00001ae5bbc3bc00'],
  ['time', "'08:12:54.123456789'", '00001ae5c31f8915'],
  ['time', "'08:12:54.1'", '00001ae5c1b99d00'],
  ['time', "'23:59:59.999'", '00004e94913fbdc0'],
  ['time', "'24:00:00'", undefined],
  ['time', "'8:1:2'", '00001a3ff541ec00'],
  ['time', '1', '0000000000000001'],
  ['time', '86399999999999', '00004e94914effff'],
  ['time', '86400000000000', undefined],
  ['time', '-1', undefined],
  ['uuid', '12345678-1234-4234-8234-123456789ABC', '12345678123442348234123456789abc'],
  ['timeuuid', '13814000-1dd2-11b2-8080-808080808080', '138140001dd211b28080808080808080'],
  ['uuid', "'12345678-1234-4234-8234-123456789abc'", undefined],
  ['inet', "'127.0.0.1'", '7f000001'],
  ['inet', "'256.1.1.1'", undefined],
  ['inet', "'::1'", '00000000000000000000000000000001'],
  ['inet', "'::'", '00000000000000000000000000000000'],
  ['inet', "'2001:db8::'", '20010db8000000000000000000000000'],
  ['inet', "'2001:db8:0:0:0:0:0:1'", '20010db8000000000000000000000001'],
  ['inet', "'fe80::1:2'", 'fe800000000000000000000000010002'],
  ['inet', "'1:2:3:4:5:6:7::'", '00010002000300040005000600070000'],
  ['inet', "'1::2::3'", undefined],
  ['inet', "'g::'", undefined],
  ['duration', '1y2mo3w4d5h6m7s8ms9us10ns', '1c32fc2168cdf9d664'],
  ['duration', '-1d', '000100'],
  ['duration', 'P1Y2M3DT4H5M6S', '1c06fc1ac003cfe800'],
  ['duration', '-P3W', '002900'],
  ['duration', 'P0001-02-03T04:05:06', '1c06fc1ac003cfe800'],
  ['duration', 'PT5S', '0000f2540be400'],
  ['duration', 'P1D', '000200'],
  ['duration', '1', undefined],
  ['duration', '9223372036854775807ns', '0000fffffffffffffffffe'],
  ['duration', '2147483647d', '00f0fffffffe00'],
  ['duration', '2147483648d', undefined],
  ['int', '- 1', 'ffffffff'],
  ['double', '1e999', undefined],
  ['inet', "'7ac::3db6:'", undefined],
  ['timestamp', "'2011-02-03+23:59'", undefined],
  ['duration', '1us1µs', undefined],
  ['duration', '1d1y', undefined],
  ['duration', '1MO2µS', '02008fa0'],
]

for (const [type, text, hex] of LITERALS) test(`${text} as ${type}`, () => assert.equal(encode(text, { type }), hex))

/** The server takes these too, in ways of its own: who wants to know the bytes has to ask it. */
const LEFT_TO_THE_SERVER: readonly (readonly [type: SimpleType, text: string])[] = [
  ['inet', "'1.2.3'"],
  ['inet', "'::ffff:102:304'"],
  ['inet', "'localhost'"],
  ['timestamp', "'2011-02-03 04:05'"],
  ['timestamp', "'2011-02-03T04:05:06 CET'"],
]

for (const [type, text] of LEFT_TO_THE_SERVER)
  test(`${text} as ${type} is left to the server`, () => assert.equal(encode(text, { type }), undefined))

const int: CqlType = { type: 'int' }
const user: CqlType = { type: 'udt', keyspace: 'ks', name: 'u', fields: [{ name: 'a', type: int }, { name: 'B', type: { type: 'text' } }] } // prettier-ignore

const COMPOSED: readonly (readonly [type: CqlType, text: string, hex: string | undefined])[] = [
  [{ type: 'list', of: int }, '[1, -1]', '000000020000000400000001' + '00000004ffffffff'],
  [{ type: 'list', of: int }, '[]', '00000000'],
  [{ type: 'list', of: int }, '[null]', undefined],
  [{ type: 'list', of: int }, "['a']", undefined],
  [{ type: 'list', of: int }, '[f(1)]', undefined],
  [{ type: 'tuple', of: [int, { type: 'text' }] }, "(1, 'ab')", '0000000400000001' + '000000026162'],
  [{ type: 'tuple', of: [int, { type: 'text' }] }, '(1, null)', '0000000400000001' + 'ffffffff'],
  [{ type: 'tuple', of: [int] }, '(1, 2)', undefined],
  [{ type: 'vector', of: { type: 'float' }, size: 2 }, '[1.5, -1.5]', '3fc00000bfc00000'],
  [{ type: 'vector', of: { type: 'float' }, size: 3 }, '[1.5, -1.5]', undefined],
  [{ type: 'vector', of: { type: 'text' }, size: 2 }, "['a', 'bb']", '0161026262'],
  [{ type: 'vector', of: { type: 'smallint' }, size: 1 }, '[1]', '020001'],
  [user, '{"B": \'x\', a: 1}', '0000000400000001' + '0000000178'],
  [user, '{a: 1}', '0000000400000001' + 'ffffffff'],
  [user, '{a: 1, b: 2}', undefined],
  [{ type: 'set', of: int }, '{1}', undefined],
  [int, 'null', undefined],
  [int, '(int) 5', '00000005'],
  [int, '?', undefined],
  [int, '1 + 1', undefined],
]

for (const [type, text, hex] of COMPOSED)
  test(`${text} as ${type.type}`, () => assert.equal(encode(text, type) ?? undefined, hex))

test('any literal is a value of a type, or is none', () => {
  const digits = fc.stringMatching(/^-?\d{1,25}$/)
  const float = fc.stringMatching(/^-?\d{1,5}(\.\d{0,5})?(e[+-]?\d{1,4})?$/)
  const times = fc.stringMatching(
    /^'\d{1,4}[-:]\d{1,2}[-:]\d{1,2}([ T]\d\d:\d\d(:\d\d)?(\.\d{1,3})?)?(Z|[+-]\d{2,4})?'$/,
  )
  const addresses = fc.stringMatching(/^'[0-9a-f:.]{1,20}'$/)
  const durations = fc.stringMatching(/^-?(\d{1,20}(y|mo|d|h|ms|ns)){1,3}$/)
  const blobs = fc.stringMatching(/^0x[0-9a-f]{0,9}$/)
  const types = fc.constantFrom(...(Object.keys(SIMPLE_TYPES) as SimpleType[]))
  fc.assert(
    fc.property(fc.oneof(digits, float, times, addresses, durations, blobs), types, (text, type) => {
      const hex = encode(text, { type })
      // What is encoded can be read, and is the same when it is written again.
      if (typeof hex !== 'string') return
      const bytes = Buffer.from(hex, 'hex')
      assert.deepEqual(encodeValue({ type }, decodeValue({ type }, bytes)), bytes)
    }),
    { numRuns: 1000 },
  )
})

test('a number of a million digits costs nothing', () => {
  for (const type of ['varint', 'decimal', 'int', 'double'] as const)
    assert.equal(encode('9'.repeat(1_000_000), { type }), undefined)
})

test('null is null for every type', () => assert.equal(encode('null', int), null))
