/**
 * Metrics: one table of names, kinds, labels and meanings. docs/metrics.md is generated from it, and nothing can be counted
 * that is not in it. Label values come from closed sets: delivery streams, operations, triggers, codes.
 */
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client'

export const metricsTable = {
  hydrant_requests_total: {
    kind: 'counter',
    labels: ['operation', 'result'],
    help: 'API requests by AWS exception name, or "ok".',
  },
  hydrant_request_seconds: {
    kind: 'histogram',
    labels: ['operation'],
    help: 'Time from the request head to the end of the answer.',
  },
  hydrant_in_flight_bytes: { kind: 'gauge', labels: [], help: 'Bytes of request bodies now held in memory.' },
  hydrant_accepted_records_total: {
    kind: 'counter',
    labels: ['delivery_stream'],
    help: 'Records acknowledged by this process (AWS: IncomingRecords).',
  },
  hydrant_accepted_bytes_total: {
    kind: 'counter',
    labels: ['delivery_stream'],
    help: 'Bytes of the records acknowledged by this process (AWS: IncomingBytes).',
  },
  hydrant_throttled_records_total: {
    kind: 'counter',
    labels: ['delivery_stream'],
    help: 'Records refused because the buffer was full (AWS: ThrottledRecords).',
  },
  hydrant_append_seconds: { kind: 'histogram', labels: [], help: 'Time of one durable append.' },
  hydrant_buffer_errors_total: {
    kind: 'counter',
    labels: ['operation'],
    help: 'Store calls whose outcome is unknown.',
  },
  hydrant_sealed_batches_total: {
    kind: 'counter',
    labels: ['delivery_stream', 'trigger'],
    help: 'Batches sealed by this process, by size or interval.',
  },
  hydrant_attempts_total: {
    kind: 'counter',
    labels: ['delivery_stream', 'result'],
    help: 'Delivery attempts: delivered, retry, finished, quarantined.',
  },
  hydrant_attempt_seconds: { kind: 'histogram', labels: [], help: 'Time of one delivery attempt.' },
  hydrant_destination_errors_total: {
    kind: 'counter',
    labels: ['delivery_stream', 'code'],
    help: 'Puts that failed, by code.',
  },
  hydrant_decompressed_records_total: {
    kind: 'counter',
    labels: ['delivery_stream', 'result'],
    help: 'Records that were decompressed (AWS: OutputDecompressedRecords.Success) or could not be: ok, failed. Of each attempt.',
  },
  hydrant_decompressed_bytes_total: {
    kind: 'counter',
    labels: ['delivery_stream', 'result'],
    help: 'Bytes that they became, or of those that failed as they came (AWS: OutputDecompressedBytes.Success and .Failed).',
  },
  hydrant_deaggregated_records_total: {
    kind: 'counter',
    labels: ['delivery_stream', 'result'],
    help: 'Records that were split, or went on whole: malformed, too-many (more than 500 sub-records). Of each attempt.',
  },
  hydrant_sub_records_total: {
    kind: 'counter',
    labels: ['delivery_stream'],
    help: 'Sub-records that the split ones became.',
  },
  hydrant_delivered_records_total: {
    kind: 'counter',
    labels: ['delivery_stream'],
    help: 'Source records whose rows all landed (AWS: DeliveryToS3.Records).',
  },
  hydrant_failed_records_total: {
    kind: 'counter',
    labels: ['delivery_stream', 'code'],
    help: 'Source records sent to the error prefix, by code (AWS: FailedConversion.Records).',
  },
  hydrant_dropped_records_total: {
    kind: 'counter',
    labels: ['delivery_stream'],
    help: 'Source records that yielded nothing.',
  },
  hydrant_transform_calls_total: {
    kind: 'counter',
    labels: ['delivery_stream', 'result'],
    help: 'Calls to transforms, each try: ok, or the code of what went wrong (AWS: ExecuteProcessing.Success).',
  },
  hydrant_transform_call_seconds: {
    kind: 'histogram',
    labels: [],
    help: 'Time of one try of a call to a transform (AWS: ExecuteProcessing.Duration).',
  },
  hydrant_lent_places: {
    kind: 'gauge',
    labels: [],
    help: 'Deliveries of this process that wait for their transforms now; other batches have their places meanwhile.',
  },
  hydrant_transformed_records_total: {
    kind: 'counter',
    labels: ['delivery_stream', 'result'],
    help: 'Records that came back from transforms: ok, dropped, failed; those of attempts that were repeated again (AWS: SucceedProcessing.Records).',
  },
  hydrant_transformed_bytes_total: {
    kind: 'counter',
    labels: ['delivery_stream'],
    help: 'Bytes, as they were sent, of the records that came back ok (AWS: SucceedProcessing.Bytes).',
  },
  hydrant_rows_total: {
    kind: 'counter',
    labels: ['delivery_stream'],
    help: 'Rows written (AWS: SucceedConversion.Records).',
  },
  hydrant_objects_total: {
    kind: 'counter',
    labels: ['delivery_stream', 'kind'],
    help: 'Objects put: data, error or backup (AWS: DeliveryToS3.ObjectCount).',
  },
  hydrant_batch_partitions: {
    kind: 'gauge',
    labels: ['delivery_stream'],
    help: 'Partitions of the batch that this process delivered last, with dynamic partitioning (AWS: PartitionCount).',
  },
  hydrant_partition_limit_exceeded_total: {
    kind: 'counter',
    labels: ['delivery_stream'],
    help: 'Batches with more partitions than delivery.maxPartitions; records of the further ones failed (AWS: PartitionCountExceeded).',
  },
  hydrant_object_bytes_total: {
    kind: 'counter',
    labels: ['delivery_stream', 'kind'],
    help: 'Bytes of the objects put (AWS: DeliveryToS3.Bytes, BackupToS3.Bytes).',
  },
  hydrant_kinesis_records_total: {
    kind: 'counter',
    labels: ['delivery_stream'],
    help: 'Kinesis records read by this process, read again included (AWS: DataReadFromKinesisStream.Records).',
  },
  hydrant_kinesis_bytes_total: {
    kind: 'counter',
    labels: ['delivery_stream'],
    help: 'Bytes of the Kinesis records read by this process (AWS: DataReadFromKinesisStream.Bytes).',
  },
  hydrant_kinesis_reads_total: {
    kind: 'counter',
    labels: ['delivery_stream', 'result'],
    help: 'Calls of GetRecords: ok, throttled, expired, gone, invalid, denied, unavailable (AWS: ThrottledGetRecords).',
  },
  hydrant_kinesis_millis_behind_latest: {
    kind: 'gauge',
    labels: ['delivery_stream', 'shard'],
    help: 'How far the last read of a shard held by this process was behind its tip (AWS: KinesisMillisBehindLatest).',
  },
  hydrant_kinesis_checkpoints_total: {
    kind: 'counter',
    labels: ['delivery_stream'],
    help: 'Checkpoints moved by this process, each in one step with its records.',
  },
  hydrant_kinesis_rewinds_total: {
    kind: 'counter',
    labels: ['delivery_stream', 'reason'],
    help: 'Shards read again from their checkpoint: gap, buffer-full, buffer-unavailable, expired, trimmed.',
  },
  hydrant_kinesis_lease_moves_total: {
    kind: 'counter',
    labels: ['delivery_stream', 'move'],
    help: 'Leases of shards that this process acquired, released, lost, or ended with their shard.',
  },
  hydrant_kinesis_syncs_total: {
    kind: 'counter',
    labels: ['delivery_stream', 'result'],
    help: 'Listings of the data stream’s shards: ok, hole (a part of the key space was not listed), failed.',
  },
  hydrant_kinesis_out_of_range_records_total: {
    kind: 'counter',
    labels: ['delivery_stream', 'kept'],
    help: 'User records of KPL aggregates whose hash key lies outside their shard: kept true or false.',
  },
  hydrant_ledger_records: {
    kind: 'gauge',
    labels: ['delivery_stream', 'state'],
    help: 'The ledger from the store: accepted = delivered + failed + dropped + pending. The same in every process.',
  },
  hydrant_ledger_readable: {
    kind: 'gauge',
    labels: [],
    help: '1 if the store could be asked for the ledger just now, 0 if not; then its gauges are absent.',
  },
  hydrant_pending_bytes: {
    kind: 'gauge',
    labels: ['delivery_stream'],
    help: 'Raw bytes of the records not yet delivered.',
  },
  hydrant_sealed_batches: {
    kind: 'gauge',
    labels: ['delivery_stream'],
    help: 'Sealed batches waiting or being delivered.',
  },
  hydrant_quarantined_batches: {
    kind: 'gauge',
    labels: ['delivery_stream'],
    help: 'Batches set aside for an operator.',
  },
  hydrant_data_freshness_seconds: {
    kind: 'gauge',
    labels: ['delivery_stream'],
    help: 'Age of the oldest undelivered record (AWS: DeliveryToS3.DataFreshness).',
  },
} as const satisfies Record<string, MetricSpec>

interface MetricSpec {
  readonly kind: 'counter' | 'gauge' | 'histogram'
  readonly labels: readonly string[]
  readonly help: string
}

export type MetricName = keyof typeof metricsTable
type LabelsOf<N extends MetricName> = Record<(typeof metricsTable)[N]['labels'][number], string>

const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60]

export class Metrics {
  readonly #registry = new Registry()
  readonly #counters = new Map<string, Counter>()
  readonly #gauges = new Map<string, Gauge>()
  readonly #histograms = new Map<string, Histogram>()
  readonly #collectors: (() => Promise<void>)[] = []

  constructor() {
    for (const [name, spec] of Object.entries(metricsTable)) {
      const options = { name, help: spec.help, labelNames: [...spec.labels], registers: [this.#registry] }
      if (spec.kind === 'counter') this.#counters.set(name, new Counter(options))
      else if (spec.kind === 'gauge') this.#gauges.set(name, new Gauge(options))
      else this.#histograms.set(name, new Histogram({ ...options, buckets: SECONDS }))
    }
  }

  count<N extends MetricName>(name: N, labels: LabelsOf<N>, amount = 1): void {
    this.#counters.get(name)?.inc(labels, amount)
  }

  set<N extends MetricName>(name: N, labels: LabelsOf<N>, value: number): void {
    this.#gauges.get(name)?.set(labels, value)
  }

  observe<N extends MetricName>(name: N, labels: LabelsOf<N>, value: number): void {
    this.#histograms.get(name)?.observe(labels, value)
  }

  /** Empties a gauge before a collector fills it again, so that deleted streams disappear. */
  reset(name: MetricName): void {
    this.#gauges.get(name)?.reset()
  }

  /** Adds what prom-client knows of the process: `process_*` and `nodejs_*`. */
  includeProcess(): void {
    collectDefaultMetrics({ register: this.#registry })
  }

  /** `collect` runs before each exposition. */
  onCollect(collect: () => Promise<void>): void {
    this.#collectors.push(collect)
  }

  get contentType(): string {
    return this.#registry.contentType
  }

  async exposition(): Promise<string> {
    for (const collect of this.#collectors) await collect()
    return this.#registry.metrics()
  }

  /** The value of a counter or gauge, for tests and the operator's API. */
  async value<N extends MetricName>(name: N, labels: Partial<LabelsOf<N>> = {}): Promise<number> {
    const metric = await (this.#counters.get(name) ?? this.#gauges.get(name))?.get()
    const wanted = Object.entries(labels)
    return (metric?.values ?? [])
      .filter((sample) => wanted.every(([label, value]) => sample.labels[label] === value))
      .reduce((sum, sample) => sum + sample.value, 0)
  }
}
