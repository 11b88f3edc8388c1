/** What a fake object store does wrong, once or several times, when a test asks for it. */

/** `before`: nothing is stored. `after`: the object is stored, and only the answer goes wrong. */
export interface Fault {
  readonly at: 'before' | 'after'
  readonly does:
    | { readonly kind: 'answer'; readonly status: number; readonly code?: string }
    /** The connection is cut. */
    | { readonly kind: 'cut' }
    /** No answer ever comes. */
    | { readonly kind: 'hang' }
    /** The answer comes `ms` later, and is right. */
    | { readonly kind: 'delay'; readonly ms: number }
  /** Default: PUT. */
  readonly method?: string
  readonly keyIncludes?: string
  /** Default: any. */
  readonly bucket?: string
  /** Default: 1. */
  readonly times?: number
}

const answer = (status: number, code: string) =>
  ({ at: 'before', does: { kind: 'answer', status, code } }) as const

export const faults = {
  slowDown: answer(503, 'SlowDown'),
  errorBeforeStore: answer(500, 'InternalError'),
  errorAfterStore: { at: 'after', does: { kind: 'answer', status: 500, code: 'InternalError' } },
  lostBeforeStore: { at: 'before', does: { kind: 'cut' } },
  lostAfterStore: { at: 'after', does: { kind: 'cut' } },
  accessDenied: answer(403, 'AccessDenied'),
  noSuchBucket: answer(404, 'NoSuchBucket'),
  conflict: answer(409, 'ConditionalRequestConflict'),
  skewed: answer(403, 'RequestTimeTooSkewed'),
  hang: { at: 'before', does: { kind: 'hang' } },
  hangAfterStore: { at: 'after', does: { kind: 'hang' } },
} as const satisfies Record<string, Fault>

export class FaultPlan {
  #planned: { fault: Fault; left: number }[] = []

  add(fault: Fault): void {
    this.#planned.push({ fault, left: fault.times ?? 1 })
  }

  clear(): void {
    this.#planned = []
  }

  /** The fault for a request, used up by it. */
  take(method: string, { bucket, key }: { bucket: string; key: string }): Fault | undefined {
    const next = this.#planned.find(
      ({ fault, left }) =>
        left > 0 &&
        (fault.method ?? 'PUT') === method &&
        bucket === (fault.bucket ?? bucket) &&
        key.includes(fault.keyIncludes ?? ''),
    )
    if (next === undefined) return undefined
    next.left -= 1
    return next.fault
  }
}
