/** Identifies what a batch holds: SHA-256 over the headers of its frames, each of which carries its body's checksum. */
import { createHash } from 'node:crypto'
import { FRAME_HEADER_BYTES, type Frame } from '../domain/frame.ts'

export class SourceDigest {
  #last: string | undefined

  /** Passes the frames on. An encoder may read them more than once; each whole reading must give the same digest. */
  async *over(frames: AsyncIterable<Frame>): AsyncGenerator<Frame> {
    const hash = createHash('sha256')
    for await (const frame of frames) {
      hash.update(frame.buffer.subarray(0, FRAME_HEADER_BYTES))
      yield frame
    }
    const digest = hash.digest('hex')
    if (this.#last !== undefined && this.#last !== digest) {
      throw new Error(`digest batch: two readings differ, ${this.#last} and ${digest}`)
    }
    this.#last = digest
  }

  /** Hexadecimal; defined once the frames were read to their end. */
  get value(): string {
    if (this.#last === undefined) throw new Error('digest batch: its frames were not read to their end')
    return this.#last
  }
}
