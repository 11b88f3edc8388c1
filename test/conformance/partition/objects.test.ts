/** How many objects a stream's partitions make, by a simulated clock: `npm run bench -- objects` prints the whole table. */
import { expect, test } from 'vitest'
import { SIMULATED, simulatedObjects } from '../../../bench/simulated-objects.ts'
import { INTERVAL_IN_SECONDS } from '../../../src/domain/limits.ts'

test.each([60, 240, INTERVAL_IN_SECONDS.fallback])(
  'ten minutes of 50,000 records a second in 100 partitions make at most three objects a partition in %i s',
  (intervalSeconds) => {
    const made = simulatedObjects({ ...SIMULATED, intervalSeconds })
    const { mostPerInterval, objects, batches } = made
    process.stdout.write(`${intervalSeconds} s: ${JSON.stringify(made)}\n`)
    expect(mostPerInterval).toBeLessThanOrEqual(3)
    expect(objects).toBe(100 * batches)
  },
)

test('in a longer interval it is the bytes of records that seal batches, and each makes one object a partition', () => {
  const { mostPerInterval } = simulatedObjects({ ...SIMULATED, intervalSeconds: 900 })
  const secondsABatch = SIMULATED.batchBytes / (SIMULATED.recordsPerSecond * SIMULATED.recordBytes)
  expect(mostPerInterval).toBeLessThanOrEqual(Math.ceil(SIMULATED.seconds / secondsABatch))
})
