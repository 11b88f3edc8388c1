/** What the event loop and the thread of jq say to each other. */
import type { JqEnd, JqModule } from './jq-instance.ts'

export interface WorkerStart {
  /** What jq's clock shows, epoch ms. */
  readonly nowMs: number
  /** Absent: it is compiled, and comes with `ready`. */
  readonly module?: JqModule
}

export interface WorkerRequest {
  readonly program: string
  readonly steps: bigint
  readonly outputBytes: number
  /** Absent: the program is compiled and run over nothing. */
  readonly block?: RecordBlock
}

export interface RecordBlock {
  /** The records one after the other. */
  readonly bytes: Uint8Array
  readonly lengths: Uint32Array
  /** Those from `first` to before `end` are to be run. */
  readonly first: number
  readonly end: number
}

export type WorkerAnswer =
  | { readonly kind: 'ready'; readonly module: JqModule }
  | { readonly kind: 'run'; readonly lines: BlockLines; readonly end?: JqEnd; readonly errors: string }

export interface BlockLines {
  /** What jq printed for records, each text once. */
  readonly texts: readonly string[]
  /** Of the records that were to be run, as many as are decided: the index of its text, or NOT_JSON. */
  readonly textOf: Uint32Array
}

/** The record is not one JSON object. */
export const NOT_JSON = 0xffff_ffff
