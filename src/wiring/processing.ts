/** What processes and partitions the batches of this process. */
import { EncoderError } from '../domain/errors.ts'
import type { Processors } from '../domain/ports.ts'
import { createProcessors } from '../process/processors.ts'
import type { PartitionStage } from '../process/stages.ts'
import { createTransform } from '../process/transform/transform.ts'
import { systemClock as clock } from '../runtime/clock.ts'
import type { Parts } from './parts.ts'
import { ownKeys } from './roles.ts'

/** Nothing is called, and no client made, before a stream asks for it. */
export function openProcessors({ config, store, sessions, metrics, log, crash, onStop }: Parts): Processors {
  const { transformsPerBatch, allowedUrls } = config.processing
  const transform = createTransform({
    registry: store.registry,
    callsPerBatch: transformsPerBatch,
    lambda: { ...ownKeys(config), endpoint: config.aws.lambdaEndpoint, roles: sessions },
    http: { allowedUrls },
    clock,
    metrics,
    log,
  })
  onStop(() => Promise.resolve(transform.close()))
  return createProcessors({
    buffer: store.buffer,
    transform,
    partition: noPartitions,
    clock,
    metrics,
    log,
    crash,
  })
}

const noPartitions: PartitionStage = {
  partition: ({ batch }) =>
    Promise.reject(
      new EncoderError(`partition batch ${batch.batchId}: this version has no partitions`, {
        code: 'NoPartitions',
        hint: 'deliver it with a version that has them',
      }),
    ),
}
