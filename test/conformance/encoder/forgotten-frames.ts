/**
 * A frame of an object is valid until the next one is asked for: from then on its bytes are overwritten here, at once, where
 * they may stay as they are for a while otherwise.
 */
import { afterEach, beforeEach, vi } from 'vitest'
import { FrameJoiner, JoinedFrame } from '../../../src/convert/joined-frames.ts'
import type { Frame } from '../../../src/domain/frame.ts'

type Join = (this: FrameJoiner, frames: AsyncIterable<Frame>) => AsyncGenerator<Frame>

/** In all tests of the suite. */
export function forgetFrames(): void {
  let restore = (): void => undefined
  beforeEach(() => {
    const join = Reflect.get(FrameJoiner.prototype, 'join') as Join
    const forgetful = async function* (this: FrameJoiner, frames: AsyncIterable<Frame>) {
      for await (const frame of join.call(this, frames)) {
        yield frame
        for (const { buffer } of [frame, ...(frame instanceof JoinedFrame ? frame.parts : [])])
          buffer.fill(0xaa)
      }
    }
    const spy = vi.spyOn(FrameJoiner.prototype, 'join').mockImplementation(forgetful)
    restore = () => spy.mockRestore()
  })
  afterEach(() => restore())
}
