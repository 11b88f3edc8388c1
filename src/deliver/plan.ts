/** Makes the plan of a batch from its delivery stream as it is now. Which plan holds is decided by the pin. */
import { createHash } from 'node:crypto'
import type { DeliveryStream } from '../domain/delivery-stream.ts'
import { PROCESSORS_VERSION, RAW, type Plan, type QueryLimits } from '../domain/plan.ts'
import type { PlannedEngine, ResolveColumns } from '../domain/ports.ts'

/** Settings that decide what becomes of a record. */
export interface PlanLimits {
  /** Of one batch, with dynamic partitioning; 0: no limit. */
  readonly maxPartitions: number
  readonly queryLimits: QueryLimits
}

export async function makePlan(
  stream: DeliveryStream,
  resolveColumns: ResolveColumns,
  planned: PlannedEngine,
  { maxPartitions, queryLimits }: PlanLimits,
): Promise<Plan> {
  const { destination } = stream
  const { conversion, processing, partitioning } = destination
  const shared = {
    version: stream.version,
    destination,
    ...(processing === undefined && partitioning === undefined
      ? {}
      : { processorsVersion: PROCESSORS_VERSION }),
    ...(partitioning === undefined ? {} : { maxPartitions }),
    ...(partitioning?.query === undefined ? {} : { queryLimits }),
  }
  if (conversion === undefined) return { ...shared, ...RAW }
  const columns = await resolveColumns(conversion.table)
  // A plan that cannot be carried out is never pinned: the batch is planned anew once its table, or the stream, is corrected.
  planned.checkColumns(columns, conversion)
  return {
    ...shared,
    engine: planned.engine,
    engineVersion: planned.version,
    columns,
    table: conversion.table,
  }
}

/** SHA-256 of a plan, the same in every process: written into each object's metadata. */
export function planDigest(plan: Plan): string {
  return createHash('sha256').update(canonicalJson(plan)).digest('hex')
}

/** JSON with keys in order, so that a plan read back from any store has the digest that it had. */
function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const members = Object.entries(value)
    .filter(([, member]) => member !== undefined)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
  return `{${members.map(([key, member]) => `${JSON.stringify(key)}:${canonicalJson(member)}`).join(',')}}`
}
