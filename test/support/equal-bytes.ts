/** Set up for every test: bytes are compared at once. Vitest goes through them one by one, a second for each megabyte. */
import { expect } from 'vitest'

expect.addEqualityTesters([
  (a: unknown, b: unknown): boolean | undefined =>
    Buffer.isBuffer(a) && Buffer.isBuffer(b) ? a.equals(b) : undefined,
])
