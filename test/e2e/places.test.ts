/**
 * The two places of a delivery stream, end to end: what CreateDeliveryStream says of keys, roles and the backup is what
 * the object store sees, and a backup that cannot land delays nothing and loses nothing (G1, G2).
 */
import { gunzipSync } from 'node:zlib'
import { CreateDeliveryStreamCommand, PutRecordCommand } from '@aws-sdk/client-firehose'
import { expect } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { faults } from '../support/fake-s3.ts'
import { startFakeSts } from '../support/fake-sts.ts'
import type { HydrantProcess } from '../support/hydrant.ts'
import { judge, Producer } from '../support/producer.ts'
import { signedBy } from '../support/signature.ts'
import { convertingStream, type Declaration } from './declarations.ts'
import { test, type Installation } from './installation.ts'

const STREAM = 'orders-with-backup'
const keyOf = (name: string) => `arn:aws:kms:us-east-1:000000000000:key/${name}`
const roleOf = (name: string) => `arn:aws:iam::000000000000:role/${name}`

interface Place {
  readonly kms?: boolean
}

function declaration({ kms = false }: Place = {}): Declaration {
  const { ExtendedS3DestinationConfiguration: destination, ...stream } = convertingStream(STREAM)
  if (destination === undefined) throw new Error('a converting stream has a destination')
  const encrypted = (name: string) =>
    kms ? { EncryptionConfiguration: { KMSEncryptionConfig: { AWSKMSKeyARN: keyOf(name) } } } : {}
  return {
    ...stream,
    ExtendedS3DestinationConfiguration: {
      ...destination,
      ...encrypted('lake'),
      RoleARN: roleOf('lake'),
      FileExtension: '.orders',
      CustomTimeZone: 'Asia/Calcutta',
      S3BackupMode: 'Enabled',
      S3BackupConfiguration: {
        BucketARN: 'arn:aws:s3:::vault',
        RoleARN: roleOf('vault'),
        Prefix: 'source/',
        CompressionFormat: 'GZIP',
        ...encrypted('vault'),
      },
    },
  }
}

async function createStream(
  installation: Installation,
  process: HydrantProcess,
  stream: Declaration,
): Promise<void> {
  await installation.client(process).send(new CreateDeliveryStreamCommand(stream))
}

async function idsInVault(installation: Installation): Promise<string[]> {
  const text = (await installation.objects('vault')).map(({ bytes }) => gunzipSync(bytes).toString()).join('')
  return [...text.matchAll(/\{"order_id":"([^"]+)"/g)].map(([, id = '']) => id)
}

test.concurrent(
  'G1, G2: a backup bucket that asks to slow down for long keeps the batch, not the data, and gets each record once',
  async ({ install }) => {
    const installation = await install({ objects: 's3', buckets: ['lake', 'vault'] })
    installation.s3.fail({ ...faults.slowDown, bucket: 'vault', times: 1_000 })
    const process = await installation.start()
    await createStream(installation, process, declaration())
    const producer = new Producer(STREAM)
    await eventually(() => producer.send(installation.client(process), 40, { bad: 2 }))
    expect(producer.acknowledged.size).toBe(40)
    await eventually(async () => {
      const slow = { delivery_stream: STREAM, code: 'SlowDown' }
      expect(await process.metric('hydrant_destination_errors_total', slow)).toBeGreaterThan(2)
    })
    const landed = installation.s3.keys('lake')
    expect(landed, 'the data did not wait').toHaveLength(2)
    expect(await installation.ledger(process, STREAM)).toMatchObject({ pending: 40 })
    installation.s3.clearFaults()
    const ledger = await installation.delivered(process, STREAM)
    expect(ledger).toEqual({ accepted: 40, delivered: 38, failed: 2, dropped: 0, pending: 0 })
    expect(installation.s3.keys('lake')).toEqual(landed)
    for (const bucket of ['lake', 'vault'])
      for (const key of installation.s3.keys(bucket))
        expect(installation.s3.object(bucket, key)?.puts, `${bucket}/${key}`).toBe(1)
    expect(installation.s3.keys('vault')).toHaveLength(1)
    expect(judge([producer], await idsInVault(installation))).toEqual([])
  },
)

test.concurrent('a record leads to its objects, the backup among them', async ({ install }) => {
  const installation = await install({ objects: 's3', buckets: ['lake', 'vault'] })
  const process = await installation.start()
  await createStream(installation, process, declaration())
  const Record = { Data: Buffer.from('{"order_id":"1","amount":2}') }
  const put = new PutRecordCommand({ DeliveryStreamName: STREAM, Record })
  const { RecordId = '' } = await eventually(() => installation.client(process).send(put))
  await installation.delivered(process, STREAM)
  const answer = await fetch(`http://127.0.0.1:${process.adminPort}/records/${encodeURIComponent(RecordId)}`)
  expect(await answer.json()).toMatchObject({
    delivered: 1,
    objects: [
      { kind: 'backup', bucket: 'vault', rows: 1, key: expect.stringMatching(/^source\/.*\.gz$/) as string },
      { kind: 'data', bucket: 'lake', rows: 1, key: expect.stringMatching(/\.orders$/) as string },
    ],
  })
})

test.concurrent(
  'each place has its key, its role and the ACL: puts are signed with sessions of their own',
  async ({ install, onTestFinished }) => {
    const sts = await startFakeSts({ accessKeyId: 'test', secretAccessKey: 'test' })
    onTestFinished(() => sts.close())
    const installation = await install({
      objects: 's3',
      buckets: ['lake', 'vault'],
      objectStore: { acl: 'bucket-owner-full-control' },
      aws: { assumeRoles: true, stsEndpoint: sts.endpoint },
    })
    const process = await installation.start()
    await createStream(installation, process, declaration({ kms: true }))
    sts.refuse(roleOf('vault'), { status: 403, code: 'AccessDenied' })
    const producer = new Producer(STREAM)
    await eventually(() => producer.send(installation.client(process), 10, { bad: 1 }))
    await eventually(async () => {
      const denied = { delivery_stream: STREAM, code: 'AssumeRoleDenied' }
      expect(await process.metric('hydrant_destination_errors_total', denied)).toBeGreaterThan(0)
    })
    sts.refuse(roleOf('vault'), undefined)
    expect(await installation.delivered(process, STREAM)).toMatchObject({ delivered: 9, failed: 1 })

    const puts = installation.s3.requests.filter(({ method }) => method === 'PUT')
    expect(new Set(puts.map(({ bucket }) => bucket))).toEqual(new Set(['lake', 'vault']))
    for (const put of puts) {
      const [session] = sts.sessions(roleOf(put.bucket))
      const signed = signedBy(put)
      expect(signed.accessKeyId).toBe(session?.accessKeyId)
      expect(signed.signature).toBe(signed.expected(session?.secretAccessKey ?? ''))
      expect(put.headers).toMatchObject({
        'x-amz-security-token': session?.sessionToken,
        'x-amz-server-side-encryption': 'aws:kms',
        'x-amz-server-side-encryption-aws-kms-key-id': keyOf(put.bucket),
        'x-amz-acl': 'bucket-owner-full-control',
      })
    }
    expect(judge([producer], await idsInVault(installation))).toEqual([])
  },
)

test.concurrent(
  'a start looks at the bucket of the backup too, and says what it needs',
  async ({ install }) => {
    const installation = await install({ objects: 's3', buckets: ['lake'], streams: [declaration()] })
    const process = await installation.start()
    const checks = () =>
      logLines(process)
        .filter(({ msg }) => msg === 'bucket check failed')
        .map(({ bucket, err }) => ({ bucket, code: err?.code }))
    await eventually(() => expect(checks()).toEqual([{ bucket: 'vault', code: 'NoSuchBucket' }]))
    const looked = installation.s3.requests.filter(({ method }) => method === 'HEAD')
    expect(looked.map(({ bucket }) => bucket).toSorted()).toEqual(['lake', 'vault'])
  },
)

interface LogLine {
  readonly msg: string
  readonly bucket?: string
  readonly err?: { readonly code?: string }
}

function logLines({ log }: HydrantProcess): LogLine[] {
  const complete = log.slice(0, log.lastIndexOf('\n') + 1).split('\n')
  return complete.filter((line) => line !== '').map((line) => JSON.parse(line) as LogLine)
}
