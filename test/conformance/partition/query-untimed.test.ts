/** A query within its own limits is never given up because a whole batch of it takes longer than an attempt. */
import { expect, test } from 'vitest'
import { createLog } from '../../../src/account/log.ts'
import { createPartition } from '../../../src/process/partition/partition.ts'
import { framesWith, inWords, partitionInput } from '../../support/partition-input.ts'

test('the time that jq takes does not count as that of the attempt', async () => {
  let isTimed = true
  let untimedRuns = 0
  const input = partitionInput({
    prefix: '!{partitionKeyFromQuery:k}/',
    query: '{k: (.k | ascii_upcase)}',
    frames: framesWith(['{"k":"a"}', '{"k":"b"}']),
  })
  const reads: boolean[] = []
  const partitions = await createPartition({ log: createLog('silent') }).partition({
    ...input,
    async *frames() {
      reads.push(isTimed)
      yield* input.frames()
    },
    untimed: async (run) => {
      untimedRuns += 1
      isTimed = false
      try {
        return await run()
      } finally {
        isTimed = true
      }
    },
  })
  expect(inWords(partitions)).toEqual(['k=A #0', 'k=B #0'])
  expect([untimedRuns, reads, isTimed]).toEqual([1, [false], true])
})
