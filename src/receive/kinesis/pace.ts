/** When the next read of a shard may begin, judged from the last answers. Pure: times come in, a time comes out. */

export interface PaceOptions {
  /** Between two reads of a shard that has nothing more to give: 1,000, as Firehose reads once a second. */
  readonly idleMs: number
  /** Between two reads of a shard that lags: 250 takes 4 of the 5 calls a second that all consumers of a shard share. */
  readonly busyMs: number
  /** What a shard gives: 2 MiB/s on AWS, where the calls after a larger answer fail until it is paid for. */
  readonly bytesPerSecond: number
}
