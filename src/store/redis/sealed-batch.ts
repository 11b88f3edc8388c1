/** A sealed batch as its hash has it. */
import type { BatchRef, SealedBatch } from '../../domain/batch.ts'
import type { Plan } from '../../domain/plan.ts'

/** @param fields names and values in turn, as HGETALL answers them; empty when there is no such batch */
export function parseSealedBatch(batch: BatchRef, fields: readonly string[]): SealedBatch | undefined {
  if (fields.length === 0) return undefined
  const values = new Map<string, string>()
  for (let index = 0; index < fields.length; index += 2)
    values.set(fields[index] ?? '', fields[index + 1] ?? '')
  const plan = values.get('plan')
  const reason = values.get('reason')
  const number = (name: string): number => Number(textOf(values, name, batch))
  return {
    stream: { name: batch.stream.name, incarnation: batch.stream.incarnation },
    batchId: batch.batchId,
    state: oneOf(textOf(values, 'state', batch), ['sealed', 'planned', 'quarantined'], batch),
    trigger: oneOf(textOf(values, 'trigger', batch), ['size', 'interval'], batch),
    records: number('records'),
    bytes: number('bytes'),
    storedBytes: number('stored'),
    frames: number('frames'),
    firstAppend: number('first'),
    lastAppend: number('last'),
    oldestArrivalMs: number('oldest'),
    openedAtMs: number('opened'),
    sealedAtMs: number('sealed'),
    attempts: number('attempts'),
    deaths: number('deaths'),
    ...(plan === undefined ? {} : { plan: JSON.parse(plan) as Plan }),
    ...(values.get('derived') === '1' ? { isDerived: true } : {}),
    ...(reason === undefined ? {} : { quarantineReason: reason }),
  }
}

function textOf(values: ReadonlyMap<string, string>, name: string, batch: BatchRef): string {
  const value = values.get(name)
  if (value === undefined) throw new Error(`describe batch ${batch.batchId}: its field ${name} is missing`)
  return value
}

function oneOf<T extends string>(value: string, allowed: readonly T[], batch: BatchRef): T {
  const found = allowed.find((candidate) => candidate === value)
  if (found === undefined)
    throw new Error(`describe batch ${batch.batchId}: ${value} is none of ${allowed.join(', ')}`)
  return found
}
