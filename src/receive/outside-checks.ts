/**
 * What is wrong with a stream that the input alone does not tell: its table in a catalog, and its query in jq. Asked when a
 * stream is created, updated and declared, after everything that needs no asking.
 */
import type { Column, DeliveryStream, FormatConversion, MetadataColumn } from '../domain/delivery-stream.ts'
import { ClientError, EncoderError } from '../domain/errors.ts'
import type { ResolveColumns } from '../domain/ports.ts'
import { invalidOptions } from './conversion-rules.ts'
import { extensionMessage, type ExtensionProblem } from './extension-rules.ts'

/** Absent: not looked at. */
export interface OutsideChecks {
  readonly resolveColumns?: ResolveColumns | undefined
  /** What this deployment cannot convert of these columns, in a sentence. */
  readonly supportsColumns?:
    ((columns: readonly Column[], conversion: FormatConversion) => string | undefined) | undefined
  /** Why jq does not take this query, in a sentence. */
  readonly queryProblem?: ((query: string) => Promise<string | undefined>) | undefined
}

/** @throws ClientError ServiceUnavailableException when a catalog cannot be asked, or jq not run, now */
export async function outsideProblem(
  stream: DeliveryStream,
  checks: OutsideChecks,
): Promise<string | undefined> {
  return (await tableProblem(stream, checks)) ?? (await badQuery(stream, checks))
}

async function badQuery(
  { destination }: DeliveryStream,
  { queryProblem }: OutsideChecks,
): Promise<string | undefined> {
  const query = destination.partitioning?.query
  if (query === undefined) return undefined
  try {
    return await queryProblem?.(query)
  } catch (error) {
    // What keeps jq from running is nothing that is wrong with the query.
    if (error instanceof EncoderError) throw unavailable(said(error))
    throw error
  }
}

function said({ message, hint }: EncoderError): string {
  return hint === undefined ? message : `${message}; ${hint}`
}

function unavailable(message: string): ClientError {
  return new ClientError('ServiceUnavailableException', message, 503)
}

/** Codes of a catalog that may answer in a while. */
const UNAVAILABLE: readonly string[] = ['GlueUnavailable', 'ThrottledByGlue', 'SchemaValidationTimeout']

/** Reads the table that a converting stream names; answers what is wrong with it. */
export async function tableProblem(
  stream: DeliveryStream,
  { resolveColumns, supportsColumns }: OutsideChecks,
): Promise<string | undefined> {
  const { conversion } = stream.destination
  if (conversion === undefined || resolveColumns === undefined) return undefined
  try {
    const columns = await resolveColumns(conversion.table)
    const [taken] = takenColumns(conversion.metadataColumns, columns)
    if (taken !== undefined) return extensionMessage(stream.name, taken)
    const mapped = Object.keys(conversion.jsonKeys ?? {})
    return unmappedColumns(mapped, columns) ?? supportsColumns?.(columns, conversion)
  } catch (error) {
    if (!(error instanceof EncoderError)) throw error
    if (UNAVAILABLE.includes(error.code)) throw unavailable(said(error))
    return said(error)
  }
}

/** Metadata columns whose names columns of the table have already. */
export function takenColumns(
  metadataColumns: readonly MetadataColumn[] | undefined,
  columns: readonly Column[],
): ExtensionProblem[] {
  const taken = (metadataColumns ?? []).filter(({ name }) => columns.some((column) => column.name === name))
  return taken.map(({ field, name }) => ({
    path: ['metadataColumns', field],
    message: `the table has a column "${name}" already; choose another name`,
  }))
}

/** @param mapped columns of ColumnToJsonKeyMappings, in lower case */
export function unmappedColumns(mapped: readonly string[], columns: readonly Column[]): string | undefined {
  const unknown = mapped.filter((name) => !columns.some((column) => column.name === name))
  return unknown.length === 0
    ? undefined
    : invalidOptions(
        `ColumnToJsonKeyMappings names columns that the table does not have: ${unknown.join(', ')}`,
      )
}
