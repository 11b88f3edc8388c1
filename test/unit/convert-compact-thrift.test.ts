/** Thrift's compact protocol: what is written is read again, and what is read is written byte for byte. */
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  readStruct,
  writeStruct,
  type ThriftField,
  type ThriftValue,
} from '../../src/convert/duckdb/compact-thrift.ts'

const scalars: readonly fc.Arbitrary<ThriftField>[] = [
  fc.boolean().map((value) => ({ type: 1, value })),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map((value) => ({ type: 6, value })),
  fc.uint8Array({ minLength: 8, maxLength: 8 }).map((value) => ({ type: 7, value: Buffer.from(value) })),
  fc.uint8Array({ maxLength: 200 }).map((value) => ({ type: 8, value: Buffer.from(value) })),
]

const { struct } = fc.letrec<{ field: ThriftField; list: ThriftField; struct: ThriftField }>((tie) => ({
  field: fc.oneof({ maxDepth: 3 }, ...scalars, tie('list'), tie('struct')),
  list: fc
    .array(tie('struct'), { maxLength: 20 })
    .map((fields) => ({ type: 9, value: { elementType: 12, elements: fields.map(({ value }) => value) } })),
  struct: fc
    .uniqueArray(fc.tuple(fc.integer({ min: 1, max: 300 }), tie('field')), {
      selector: ([id]) => id,
      maxLength: 6,
    })
    .map((fields) => ({ type: 12, value: new Map(fields.toSorted(([a], [b]) => a - b)) as ThriftValue })),
}))

test('a struct is read as it was written, and written as it was read', () => {
  fc.assert(
    fc.property(struct, ({ value }) => {
      if (!(value instanceof Map)) throw new Error('no struct was made')
      const bytes = writeStruct(value)
      const read = readStruct(bytes)
      expect(read).toEqual(value)
      expect(writeStruct(read)).toEqual(bytes)
    }),
    { numRuns: 200 },
  )
})

test.each([
  ['150200', [1, 5, 1n]],
  ['150100', [1, 5, -1n]],
  ['068202ac0200', [129, 6, 150n]],
  ['1100', [1, 1, true]],
  ['1200', [1, 1, false]],
  ['1802686900', [1, 8, Buffer.from('hi')]],
] as const)('%s is a struct as the specification has it', (hex, [id, type, value]) => {
  expect(writeStruct(new Map([[id, { type, value }]])).toString('hex')).toBe(hex)
  const field = readStruct(Buffer.from(hex, 'hex')).get(id)
  expect(field?.value).toEqual(value)
})

test.each(['', '15', '180a6162', '19fcff', '1b00', '1eff'])(
  'bytes %j that are no struct are refused',
  (hex) => {
    expect(() => readStruct(Buffer.from(hex, 'hex'))).toThrow(/read thrift: /)
  },
)
