/** Where a long value ends is found in turns, wherever a turn ends within it. */
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { BROKEN, endInTurns, endOfValue, PAUSED, TURN_BYTES } from '../../src/process/json-scan.ts'

/** The end, and how often there was a pause. */
function inTurns(text: string): readonly [end: number, pauses: number] {
  const reading = endInTurns(Buffer.from(text), 0)
  for (let pauses = 0; ; pauses += 1) {
    const step = reading.next()
    if (step.done === true) return [step.value, pauses]
  }
}

test('an end of a turn at an escape, a quote or a bracket changes nothing', () => {
  const value = String.raw`\"\\",{"]":[{}]},"\\\"}`
  for (let pad = TURN_BYTES - value.length - 8; pad < TURN_BYTES + 8; pad += 1) {
    const text = `["${'x'.repeat(pad)}${value}",[],"${'y'.repeat(2 * TURN_BYTES)}"]`
    expect(endOfValue(Buffer.from(text), 0)).toBe(text.length)
    expect(inTurns(`${text} ,`)).toEqual([text.length, 3])
    expect(inTurns(text.slice(0, -1))[0]).toBe(BROKEN)
  }
})

test('any JSON ends where it ends, at once, in turns, and never behind what is read at a time', () => {
  fc.assert(
    fc.property(fc.json(), fc.nat(40), (text, most) => {
      const bytes = Buffer.from(`${text} ,`)
      const end = endOfValue(bytes, 0)
      expect(end).toBe(bytes.length - 2)
      expect(inTurns(`${text} ,`)).toEqual([end, 0])
      const isLong = /^[[{"]/.test(text) && end > most
      expect(endOfValue(bytes, 0, most)).toBe(isLong ? PAUSED : end)
    }),
  )
})
