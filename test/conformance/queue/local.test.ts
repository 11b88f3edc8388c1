/** The queue of one process against the conformance suite. */
import { createLog } from '../../../src/account/log.ts'
import { LocalQueue } from '../../../src/deliver/local-queue.ts'
import { systemClock } from '../../../src/runtime/clock.ts'
import { lendingConformance } from './lending-suite.ts'

lendingConformance(
  (concurrency) => new LocalQueue({ concurrency, clock: systemClock, log: createLog('silent') }),
)
