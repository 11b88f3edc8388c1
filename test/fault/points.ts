/** Crash points by who passes them. */
import { crashPoints, type CrashPoint } from '../../src/runtime/crash-point.ts'

/** Passed by whoever seals: the process that takes records (size), the one that delivers (interval). */
export const sealingPoints: readonly CrashPoint[] = ['after-seal', 'after-dispatch']

/** Passed with a transform and partitions alone. */
export const processingPoints: readonly CrashPoint[] = ['after-transform', 'after-derive', 'after-partition']

/** Those of shard readers are visited in kinesis-crash-points. */
export const httpPoints = crashPoints.filter(
  (point) => !point.includes('-shard-') && !processingPoints.includes(point),
)

export const deliveryPoints = httpPoints.filter((point) => !sealingPoints.includes(point))
