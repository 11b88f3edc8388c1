/** The hand-written way of a put agrees with the constraint engine. */
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { base64Length, isBase64 } from '../../src/receive/http/base64.ts'
import { cleanBytes, frameOf } from '../../src/receive/http/records.ts'

const REFERENCE = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/

const letters = fc.string({
  unit: fc.constantFrom(...Array.from('AQz09+/=-_ \n\\\u0141\u00e9')),
  maxLength: 12,
})
const nearBase64 = fc.oneof(
  letters,
  fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes).toString('base64')),
  fc.tuple(fc.uint8Array({ minLength: 1, maxLength: 20 }), fc.nat(), letters).map(([bytes, at, insert]) => {
    const text = Buffer.from(bytes).toString('base64')
    return text.slice(0, at % text.length) + insert + text.slice(at % text.length)
  }),
)

test('data is taken if and only if it is padded base64 of the standard alphabet', () => {
  fc.assert(
    fc.property(nearBase64, (Data) => {
      const wellFormed = REFERENCE.test(Data)
      expect(isBase64(Data)).toBe(wellFormed)
      const bytes = cleanBytes([{ Data }])
      const plain = /^[ -~\n]*$/.test(Data)
      const frame = bytes === undefined ? undefined : frameOf([{ Data }], bytes, 0, plain)
      expect(frame !== undefined).toBe(wellFormed)
      if (frame !== undefined) {
        expect([...frame.recordViews()][0]).toEqual(Buffer.from(Data, 'base64'))
        expect(frame.recordBytes).toBe(base64Length(Data))
      }
    }),
    { numRuns: 3000 },
  )
})

test.each([null, 5, 'x', {}, { Data: 5 }, { Data: null }, { Data: 'abc' }, { Data: 'A'.repeat(1_365_340) }])(
  'a record %# that is not clean is left to the engine',
  (record) => {
    expect(cleanBytes([{ Data: 'QUJD' }, record])).toBeUndefined()
  },
)
