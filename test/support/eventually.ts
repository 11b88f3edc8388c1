/** Waits for a condition instead of a time. */
import { setTimeout as wait } from 'node:timers/promises'

/** Resolves with what `probe` answers once it neither throws nor rejects; rejects with its last error after `limitMs`. */
export async function eventually<T>(probe: () => T | Promise<T>, limitMs = 20_000): Promise<T> {
  const endMs = performance.now() + limitMs
  for (;;) {
    try {
      return await probe()
    } catch (error) {
      if (performance.now() > endMs) throw error
    }
    await wait(25)
  }
}
