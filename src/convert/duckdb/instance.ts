/**
 * The DuckDB of a process, in a cage: it reads and writes nothing but the staging folder, loads no extensions and cannot be
 * told otherwise by a query.
 *
 * It is closed and opened again after a GiB of records, because it does not give back all that it has taken: with whole
 * batches as tables, four of 128 MiB in a row peaked at 320, 410, 450 and 550 MiB of the process. A row group at a time, ten
 * of them peak at 150 MiB each. Opening one takes some 30 ms.
 */
import { availableParallelism } from 'node:os'
import { DuckDBInstance, type DuckDBConnection } from '@duckdb/node-api'
import { quotedText } from './column-sql.ts'

/** DuckDB holds more than its limit (buffers of threads, compression, open row groups): it is told this share of ours. */
const LIMIT_SHARE = 0.8
/** Record bytes after which the next borrower gets a new instance. */
const RENEW_AFTER_BYTES = 1 << 30

export interface InstanceOptions {
  /** The only folder that DuckDB may touch. */
  readonly folder: string
  readonly threads: number
  readonly memoryLimitBytes: number
}

export class CagedInstance {
  readonly #options: InstanceOptions
  #instance: Promise<DuckDBInstance>
  #borrowed = 0
  #bytes = 0
  #isBroken = false

  private constructor(options: InstanceOptions, instance: DuckDBInstance) {
    this.#options = options
    this.#instance = Promise.resolve(instance)
  }

  static async open(options: InstanceOptions): Promise<CagedInstance> {
    return new CagedInstance(options, await openInstance(options))
  }

  /** @param bytes of the records that it is borrowed for */
  async borrow(bytes: number): Promise<DuckDBConnection> {
    if (this.#isBroken || (this.#borrowed === 0 && this.#bytes >= RENEW_AFTER_BYTES)) this.#renew()
    this.#borrowed += 1
    this.#bytes += bytes
    try {
      return await (await this.#instance).connect()
    } catch (error) {
      this.#borrowed -= 1
      throw error
    }
  }

  giveBack(connection: DuckDBConnection): void {
    connection.closeSync()
    this.#borrowed -= 1
  }

  #renew(): void {
    const old = this.#instance
    const wasBroken = this.#isBroken
    this.#bytes = 0
    this.#isBroken = false
    this.#instance = (async () => {
      if (!wasBroken) (await old).closeSync()
      return openInstance(this.#options)
    })()
    this.#instance.catch(() => (this.#isBroken = true))
  }

  async close(): Promise<void> {
    if (!this.#isBroken) (await this.#instance).closeSync()
  }
}

async function openInstance({ folder, threads, memoryLimitBytes }: InstanceOptions): Promise<DuckDBInstance> {
  const instance = await DuckDBInstance.create(':memory:', {
    threads: String(Math.max(1, Math.min(threads, 4 * availableParallelism()))),
    memory_limit: `${Math.floor(memoryLimitBytes * LIMIT_SHARE)}B`,
  })
  const connection = await instance.connect()
  try {
    // The order matters: each of the last two forbids what comes before it.
    for (const setting of [
      `SET temp_directory = ${quotedText(`${folder}/spill`)}`,
      `SET allowed_directories = [${quotedText(folder)}]`,
      'SET autoload_known_extensions = false',
      'SET autoinstall_known_extensions = false',
      'SET allow_community_extensions = false',
      'SET preserve_insertion_order = true',
      // What is freed goes back to the system soon: hundreds of MiB less at the peak of a wide table’s many COPYs.
      `SET allocator_flush_threshold = '16MiB'`,
      `SET allocator_bulk_deallocation_flush_threshold = '16MiB'`,
      'SET write_buffer_row_group_count = 1',
      'SET enable_external_access = false',
      'SET lock_configuration = true',
    ])
      await connection.run(setting)
  } catch (error) {
    instance.closeSync()
    throw error
  } finally {
    connection.closeSync()
  }
  return instance
}
