/** A delivery stream on its way from AWS's words about it to a declaration. */
import type { JsonObject } from '../domain/delivery-stream.ts'

export interface Found {
  /** Delivery stream as its source names it. */
  readonly name: string
  /** Input of CreateDeliveryStream; may hold placeholders. */
  readonly declaration: JsonObject
  /** Sentences on what was not carried over or has to be looked at. */
  readonly notes: readonly string[]
  /** Why it cannot be declared at all; left out, nothing is known against it. */
  readonly refusal?: string | undefined
}
