import assert from 'node:assert/strict'
import { test } from 'node:test'
import { format } from 'node:util'
import fc from 'fast-check'
import { CorruptError } from '../corrupt-error.ts'
import { Reader } from '../reader.ts'
import { marshalName, SIMPLE_TYPES, type CqlType, type SimpleType } from './cql-type.ts'
import { parseMarshal } from './marshal.ts'
import { readType, writeType } from './types.ts'
import { decodeValue, encodeValue, type Value } from './values.ts'
import { readUnsignedVint, readVint, writeUnsignedVint, writeVint } from './vints.ts'
import { Writer } from './writer.ts'

const record = <T>(shape: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<T> =>
  fc.record(shape, { noNullPrototype: true }) as fc.Arbitrary<T>
const of = (type: SimpleType): CqlType => ({ type })

/** Values and their bytes, from native_protocol_v5.spec 6 and from what Cassandra 4.1 gave. */
const VALUES: readonly (readonly [type: CqlType, hex: string, value: Value])[] = [
  [of('ascii'), '616263', 'abc'],
  [of('text'), 'd0b6f09f909b', 'ж🐛'],
  [of('text'), '', ''],
  [of('bigint'), '8000000000000000', -(2n ** 63n)],
  [of('counter'), '0000000000000005', 5n],
  [of('blob'), '00ff', Buffer.from([0, 255])],
  [of('boolean'), '01', true],
  [of('boolean'), '00', false],
  [of('decimal'), '000000020080', { scale: 2, unscaled: 128n }],
  [of('double'), '3ff8000000000000', 1.5],
  [of('float'), '3fc00000', 1.5],
  [of('int'), 'ffffffff', -1],
  [of('int'), '', Buffer.alloc(0)],
  [of('timestamp'), '0000000000000001', 1n],
  [of('uuid'), '12345678123442348234123456789abc', '12345678-1234-4234-8234-123456789abc'],
  [of('varint'), '00', 0n],
  [of('varint'), '01', 1n],
  [of('varint'), '7f', 127n],
  [of('varint'), '0080', 128n],
  [of('varint'), '0081', 129n],
  [of('varint'), 'ff', -1n],
  [of('varint'), '80', -128n],
  [of('varint'), 'ff7f', -129n],
  [of('inet'), '7f000001', '127.0.0.1'],
  [of('inet'), '20010db8000000000000000000000001', '2001:db8:0:0:0:0:0:1'],
  [of('date'), '80000001', 1],
  [of('date'), '7fffffff', -1],
  [of('time'), '0000000000000001', 1n],
  [of('smallint'), '8000', -32768],
  [of('tinyint'), '80', -128],
  [of('duration'), '02040c', { months: 1, days: 2, nanoseconds: 6n }],
  [{ type: 'list', of: of('int') }, '000000020000000400000001ffffffff', [1, null]],
  [{ type: 'set', of: of('text') }, '000000010000000161', ['a']],
  [{ type: 'map', keys: of('text'), values: of('int') }, '000000010000000161' + '0000000400000007', [['a', 7]]],
  [{ type: 'tuple', of: [of('int'), of('text')] }, '0000000400000001' + '0000000161', [1, 'a']],
  [{ type: 'vector', of: of('float'), size: 2 }, '3fc00000bfc00000', [1.5, -1.5]],
  [{ type: 'vector', of: of('text'), size: 2 }, '0161026262', ['a', 'bb']],
  [{ type: 'vector', of: { type: 'vector', of: of('int'), size: 1 }, size: 2 }, '0000000100000002', [[1], [2]]],
  [{ type: 'custom', name: 'com.example.Own' }, 'cafe', Buffer.from('cafe', 'hex')],
]

for (const [type, hex, value] of VALUES) {
  test(`${hex === '' ? 'no bytes' : hex} is a value of ${marshalName(type)}`, () => {
    const bytes = Buffer.from(hex, 'hex')
    assert.deepEqual(decodeValue(type, bytes), value)
    assert.deepEqual(encodeValue(type, value), bytes)
    assert.equal(decodeValue(type, null), null)
    assert.equal(encodeValue(type, null), null)
  })
}

test('fields of a user’s type that were added later are null in older values', () => {
  const fields = ['a', 'b'].map((name) => ({ name, type: of('int') }))
  const type: CqlType = { type: 'udt', keyspace: 'ks', name: 't', fields }
  assert.deepEqual(decodeValue(type, Buffer.from('0000000400000001', 'hex')), [1, null])
  assert.deepEqual(encodeValue(type, [1, null])!.toString('hex'), '0000000400000001ffffffff')
})

/** What is none of the type's values, though some of it could be written as bytes. */
const REFUSED: readonly (readonly [type: CqlType, value: Value])[] = [
  [of('text'), 5],
  [of('blob'), 'abc'],
  [of('boolean'), 1],
  [of('int'), '5'],
  [of('int'), 1.5],
  [of('int'), 2 ** 31],
  [of('smallint'), 32_768],
  [of('tinyint'), -129],
  [of('bigint'), 5],
  [of('bigint'), 2n ** 63n],
  [of('date'), 'x'],
  [of('date'), 2 ** 31],
  [of('float'), 'x'],
  [of('varint'), 5],
  [of('decimal'), 5],
  [of('decimal'), { scale: 2 ** 31, unscaled: 1n }],
  [of('duration'), { months: 2 ** 31, days: 0, nanoseconds: 0n }],
  [of('duration'), { months: 0, days: 0.5, nanoseconds: 0n }],
  [of('uuid'), '12345678-1234-4234-8234-12345678-9abc'],
  [of('inet'), '1.2.3.999'],
  [of('inet'), '1.2.3'],
  [of('inet'), 'a.b.c.d'],
  [of('inet'), '1:2'],
  [of('inet'), '1::2::3'],
  [of('inet'), '1::2:3:4:5:6:7:8'],
  [of('inet'), 'g::'],
  [{ type: 'list', of: of('int') }, 'ab'],
  [{ type: 'list', of: of('int') }, ['1']],
  [{ type: 'map', keys: of('int'), values: of('int') }, [[1]]],
  [{ type: 'map', keys: of('int'), values: of('int') }, [5]],
  [{ type: 'tuple', of: [of('int')] }, [1, 2]],
  [{ type: 'vector', of: of('int'), size: 2 }, [1]],
  [{ type: 'vector', of: of('int'), size: 1 }, [null]],
  [{ type: 'custom', name: 'com.example.Own' }, 'ab'],
]

for (const [type, value] of REFUSED)
  test(`${format(value)} is no value of ${marshalName(type)}`, () => {
    assert.throws(() => encodeValue(type, value), TypeError)
  })

test('addresses may be written with zeros left out', () => {
  const written = ['::', '::1', '1::', 'fe80::1:2', '::2:3:4:5:6:7:8', '1:2:3:4:5:6:7::']
  const bytes = written.map((text) => encodeValue(of('inet'), text))
  assert.deepEqual(
    bytes.map((each) => decodeValue(of('inet'), each)),
    [
      '0:0:0:0:0:0:0:0',
      '0:0:0:0:0:0:0:1',
      '1:0:0:0:0:0:0:0',
      'fe80:0:0:0:0:0:1:2',
      '0:2:3:4:5:6:7:8',
      '1:2:3:4:5:6:7:0',
    ],
  )
})

test('a number of 4 MB is written in a moment', () => {
  const bytes = Buffer.alloc(4_000_000, 0x5a)
  const value = decodeValue(of('varint'), bytes)
  const started = process.cpuUsage().user
  assert.deepEqual(encodeValue(of('varint'), value), bytes)
  assert.ok(process.cpuUsage().user - started < 2_000_000)
})

const simple = fc.constantFrom(...(Object.keys(SIMPLE_TYPES) as SimpleType[])).map(of)
const names = fc.string({ minLength: 1, maxLength: 8 })
const { type: types } = fc.letrec<{ type: CqlType }>((tie) => ({
  type: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    simple,
    record({ type: fc.constantFrom('list', 'set'), of: tie('type') }),
    record({ type: fc.constant('map'), keys: tie('type'), values: tie('type') }),
    record({ type: fc.constant('tuple'), of: fc.array(tie('type'), { minLength: 1, maxLength: 3 }) }),
    record({ type: fc.constant('vector'), of: tie('type'), size: fc.integer({ min: 1, max: 3 }) }),
    record({
      type: fc.constant('udt'),
      keyspace: fc.constantFrom('ks', 'other'),
      name: names,
      fields: fc.array(record({ name: names, type: tie('type') }), { minLength: 1, maxLength: 3 }),
    }),
  ) as fc.Arbitrary<CqlType>,
}))

/** Any value of a type. */
function valuesOf(type: CqlType): fc.Arbitrary<Value> {
  const long = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })
  switch (type.type) {
    case 'ascii':
    case 'text':
      return fc.string({ unit: 'binary' })
    case 'blob':
    case 'custom':
      return fc.uint8Array().map((bytes) => Buffer.from(bytes))
    case 'boolean':
      return fc.boolean()
    case 'double':
      return fc.double()
    case 'float':
      return fc.float()
    case 'int':
      return fc.integer()
    case 'date':
      return fc.integer()
    case 'smallint':
      return fc.integer({ min: -32768, max: 32767 })
    case 'tinyint':
      return fc.integer({ min: -128, max: 127 })
    case 'uuid':
    case 'timeuuid':
      return fc.uuid()
    case 'inet':
      return fc.oneof(fc.constantFrom('10.1.2.3', '255.255.255.255'), fc.constant('fe80:0:0:0:1:2:3:ffff'))
    case 'varint':
      return fc.bigInt({ min: -(2n ** 200n), max: 2n ** 200n })
    case 'decimal':
      return record({ scale: fc.integer(), unscaled: fc.bigInt({ min: -(2n ** 99n), max: 2n ** 99n }) })
    case 'duration':
      return record({ months: fc.integer(), days: fc.integer(), nanoseconds: long })
    case 'list':
    case 'set':
      return fc.array(valuesOf(type.of), { maxLength: 3 })
    case 'map':
      return fc.array(fc.tuple(valuesOf(type.keys), valuesOf(type.values)), { maxLength: 3 })
    case 'tuple':
      return fc.tuple(...type.of.map(valuesOf))
    case 'udt':
      return fc.tuple(...type.fields.map((field) => valuesOf(field.type)))
    case 'vector':
      return fc.array(valuesOf(type.of), { minLength: type.size, maxLength: type.size })
    case 'bigint':
    case 'counter':
    case 'time':
    case 'timestamp':
      return long
  }
}

test('types of every kind survive being written, as ids and as names of classes', () => {
  fc.assert(
    fc.property(types, fc.constantFrom(3, 4, 5), (type, version) => {
      const writer = new Writer()
      writeType(writer, type, version)
      const reader = new Reader(writer.bytes)
      assert.deepEqual(readType(reader), type)
      assert.equal(reader.left, 0)
      assert.deepEqual(parseMarshal(marshalName(type)), type)
    }),
  )
})

test('values of every type survive being encoded', () => {
  const typed = types.chain((type) => fc.tuple(fc.constant(type), valuesOf(type)))
  fc.assert(
    fc.property(typed, ([type, value]) => {
      const bytes = encodeValue(type, value)
      assert.deepEqual(decodeValue(type, bytes), value)
    }),
  )
})

test('any bytes are a value or are refused', () => {
  fc.assert(
    fc.property(types, fc.uint8Array({ maxLength: 100 }), (type, bytes) => {
      try {
        decodeValue(type, Buffer.from(bytes))
      } catch (error) {
        assert.ok(error instanceof CorruptError, String(error))
      }
    }),
  )
})

test('types that are nested too deep are refused, as ids and as names of classes', () => {
  const lists = Buffer.concat([...Array.from({ length: 10_000 }, () => Buffer.from([0, 0x20])), Buffer.from([0, 9])])
  assert.throws(() => readType(new Reader(lists)), CorruptError)
  const name = `${'ListType('.repeat(10_000)}Int32Type${')'.repeat(10_000)}`
  assert.equal(parseMarshal(name), null)
})

test('variable integers are those of the specification', () => {
  assert.equal(writeUnsignedVint(256_000n).toString('hex'), 'c3e800')
  fc.assert(
    fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), (value) => {
      assert.equal(readVint(new Reader(writeVint(value))), value)
      const unsigned = BigInt.asUintN(64, value)
      assert.equal(readUnsignedVint(new Reader(writeUnsignedVint(unsigned))), unsigned)
    }),
  )
})
