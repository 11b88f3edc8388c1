/** How many objects a stream's partitions make, by a simulated clock: `npm run bench -- objects` prints the whole table. */
import { expect, test } from 'vitest'
import { SIMULATED, simulatedObjects } from '../../../bench/simulated-objects.ts'
import { BATCH_RECORDS_SEALED } from '../../../src/domain/batch.ts'

test.each([60, 240])(
  'ten minutes of 50,000 records a second in 100 partitions make at most three objects a partition in %i s',
  (intervalSeconds) => {
    const made = simulatedObjects({ ...SIMULATED, intervalSeconds })
    const { mostPerInterval, objects, batches } = made
    process.stdout.write(`${intervalSeconds} s: ${JSON.stringify(made)}\n`)
    expect(mostPerInterval).toBeLessThanOrEqual(3)
    expect(objects).toBe(100 * batches)
  },
)

test('in a longer interval it is the number of records that seals batches, and each makes one object a partition', () => {
  const { mostPerInterval } = simulatedObjects({ ...SIMULATED, intervalSeconds: 900 })
  const secondsABatch = BATCH_RECORDS_SEALED / SIMULATED.recordsPerSecond
  expect(mostPerInterval).toBeLessThanOrEqual(Math.ceil(SIMULATED.seconds / secondsABatch))
})
