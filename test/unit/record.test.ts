/** Record ids lead back to the append and the index. */
import { assert, integer, nat, property, stringMatching } from 'fast-check'
import { expect, test } from 'vitest'
import { parseRecordId, recordId, recordIdPrefix } from '../../src/domain/record.ts'

test('any record id is parsed back to what it was made of', () => {
  const incarnations = stringMatching(/^[0-9a-f]{16}$/)
  const appends = integer({ min: 1, max: Number.MAX_SAFE_INTEGER })
  assert(
    property(incarnations, appends, nat(1_000_000), (incarnation, appendSequence, index) => {
      const id = recordId(recordIdPrefix({ name: 'orders', incarnation }, appendSequence), index)
      expect(parseRecordId(id)).toEqual({ incarnation, appendSequence, index })
    }),
  )
})

test('ids of one append are short and differ', () => {
  const prefix = recordIdPrefix({ name: 'orders', incarnation: '00000000000000a1' }, 123_456_789)
  const ids = Array.from({ length: 500 }, (_, index) => recordId(prefix, index))
  expect(new Set(ids).size).toBe(500)
  for (const id of ids) expect(id.length).toBeLessThan(30)
})

test('two incarnations of one name give different ids', () => {
  const first = recordIdPrefix({ name: 'orders', incarnation: '00000000000000a1' }, 1)
  expect(recordIdPrefix({ name: 'orders', incarnation: '00000000000000b2' }, 1)).not.toBe(first)
})

test.each([
  '',
  'nonsense',
  '00000000000000a1',
  '00000000000000a1.0',
  '00000000000000a11',
  '00000000000000a11.',
  '00000000000000A11.0',
  ' 00000000000000a11.0',
  '00000000000000a11.0\n',
  '00000000000000a1123456789012.0',
  '49545115243490985018280067714973144582180062593244200961',
])('%j is not one of our ids', (id) => {
  expect(parseRecordId(id)).toBeUndefined()
})
