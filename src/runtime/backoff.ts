/** Exponential backoff with full jitter, capped. */
export interface Backoff {
  readonly firstMs: number
  readonly capMs: number
}

/** @param attempt counts from 1 @param random in [0, 1) */
export function backoffMs({ firstMs, capMs }: Backoff, attempt: number, random: number): number {
  const ceiling = Math.min(capMs, firstMs * 2 ** Math.min(attempt - 1, 30))
  return Math.round(ceiling / 2 + (random * ceiling) / 2)
}
