/** What the local processors did in one reading of a batch, for the metrics. A batch is read more often than it is counted. */
import type { Metrics } from '../account/metrics.ts'

export class Tally {
  #decompressed = { records: 0, bytes: 0 }
  #notDecompressed = { records: 0, bytes: 0 }
  #split = 0
  #subRecords = 0
  readonly #whole = { malformed: 0, 'too-many': 0 }

  /** @param bytes once decompressed */
  decompressed(bytes: number): void {
    this.#decompressed.records += 1
    this.#decompressed.bytes += bytes
  }

  /** @param bytes as they came */
  notDecompressed(bytes: number): void {
    this.#notDecompressed.records += 1
    this.#notDecompressed.bytes += bytes
  }

  split(subRecords: number): void {
    this.#split += 1
    this.#subRecords += subRecords
  }

  whole(why: 'malformed' | 'too-many'): void {
    this.#whole[why] += 1
  }

  count(metrics: Metrics, stream: string): void {
    const results = { ok: this.#decompressed, failed: this.#notDecompressed }
    for (const [result, { records, bytes }] of Object.entries(results)) {
      if (records === 0) continue
      const labels = { delivery_stream: stream, result }
      metrics.count('hydrant_decompressed_records_total', labels, records)
      metrics.count('hydrant_decompressed_bytes_total', labels, bytes)
    }
    for (const [result, records] of Object.entries({ split: this.#split, ...this.#whole })) {
      if (records === 0) continue
      metrics.count('hydrant_deaggregated_records_total', { delivery_stream: stream, result }, records)
    }
    if (this.#subRecords > 0)
      metrics.count('hydrant_sub_records_total', { delivery_stream: stream }, this.#subRecords)
  }
}
