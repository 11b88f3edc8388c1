/** The part of a buffer that keeps what a transform made of one batch: all frames or none, and the first that is whole. */
import type { Frame } from '../../src/domain/frame.ts'
import type { Buffer as BufferPort } from '../../src/domain/ports.ts'

export class KeptDerivation implements Pick<BufferPort, 'derive' | 'readDerived'> {
  kept: readonly Frame[] | undefined

  derive: BufferPort['derive'] = async (_batch, frames) => {
    if (this.kept !== undefined) return
    const taken: Frame[] = []
    for await (const frame of frames) taken.push(frame)
    if (taken.length === 0) throw new Error('derive: there are no frames')
    this.kept ??= taken
  }

  async *readDerived(): AsyncGenerator<Frame> {
    if (this.kept === undefined) throw new Error('read derived: there are none')
    for (const frame of this.kept) yield await Promise.resolve(frame)
  }
}
