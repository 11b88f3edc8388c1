/** Answers are read into memory, so there is a limit: the one of Lambda, a little above its 6 MB of a request. */
import { pipeline, Transform, type Readable } from 'node:stream'

/** Lambda's own words: "exceeded maximum allowed payload size (6291556 bytes)". */
export const ANSWER_BYTES_MAX = 6_291_556

export class AnswerTooLargeError extends Error {
  override readonly name = 'AnswerTooLargeError'
  constructor() {
    super(`the answer has more than ${ANSWER_BYTES_MAX} bytes`)
  }
}

/** The same bytes; fails with AnswerTooLargeError, and ends the source, where there are more than an answer may have. */
export function bounded(source: Readable): Readable {
  let bytes = 0
  const passed = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length
      if (bytes > ANSWER_BYTES_MAX) done(new AnswerTooLargeError())
      else done(null, chunk)
    },
  })
  // What goes wrong with either is told by the one that is read.
  pipeline(source, passed, () => undefined)
  return passed
}
