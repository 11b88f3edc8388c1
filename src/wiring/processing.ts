/** What processes and partitions batches, joined from its parts. Nothing is called, and no client made, before a stream asks for it. */
import type { Log } from '../account/log.ts'
import type { Metrics } from '../account/metrics.ts'
import type { Config } from '../config/schema.ts'
import type { PlanLimits } from '../deliver/plan.ts'
import type { RoleSessions } from '../deliver/role-sessions.ts'
import type { Buffer, Processors, Registry } from '../domain/ports.ts'
import { createPartition } from '../process/partition/partition.ts'
import { isolatedStages } from '../process/isolated.ts'
import { createProcessors } from '../process/processors.ts'
import type { TransformStage } from '../process/stages.ts'
import { createTransform } from '../process/transform/transform.ts'
import { systemClock as clock } from '../runtime/clock.ts'
import type { CrashHook } from '../runtime/crash-point.ts'
import type { OnStop } from './parts.ts'
import { ownKeys } from './roles.ts'

export interface ProcessingOptions {
  readonly config: Config
  readonly buffer: Pick<Buffer, 'derive' | 'readDerived'>
  readonly registry: Pick<Registry, 'get'>
  /** A folder of this process. */
  readonly stagingPath: string
  /** Absent: roles are not assumed. */
  readonly sessions: RoleSessions | undefined
  readonly metrics: Metrics
  readonly log: Log
  readonly crash: CrashHook
  readonly onStop: OnStop
}

export function openProcessors(options: ProcessingOptions): Processors {
  const { buffer, stagingPath, metrics, log, crash } = options
  return createProcessors({
    buffer,
    transform: openTransform(options),
    partition: createPartition({ log }),
    careful: isolatedStages({ stagingPath, log }),
    clock,
    metrics,
    log,
    crash,
  })
}

/** What new plans hold of the settings. */
export function planLimits({ delivery, processing }: Config): PlanLimits {
  const { queryMaxMs, queryOutputMaxBytes } = processing
  return { maxPartitions: delivery.maxPartitions, queryLimits: { queryMaxMs, queryOutputMaxBytes } }
}

function openTransform({
  config,
  registry,
  sessions,
  metrics,
  log,
  onStop,
}: ProcessingOptions): TransformStage {
  const { transformsPerBatch, allowedUrls } = config.processing
  const transform = createTransform({
    registry,
    callsPerBatch: transformsPerBatch,
    lambda: { ...ownKeys(config), endpoint: config.aws.lambdaEndpoint, roles: sessions },
    http: { allowedUrls },
    clock,
    metrics,
    log,
  })
  onStop(() => transform.close())
  return transform
}
