/** Makes the plan of a batch from its delivery stream as it is now. Which plan holds is decided by the pin. */
import { createHash } from 'node:crypto'
import type { DeliveryStream } from '../domain/delivery-stream.ts'
import { PROCESSORS_VERSION, RAW, type Engine, type Plan, type QueryLimits } from '../domain/plan.ts'
import type { ResolveColumns } from '../domain/ports.ts'

/** The engine that converts new batches in this process, and its version. */
export interface PlannedEngine {
  readonly engine: Exclude<Engine, 'raw'>
  readonly version: string
}

/** Settings that decide what becomes of a record. */
export interface PlanLimits {
  /** Of one batch, with dynamic partitioning; 0: no limit. */
  readonly maxPartitions: number
  readonly queryLimits: QueryLimits
}

export async function makePlan(
  stream: DeliveryStream,
  resolveColumns: ResolveColumns,
  { engine, version }: PlannedEngine,
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
  return {
    ...shared,
    engine,
    engineVersion: version,
    columns: await resolveColumns(conversion.table),
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
