/** Where the pieces of a batch end, and what one knows of those before it. */
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Frame } from '../../src/domain/frame.ts'
import type { PieceStart } from '../../src/domain/ports.ts'
import { Piece, type Make } from '../../src/process/piece.ts'
import { frameOf } from '../conformance/store/fixture.ts'
import { each } from '../support/records-in.ts'

/** Each record again as often as it says, a frame for each; 1,000 of its bytes are beyond the usual. */
const repeated: Make = async function* (frames, inflation) {
  for await (const frame of frames) {
    for (const record of frame.recordViews()) {
      inflation.take(record, 64 * record.length + 1_000)
      yield frameOf(Array.from({ length: Number(record) }, () => Buffer.from('x')))
    }
  }
}

async function textsOf(frames: AsyncIterable<Frame>): Promise<number> {
  let records = 0
  for await (const frame of frames) records += frame.records
  return records
}

const counts = fc.array(fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 4 }), {
  minLength: 1,
  maxLength: 12,
})

test('pieces are whole frames up to the one that reaches a limit, and together the batch', async () => {
  await fc.assert(
    fc.asyncProperty(counts, fc.integer({ min: 1, max: 40 }), async (batch, limit) => {
      const frames = batch.map((repeats) => frameOf(repeats.map(String)))
      const expected: number[][] = [[]]
      for (const repeats of batch) {
        const open = expected.at(-1) ?? []
        const isFull = open.reduce((sum, records) => sum + records, 0) >= limit
        if (isFull) expected.push([...repeats])
        else open.push(...repeats)
      }
      let start: PieceStart | undefined
      for (const [index, repeats] of expected.entries()) {
        const from = start?.frames ?? 0
        const limits = { records: limit, bytes: Infinity }
        const piece = new Piece(start, () => each(frames.slice(from)), repeated, limits)
        const made = repeats.reduce((sum, records) => sum + records, 0)
        expect(piece.isKnown).toBe(false)
        for (let reading = 0; reading < 2; reading += 1) expect(await textsOf(piece.frames())).toBe(made)
        const next = piece.next()
        expect(next === undefined).toBe(index === expected.length - 1)
        if (next === undefined) break
        const before = expected.slice(0, index + 1).flat()
        expect(next).toMatchObject({
          records: before.length,
          made: before.reduce((sum, records) => sum + records, 0),
          excessBytes: 1_000 * before.length,
        })
        start = next
      }
    }),
  )
})

test('whoever has read the rest of the batch knows whether that was no more than a piece', async () => {
  for (const [limit, isKnown] of [
    [7, true],
    [6, false],
  ] as const) {
    const frames = [frameOf(['3']), frameOf(['3'])]
    const piece = new Piece(undefined, () => each(frames), repeated, { records: limit, bytes: Infinity })
    expect(await textsOf(piece.rest())).toBe(6)
    expect(piece.isKnown).toBe(isKnown)
    if (isKnown) expect(piece.next()).toBeUndefined()
  }
})
