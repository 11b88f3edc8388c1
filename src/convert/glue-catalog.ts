/**
 * Columns of AWS Glue's tables, as a delivery may ask for them at every batch: what was read holds for a minute, one question
 * is under way for a table at a time, and while Glue cannot be asked what it said last goes on for a day. What Glue answers,
 * be it that the table is gone or may not be read, counts at once.
 */
import type { Log } from '../account/log.ts'
import type { Column, TableRef } from '../domain/delivery-stream.ts'
import type { Clock } from '../domain/ports.ts'
import { systemClock } from '../runtime/clock.ts'
import { glueError } from './glue-errors.ts'
import { GlueTables, type GlueSettings } from './glue-tables.ts'

export interface GlueCatalogOptions extends GlueSettings {
  readonly clock?: Pick<Clock, 'monotonicMs'>
}

/** A change in Glue is seen after at most this. */
export const GLUE_FRESH_MS = 60_000
/** While Glue cannot be asked, what was read serves for this long. */
export const GLUE_KEPT_MS = 24 * 3_600_000
/** After a failure Glue is not asked again for this long, if what was read still serves: each question may take seconds. */
const ASK_AGAIN_MS = 10_000
/** Tables remembered; the one that was not asked for the longest time is forgotten first. */
const TABLES_MAX = 1_000

interface Known {
  readonly columns: readonly Column[]
  readonly readAtMs: number
  /** Asked again from then on. */
  askAtMs: number
  /** Glue could not be asked; the operator was told. */
  isStale: boolean
}

export class GlueCatalog {
  readonly #tables: GlueTables
  readonly #endpoint: string | undefined
  readonly #clock: Pick<Clock, 'monotonicMs'>
  readonly #log: Log
  readonly #known = new Map<string, Known>()
  readonly #asking = new Map<string, Promise<readonly Column[]>>()

  constructor(options: GlueCatalogOptions) {
    this.#tables = new GlueTables(options)
    this.#endpoint = options.endpoint
    this.#clock = options.clock ?? systemClock
    this.#log = options.log
  }

  /** In order. Rejects with EncoderError, whose code is Firehose's. */
  async columns(table: TableRef): Promise<readonly Column[]> {
    const key = keyOf(table)
    const known = this.#known.get(key)
    if (known !== undefined && this.#clock.monotonicMs() < known.askAtMs) {
      this.#remember(key, known)
      return known.columns
    }
    const asked = this.#asking.get(key)
    if (asked !== undefined) return asked
    const asking = this.#ask(table, key, known).finally(() => this.#asking.delete(key))
    this.#asking.set(key, asking)
    return asking
  }

  close(): void {
    this.#tables.close()
  }

  async #ask(table: TableRef, key: string, known: Known | undefined): Promise<readonly Column[]> {
    const askedAtMs = this.#clock.monotonicMs()
    try {
      const columns = await this.#tables.columns(table)
      if (known?.isStale === true) this.#log.info(namesOf(table), 'table could be read from Glue again')
      const fresh = { columns, readAtMs: askedAtMs, askAtMs: askedAtMs + GLUE_FRESH_MS, isStale: false }
      this.#remember(key, fresh)
      return columns
    } catch (cause) {
      const { error, isAnswer } = glueError(cause, { table, endpoint: this.#endpoint })
      const now = this.#clock.monotonicMs()
      if (known === undefined || isAnswer || now - known.readAtMs >= GLUE_KEPT_MS) {
        this.#known.delete(key)
        throw error
      }
      if (!known.isStale)
        this.#log.warn({ ...namesOf(table), err: error }, 'table read earlier serves: Glue cannot be asked')
      this.#remember(key, { ...known, askAtMs: now + ASK_AGAIN_MS, isStale: true })
      return known.columns
    }
  }

  #remember(key: string, known: Known): void {
    this.#known.delete(key)
    this.#known.set(key, known)
    const [oldest] = this.#known.keys()
    if (this.#known.size > TABLES_MAX && oldest !== undefined) this.#known.delete(oldest)
  }
}

/** With the role: who may not read a table is not told what another has read. */
function keyOf({ region, catalogId, databaseName, tableName, versionId, roleArn }: TableRef): string {
  return JSON.stringify([region, catalogId, databaseName, tableName, versionId, roleArn])
}

function namesOf({ databaseName, tableName, versionId }: TableRef) {
  return { table: `${databaseName}.${tableName}`, versionId }
}
