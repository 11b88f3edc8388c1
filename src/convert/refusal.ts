/** What the exact reader throws when it refuses a record. */
import { verdicts, type Verdict } from './verdicts.ts'

export class Refused extends Error {
  readonly verdict: Verdict
  constructor(verdict: Verdict) {
    super(verdict.message)
    this.verdict = verdict
  }
}

/** Made once: taking the stack of a new error costs more than reading a record does, and nobody looks at it. */
export const refusals = {
  empty: new Refused(verdicts.empty),
  malformed: new Refused(verdicts.malformed),
  longKey: new Refused(verdicts.longKey),
  deep: new Refused(verdicts.deep),
  heavy: new Refused(verdicts.heavy),
  array: new Refused(verdicts.array),
  primitive: new Refused(verdicts.primitive),
} as const satisfies Partial<Record<keyof typeof verdicts, Refused>>
