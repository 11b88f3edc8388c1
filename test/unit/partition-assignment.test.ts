/**
 * Which object a record goes to: cut by bytes, in the order of the records, a function of both and nothing else.
 */
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Assignment } from '../../src/process/partition/assignment.ts'

const MIB = 1024 * 1024

describe('objects', () => {
  test('an object is cut by the record that reaches its bytes, which is in it still', () => {
    const assignment = new Assignment({ objectBytes: 100, maxPartitions: 0 })
    const objects = [60, 40, 99, 1, 150, 0, 10].map((bytes) => assignment.assign(0, bytes, 0))
    expect(objects).toEqual([0, 0, 1, 1, 2, 3, 3])
  })

  test('objects are counted in the order of their first records, parts within their partition', () => {
    const assignment = new Assignment({ objectBytes: 100, maxPartitions: 0 })
    const objects = [7, 2, 7, 2, 7].map((partition) => assignment.assign(partition, 60, 0))
    expect(objects).toEqual([0, 1, 0, 1, 2])
    expect([0, 1, 2].map((index) => assignment.object(index))).toMatchObject([
      { partition: 7, part: 0, records: 2, bytes: 120 },
      { partition: 2, part: 0, records: 2, bytes: 120 },
      { partition: 7, part: 1, records: 1, bytes: 60 },
    ])
  })

  test('an object is named after its oldest record', () => {
    const assignment = new Assignment({ objectBytes: 100, maxPartitions: 0 })
    for (const arrivalMs of [50, 30, 40]) assignment.assign(0, 1, arrivalMs)
    expect(assignment.object(0).oldestArrivalMs).toBe(30)
  })

  test('past the limit of partitions none begins, and those that have go on', () => {
    const assignment = new Assignment({ objectBytes: 10, maxPartitions: 2 })
    const objects = [0, 1, 2, 0, 1, 2].map((partition) => assignment.assign(partition, 10, 0))
    expect(objects).toEqual([0, 1, undefined, 2, 3, undefined])
  })

  test('every record is in one object of its partition, objects but the last of a partition are full, and no record is after it', () => {
    const records = fc.array(fc.tuple(fc.nat({ max: 5 }), fc.nat({ max: 60 })), { maxLength: 200 })
    fc.assert(
      fc.property(records, fc.integer({ min: 1, max: 200 }), (all, objectBytes) => {
        const assignment = new Assignment({ objectBytes, maxPartitions: 0 })
        const objectOf = all.map(([partition, bytes]) => assignment.assign(partition, bytes, 0) ?? -1)
        for (let index = 0; index < assignment.objects; index += 1) {
          const { partition, part, bytes, records: count } = assignment.object(index)
          const members = all.filter((_, ordinal) => objectOf[ordinal] === index)
          expect(members.every(([of]) => of === partition)).toBe(true)
          expect(members).toHaveLength(count)
          expect(members.reduce((sum, [, size]) => sum + size, 0)).toBe(bytes)
          expect(bytes - (members.at(-1)?.[1] ?? 0)).toBeLessThan(objectBytes)
          const later = Array.from({ length: assignment.objects - index - 1 }, (_, more) =>
            assignment.object(index + 1 + more),
          ).filter((other) => other.partition === partition)
          if (later.length > 0) expect(bytes).toBeGreaterThanOrEqual(objectBytes)
          expect(later.map((other) => other.part)).toEqual(later.map((_, more) => part + 1 + more))
        }
      }),
    )
  })

  test('a million partitions cost numbers, not objects', () => {
    const assignment = new Assignment({ objectBytes: MIB, maxPartitions: 0 })
    for (let partition = 0; partition < 1_000_000; partition += 1) assignment.assign(partition, 100, 0)
    expect(assignment.objects).toBe(1_000_000)
  })
})
