/** What the conversions of all objects of a batch share. */
import type { FormatConversion } from '../../domain/delivery-stream.ts'
import { EncoderError } from '../../domain/errors.ts'
import type { FailureSpool } from '../failure-spool.ts'
import type { RecordsByObject } from '../records-by-object.ts'
import type { Turns } from '../turns.ts'
import type { Verdict } from '../verdicts.ts'
import type { Session } from './engine.ts'
import type { ScanExactly, ScanParts } from './exact-record.ts'
import type { LineColumn } from './line-columns.ts'
import type { LinesWriter } from './lines-writer.ts'
import type { MetadataLines } from './metadata-lines.ts'
import type { JudgeRecords } from './raw-doubt.ts'

export interface Conversion {
  readonly session: Session
  readonly signal: AbortSignal
  /** For the objects, and for whatever is staged meanwhile. */
  readonly folder: string
  readonly rules: FormatConversion
  /** The table's, then the metadata columns. */
  readonly columns: readonly LineColumn[]
  /** Undefined without metadata columns. */
  readonly metadata: MetadataLines | undefined
  readonly records: RecordsByObject
  readonly failures: FailureSpool
  readonly turns: Turns
}

export interface QuickConversion extends Conversion {
  /** Takes the lines of one row group after the other. */
  readonly lines: LinesWriter
  readonly judge: JudgeRecords
  /** One record at a time for each: while one gives rows, another may be read. */
  readonly newScan: () => ScanExactly
}

export interface ExactConversion extends Conversion {
  /** Takes the lines of each part, of one row group after the other. */
  readonly lines: readonly LinesWriter[]
  /** The columns that are written together. */
  readonly parts: readonly (readonly LineColumn[])[]
  readonly scan: ScanParts
}

/** Takes the verdict on a record that fails. @param ordinal counts the records from some place on */
export type Refuse = (ordinal: number, arrivalMs: number, verdict: Verdict, record: Buffer) => Promise<void>

/** Spools the verdicts on records whose ordinals count from a place on. */
export function refuser({ records, failures }: Conversion, place: number): Refuse {
  return (recordOrdinal, frameArrivalMs, { code, message }, rawData) => {
    const { ordinal, arrivalMs } = records.source(place + recordOrdinal, frameArrivalMs)
    return failures.add({ ordinal, arrivalMs, code, message, rawData })
  }
}

export function defect(what: string): EncoderError {
  return new EncoderError(`convert: ${what}`, {
    code: 'EnginesDisagree',
    hint: 'this is a defect of Hydrant; set convert.engine to js for the time being and report it',
  })
}
