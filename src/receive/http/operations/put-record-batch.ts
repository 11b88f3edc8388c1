import { BATCH_RECORDS_MAX } from '../../../domain/limits.ts'
import type { Call, Operation } from '../api.ts'
import { validated } from '../constraints.ts'
import {
  cleanBytes,
  frameOf,
  isCleanName,
  notFramed,
  put,
  recordShape,
  type CleanRecord,
} from '../records.ts'
import { deliveryStreamName, structure } from '../shapes.ts'

const shape = structure(
  {
    DeliveryStreamName: deliveryStreamName,
    Records: { type: 'list', of: recordShape, min: 1, max: BATCH_RECORDS_MAX },
  },
  ['DeliveryStreamName', 'Records'],
)

interface Input {
  readonly DeliveryStreamName: string
  readonly Records: readonly CleanRecord[]
}

/** Up to 500 records, taken as a whole or throttled as a whole; answered once they are durable. */
export const putRecordBatch: Operation = async (call, api) => {
  const { DeliveryStreamName: name, Records: records } = read(call)
  const frame = frameOf(records, cleanBytes(records) ?? 0, api.clock.now(), call.plain)
  if (frame === undefined) throw notFramed(records)
  const result = await put(name, frame, api)
  return result.kind === 'throttled' ? throttled(records.length, result) : accepted(records.length, result)
}

function read({ input }: Call): Input {
  const clean = input as Partial<Input> | null
  if (
    isCleanName(clean?.DeliveryStreamName) &&
    Array.isArray(clean.Records) &&
    clean.Records.length > 0 &&
    clean.Records.length <= BATCH_RECORDS_MAX &&
    cleanBytes(clean.Records) !== undefined
  )
    return clean as Input
  return validated(shape, input) as unknown as Input
}

/** The part of each record id that tells the records of one append apart. */
const INDEXES = Array.from({ length: BATCH_RECORDS_MAX }, (_, index) => index.toString(36))

/** Written by hand: some clients look for `"FailedPutCount":0` byte for byte. Record ids need no escapes. */
function accepted(
  count: number,
  { idPrefix, encrypted }: { readonly idPrefix: string; readonly encrypted: boolean },
): string {
  const open = `{"RecordId":"${idPrefix}`
  const indexes = count === BATCH_RECORDS_MAX ? INDEXES : INDEXES.slice(0, count)
  return `{"Encrypted":${encrypted},"FailedPutCount":0,"RequestResponses":[${open}${indexes.join(`"},${open}`)}"}]}`
}

const SLOW_DOWN = '{"ErrorCode":"ServiceUnavailableException","ErrorMessage":"Slow down."}'

function throttled(count: number, { encrypted }: { readonly encrypted: boolean }): string {
  const entries = Array.from({ length: count }, () => SLOW_DOWN)
  return `{"Encrypted":${encrypted},"FailedPutCount":${count},"RequestResponses":[${entries.join(',')}]}`
}
