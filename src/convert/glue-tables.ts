/**
 * Tables of AWS Glue (docs.aws.amazon.com/glue/latest/webapi/API_GetTable.html): what columns one has now, asked each time.
 * Partition keys are no columns of a file. What a delivery could not do with is refused here, before a plan is pinned with it.
 */
import {
  GetTableCommand,
  GetTableVersionCommand,
  GlueClient,
  type GlueClientConfig,
  type Table,
} from '@aws-sdk/client-glue'
import type { Log } from '../account/log.ts'
import { sdkLogger } from '../account/sdk-log.ts'
import type { Column, TableRef } from '../domain/delivery-stream.ts'
import { EncoderError } from '../domain/errors.ts'
import { credentialsOf, ownCredentials, type OwnKeys, type RoleCredentials } from '../runtime/sdk-keys.ts'
import { isEndedSession, lookUp } from './glue-errors.ts'
import { typedColumns } from './hive-types.ts'

/** The keys are the process's own. */
export interface GlueSettings extends OwnKeys {
  /** Absent: that of Glue in the region of each table. */
  readonly endpoint?: string | undefined
  /** Sessions under the roles of SchemaConfiguration. Absent: roles are not assumed. */
  readonly roles?: RoleCredentials | undefined
  readonly timeouts?: GlueTimeouts
  readonly log: Log
}

export interface GlueTimeouts {
  readonly connectionMs: number
  readonly requestMs: number
  /** With all tries. A delivery waits meanwhile. */
  readonly callMs: number
}

const defaultTimeouts: GlueTimeouts = { connectionMs: 3_000, requestMs: 5_000, callMs: 12_000 }
const TRIES = 2
/** Clients that are kept, one for each region and role; the one that was not used for the longest time goes first. */
const CLIENTS_MAX = 64

export class GlueTables {
  readonly #settings: GlueSettings
  readonly #timeouts: GlueTimeouts
  readonly #clients = new Map<string, GlueClient>()

  constructor(settings: GlueSettings) {
    this.#settings = settings
    this.#timeouts = settings.timeouts ?? defaultTimeouts
  }

  /** Rejects with what the SDK says, with a DestinationError for a role, or with an EncoderError for a table that will not do. */
  async columns(table: TableRef): Promise<readonly Column[]> {
    const { roles } = this.#settings
    const roleArn = roles === undefined ? undefined : table.roleArn
    // So that what keeps a role from being assumed is told in its own words.
    if (roleArn !== undefined) await roles?.credentials(roleArn)
    try {
      return columnsOf(table, await this.#ask(table, this.#client(table.region, roleArn)))
    } catch (error) {
      if (roleArn !== undefined && isEndedSession(error)) roles?.forget(roleArn)
      throw error
    }
  }

  close(): void {
    for (const client of this.#clients.values()) client.destroy()
  }

  async #ask(table: TableRef, client: GlueClient): Promise<Table> {
    const { databaseName: DatabaseName, tableName, catalogId, versionId } = table
    const catalog = catalogId === undefined ? {} : { CatalogId: catalogId }
    const abortSignal = AbortSignal.timeout(this.#timeouts.callMs)
    const answered =
      versionId === 'LATEST'
        ? await client.send(new GetTableCommand({ ...catalog, DatabaseName, Name: tableName }), {
            abortSignal,
          })
        : (
            await client.send(
              new GetTableVersionCommand({
                ...catalog,
                DatabaseName,
                TableName: tableName,
                VersionId: versionId,
              }),
              { abortSignal },
            )
          ).TableVersion
    if (answered?.Table === undefined) throw new Error('the answer holds no table')
    return answered.Table
  }

  #client(region: string, roleArn: string | undefined): GlueClient {
    const key = JSON.stringify([region, roleArn])
    const client = this.#clients.get(key) ?? new GlueClient(this.#config(region, roleArn))
    this.#clients.delete(key)
    this.#clients.set(key, client)
    const [oldest] = this.#clients
    // Not destroyed: it may be asking. Its connections close when they have been idle.
    if (this.#clients.size > CLIENTS_MAX && oldest !== undefined) this.#clients.delete(oldest[0])
    return client
  }

  #config(region: string, roleArn: string | undefined): GlueClientConfig {
    const { endpoint, roles, log } = this.#settings
    const { connectionMs, requestMs } = this.#timeouts
    return {
      region,
      ...(endpoint === undefined ? {} : { endpoint }),
      ...(roles === undefined || roleArn === undefined
        ? ownCredentials(this.#settings)
        : credentialsOf(roles, roleArn)),
      maxAttempts: TRIES,
      requestHandler: {
        connectionTimeout: connectionMs,
        requestTimeout: requestMs,
        throwOnRequestTimeout: true,
      },
      logger: sdkLogger(log, 'Glue'),
    }
  }
}

function columnsOf(ref: TableRef, { StorageDescriptor: storage }: Table): readonly Column[] {
  const columns = (storage?.Columns ?? []).map(({ Name = '', Type = '' }) => ({
    name: Name.toLowerCase(),
    type: Type,
  }))
  if (columns.length === 0 && storage?.SchemaReference !== undefined) {
    throw new EncoderError(`${lookUp(ref)}: its columns are in the Glue Schema Registry, which is not read`, {
      code: 'InvalidSchema',
      hint: 'write the columns into the table, or add it to catalog.databases',
    })
  }
  try {
    typedColumns(columns)
  } catch (error) {
    if (!(error instanceof EncoderError)) throw error
    const { message, code, hint = 'correct the columns of the table in Glue' } = error
    throw new EncoderError(`${lookUp(ref)}: ${message}`, { cause: error, code, hint })
  }
  return columns
}
