import { ClientError } from '../../../domain/errors.ts'
import { recordId } from '../../../domain/record.ts'
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

const shape = structure({ DeliveryStreamName: deliveryStreamName, Record: recordShape }, [
  'DeliveryStreamName',
  'Record',
])

interface Input {
  readonly DeliveryStreamName: string
  readonly Record: CleanRecord
}

/** A record, answered once it is durable. */
export const putRecord: Operation = async (call, api) => {
  const { DeliveryStreamName: name, Record: record } = read(call)
  const frame = frameOf([record], cleanBytes([record]) ?? 0, api.clock.now(), call.plain)
  if (frame === undefined) throw notFramed([record])
  const result = await put(name, frame, api)
  if (result.kind === 'throttled') throw new ClientError('ServiceUnavailableException', 'Slow down.', 503)
  return `{"RecordId":"${recordId(result.idPrefix, 0)}","Encrypted":${result.encrypted}}`
}

function read({ input }: Call): Input {
  const clean = input as Partial<Input> | null
  if (isCleanName(clean?.DeliveryStreamName) && cleanBytes([clean.Record]) !== undefined)
    return clean as Input
  return validated(shape, input) as unknown as Input
}
