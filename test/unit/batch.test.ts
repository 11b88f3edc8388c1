/** The life of a batch, cell by cell. */
import { describe, expect, test } from 'vitest'
import {
  batchSequence,
  newBatchId,
  releasedState,
  transitions,
  type BatchEvent,
  type BatchState,
} from '../../src/domain/batch.ts'
import type { Plan } from '../../src/domain/plan.ts'

const events: readonly BatchEvent[] = [
  'append',
  'seal',
  'attempt',
  'pin',
  'quarantine',
  'release',
  'discard',
  'drop',
]

/** Rows: states; columns: the events above. `-` is refused. */
const expected: Record<BatchState, string> = {
  open: '       open         sealed       -            -            -            -            -            discarded',
  sealed:
    '     -            sealed       sealed       planned      quarantined  sealed       -            discarded',
  planned:
    '    -            planned      planned      planned      quarantined  planned      discarded    discarded',
  quarantined:
    '-            quarantined  -            quarantined  quarantined  sealed       -            discarded',
  discarded:
    '  -            -            -            -            -            -            discarded    discarded',
}

describe.each(Object.entries(expected))('a batch that is %s', (state, row) => {
  const cells = row.trim().split(/\s+/)
  test.each(events.map((event, index) => [event, cells[index] === '-' ? 'refused' : cells[index]] as const))(
    'on %s is %s',
    (event, outcome) => {
      expect(transitions[state as BatchState][event]).toBe(outcome)
    },
  )
})

test('every state and every event has a cell', () => {
  expect(Object.keys(transitions).toSorted()).toEqual(Object.keys(expected).toSorted())
  for (const row of Object.values(transitions)) expect(Object.keys(row).toSorted()).toEqual(events.toSorted())
})

test('nothing leads out of discarded, and only open takes appends', () => {
  expect(new Set(Object.values(transitions.discarded))).toEqual(new Set(['refused', 'discarded']))
  const taking = Object.entries(transitions).filter(([, row]) => row.append !== 'refused')
  expect(taking.map(([state]) => state)).toEqual(['open'])
})

test('a batch is delivered only with a plan, and its first plan stays', () => {
  const discardable = Object.entries(transitions).filter(([, row]) => row.discard === 'discarded')
  expect(discardable.map(([state]) => state)).toEqual(['planned', 'discarded'])
  expect(transitions.planned.pin).toBe('planned')
})

test('a released batch is where it was before: planned if it has a plan', () => {
  const plan: Plan = {
    version: 1,
    destination: { bucket: 'lake', prefix: '', errorOutputPrefix: '', compression: 'UNCOMPRESSED' },
    engine: 'raw',
    engineVersion: '1',
  }
  expect(releasedState(undefined)).toBe(transitions.quarantined.release)
  expect(releasedState(plan)).toBe(transitions.sealed.pin)
})

test('a batch id leads back to its sequence', () => {
  expect(newBatchId(42, '00ff00ff00ff00ff')).toBe('42-00ff00ff00ff00ff')
  expect(batchSequence('42-00ff00ff00ff00ff')).toBe(42)
  expect(batchSequence(newBatchId(9_007_199_254_740_991, 'a'.repeat(16)))).toBe(9_007_199_254_740_991)
})
