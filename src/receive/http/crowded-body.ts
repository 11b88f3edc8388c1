/**
 * Bodies that would keep the process from everybody else: to parse and check a body takes time for each value in it, and
 * 8 MiB of lists in lists, or of members of one byte, take seconds. A batch holds about 1,000 values, a configuration of a
 * table with a thousand mapped columns as many; one that holds ten times that is refused before it is parsed.
 */
import { ClientError } from '../../domain/errors.ts'

const VALUES_MAX = 10_000
/** What a smaller body may hold takes some 40 ms at the worst. */
const COUNTED_BYTES_MIN = 256 * 1024

/** There are no more values than these bytes, and one. A character of a text counts as well: texts hold few of them. */
const BEGINNINGS = [',', '[', '{'].map((character) => character.charCodeAt(0))

/** @throws ClientError SerializationException for a body with too many values */
export function refuseCrowded(body: Buffer): void {
  if (body.length < COUNTED_BYTES_MIN) return
  let count = 0
  for (const byte of BEGINNINGS)
    for (let at = body.indexOf(byte); at !== -1; at = body.indexOf(byte, at + 1)) {
      count += 1
      if (count > VALUES_MAX)
        throw new ClientError('SerializationException', `The body holds more than ${VALUES_MAX} values`)
    }
}
