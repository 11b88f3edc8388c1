/** What processes and partitions the batches of this process. */
import { EncoderError } from '../domain/errors.ts'
import type { Processors } from '../domain/ports.ts'

export function openProcessors(): Processors {
  return {
    process: ({ batch }) =>
      Promise.reject(
        new EncoderError(`process batch ${batch.batchId}: this version has no processors`, {
          code: 'NoProcessors',
          hint: 'deliver it with a version that has them',
        }),
      ),
  }
}
