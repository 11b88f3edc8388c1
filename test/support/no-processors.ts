/** Processors of streams that have none: whoever asks them is wrong. */
import type { Processors } from '../../src/domain/ports.ts'

export const noProcessors: Processors = {
  process: () => Promise.reject(new Error('a batch is processed whose plan asks for nothing')),
}
