/** What the local processors did in one reading of a batch, for the metrics. A batch is read more often than it is counted. */
import type { Metrics } from '../account/metrics.ts'

/** Plain, so that it can come from another process. */
export interface TallyCounts {
  readonly decompressed: { records: number; bytes: number }
  readonly notDecompressed: { records: number; bytes: number }
  readonly deaggregated: { split: number; malformed: number; 'too-many': number }
  subRecords: number
}

export class Tally {
  readonly counts: TallyCounts

  constructor(counts: TallyCounts = nothing()) {
    this.counts = counts
  }

  /** @param bytes once decompressed */
  decompressed(bytes: number): void {
    this.counts.decompressed.records += 1
    this.counts.decompressed.bytes += bytes
  }

  /** @param bytes as they came */
  notDecompressed(bytes: number): void {
    this.counts.notDecompressed.records += 1
    this.counts.notDecompressed.bytes += bytes
  }

  split(subRecords: number): void {
    this.counts.deaggregated.split += 1
    this.counts.subRecords += subRecords
  }

  whole(why: 'malformed' | 'too-many'): void {
    this.counts.deaggregated[why] += 1
  }

  count(metrics: Metrics, stream: string): void {
    const { decompressed, notDecompressed, deaggregated, subRecords } = this.counts
    for (const [result, { records, bytes }] of Object.entries({
      ok: decompressed,
      failed: notDecompressed,
    })) {
      if (records === 0) continue
      const labels = { delivery_stream: stream, result }
      metrics.count('hydrant_decompressed_records_total', labels, records)
      metrics.count('hydrant_decompressed_bytes_total', labels, bytes)
    }
    for (const [result, records] of Object.entries(deaggregated)) {
      if (records === 0) continue
      metrics.count('hydrant_deaggregated_records_total', { delivery_stream: stream, result }, records)
    }
    if (subRecords > 0) metrics.count('hydrant_sub_records_total', { delivery_stream: stream }, subRecords)
  }
}

function nothing(): TallyCounts {
  return {
    decompressed: { records: 0, bytes: 0 },
    notDecompressed: { records: 0, bytes: 0 },
    deaggregated: { split: 0, malformed: 0, 'too-many': 0 },
    subRecords: 0,
  }
}
