/**
 * A whole installation for a test: processes from the build, their store, and where objects land. Everything is in a
 * temporary folder, on free ports, and ends with the test.
 */
import { join } from 'node:path'
import type { FirehoseClient } from '@aws-sdk/client-firehose'
import { expect, test as base } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { startFakeS3, type FakeS3 } from '../support/fake-s3.ts'
import { startHydrant, temporaryFolder, type HydrantProcess } from '../support/hydrant.ts'
import { listFolderBucket, type LandedObject } from '../support/landed.ts'
import { firehoseClient } from '../support/producer.ts'
import { startRedisServer, type RedisServer } from '../support/redis-server.ts'
import type { Declaration } from './declarations.ts'

export interface InstallationOptions {
  /** Default: embedded. */
  readonly store?: 'embedded' | 'redis'
  /** Where objects land. Default: folders. */
  readonly objects?: 'folders' | 's3'
  /** Buckets that the fake S3 has from the start. Default: lake. */
  readonly buckets?: readonly string[]
  readonly streams?: readonly Declaration[]
  /** Name and Hive type of the columns of table sales.orders. Default: order_id, amount. */
  readonly columns?: readonly (readonly [name: string, type: string])[]
  /** Further settings of `buffer`. */
  readonly buffer?: object
  /** Further settings of `objectStore`. */
  readonly objectStore?: object
  /** Settings of `aws`. */
  readonly aws?: object
}

export interface ProcessOptions {
  readonly roles?: string
  readonly crashAt?: string
  readonly preload?: string
  /** Another version of what the file says. */
  readonly streams?: readonly Declaration[]
  readonly columns?: NonNullable<InstallationOptions['columns']>
}

/** Source records. */
type Ledger = Readonly<Record<'accepted' | 'delivered' | 'failed' | 'dropped' | 'pending', number>>

const orderColumns = [
  ['order_id', 'string'],
  ['amount', 'double'],
] as const

export class Installation {
  readonly folder: string
  readonly #remove: () => Promise<void>
  readonly #options: InstallationOptions
  readonly #redis: RedisServer | undefined
  readonly #s3: FakeS3 | undefined
  readonly #processes: HydrantProcess[] = []
  readonly #clients: FirehoseClient[] = []

  private constructor(
    options: InstallationOptions,
    folder: { path: string; remove: () => Promise<void> },
    redis: RedisServer | undefined,
    s3: FakeS3 | undefined,
  ) {
    this.#options = options
    this.folder = folder.path
    this.#remove = folder.remove
    this.#redis = redis
    this.#s3 = s3
  }

  static async open(options: InstallationOptions): Promise<Installation> {
    const redis = options.store === 'redis' ? await startRedisServer({ appendfsync: 'always' }) : undefined
    const s3 =
      options.objects === 's3' ? await startFakeS3({ buckets: options.buckets ?? ['lake'] }) : undefined
    return new Installation(options, await temporaryFolder(), redis, s3)
  }

  get s3(): FakeS3 {
    if (this.#s3 === undefined) throw new Error('this installation has folders as buckets')
    return this.#s3
  }

  /** Resolves when the process is ready, or dead if it was to crash. */
  async start({ roles, crashAt, preload, ...file }: ProcessOptions = {}): Promise<HydrantProcess> {
    const started = await startHydrant({
      config: this.#configuration({ ...this.#options, ...file }),
      folder: this.folder,
      ...(roles === undefined ? {} : { roles }),
      ...(crashAt === undefined ? {} : { crashAt }),
      ...(preload === undefined ? {} : { preload }),
    })
    this.#processes.push(started)
    await (crashAt === undefined ? started.ready() : Promise.race([started.ready(), started.ended]))
    return started
  }

  /** Asks it to stop and waits for its end in good order. */
  async stop(process: HydrantProcess): Promise<void> {
    expect(await process.kill('SIGTERM')).toEqual({ code: 0, signal: null })
  }

  /** The official SDK with another endpoint; sends each request once. */
  client(process: HydrantProcess): FirehoseClient {
    const client = firehoseClient(process.endpoint)
    this.#clients.push(client)
    return client
  }

  /** What landed in a bucket, in order of keys. */
  async objects(bucket = 'lake'): Promise<LandedObject[]> {
    const s3 = this.#s3
    if (s3 === undefined) return listFolderBucket(join(this.folder, 'buckets'), bucket)
    return s3.keys(bucket).map((key) => {
      const bytes = s3.object(bucket, key)?.bytes
      return { key, bytes: Buffer.from(bytes ?? []) }
    })
  }

  /** The stream's ledger at one moment; it balances. Undefined while the process knows nothing of the stream. */
  async ledger(process: HydrantProcess, stream: string): Promise<Ledger | undefined> {
    const answer = await fetch(`http://127.0.0.1:${process.adminPort}/metrics`)
    const samples = (await answer.text()).matchAll(
      /^hydrant_ledger_records\{delivery_stream="([^"]*)",state="(\w+)"\} (\d+)$/gm,
    )
    const ofStream = [...samples].filter(([, name]) => name === stream)
    if (ofStream.length === 0) return undefined
    const ledger = Object.fromEntries(ofStream.map(([, , state, value]) => [state, Number(value)])) as Ledger
    expect(ledger.delivered + ledger.failed + ledger.dropped + ledger.pending).toBe(ledger.accepted)
    return ledger
  }

  /** Waits until nothing of the stream is pending; answers its ledger. */
  async delivered(process: HydrantProcess, stream: string, limitMs = 30_000): Promise<Ledger> {
    return eventually(async () => {
      const ledger = await this.ledger(process, stream)
      if (ledger === undefined || ledger.accepted === 0 || ledger.pending > 0)
        throw new Error(`not delivered yet: ${JSON.stringify(ledger)}\n${process.log.slice(-2_000)}`)
      return ledger
    }, limitMs)
  }

  async close(): Promise<void> {
    for (const client of this.#clients) client.destroy()
    for (const process of this.#processes) if (!process.hasEnded) await process.kill()
    await this.#s3?.close()
    await this.#redis?.stop()
    await this.#remove()
  }

  #configuration(options: InstallationOptions & ProcessOptions): object {
    const { buffer, objectStore, aws = {}, columns = orderColumns } = options
    const redis = this.#redis
    return {
      aws,
      buffer:
        redis === undefined
          ? { type: 'embedded', path: join(this.folder, 'buffer'), ...buffer }
          : { type: 'redis', url: redis.url, maxBytes: '1GiB', ...buffer },
      objectStore:
        this.#s3 === undefined
          ? { type: 'file', root: join(this.folder, 'buckets') }
          : {
              type: 's3',
              endpoint: this.#s3.endpoint,
              accessKeyId: 'test',
              secretAccessKey: 'test',
              ...objectStore,
            },
      convert: { threads: 1, stagingPath: join(this.folder, 'staging') },
      limits: 'relaxed',
      catalog: {
        databases: { sales: { orders: { columns: columns.map(([name, type]) => ({ name, type })) } } },
      },
      deliveryStreams: options.streams ?? [],
    }
  }
}

export interface Fixtures {
  /** Opens an installation that is closed when the test has ended. */
  readonly install: (options: InstallationOptions) => Promise<Installation>
}

export const test = base.extend<Fixtures>({
  install: async ({ task: _task }, use) => {
    const opened: Installation[] = []
    await use(async (options) => {
      const installation = await Installation.open(options)
      opened.push(installation)
      return installation
    })
    for (const installation of opened) await installation.close()
  },
})
