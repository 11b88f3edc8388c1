/**
 * Objects in S3, or in any store that speaks it. One object is one PutObject of a known length: a Buffer, or the staged
 * file opened anew for each try. Never a chunked upload with trailers, which stores other than AWS reject or, worse, store.
 *
 * Keys are pure functions of what the object holds, so the put is conditional (`If-None-Match: *`): whoever comes second
 * is told. A 412 is then read as "there before", and the metadata says whether it is this object (success: an answer was
 * lost, or a crash came between) or another (`Collision`: stop, overwrite nothing, invent no key). A store that rejects
 * the header is remembered and served without.
 */
import { HeadBucketCommand, HeadObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import type { Log } from '../account/log.ts'
import { DestinationError } from '../domain/errors.ts'
import { MIB } from '../domain/limits.ts'
import type { Clock, Destination, ObjectToPut } from '../domain/ports.ts'
import { backoffMs, type Backoff } from '../runtime/backoff.ts'
import { systemClock } from '../runtime/clock.ts'
import { bodyLength, crc32Of, openBody } from './s3-body.ts'
import { S3Clients, type S3ClientOptions } from './s3-clients.ts'
import { classifyS3Error, s3ErrorIs, type ClassifiedFailure } from './s3-errors.ts'
import type { S3FailureCode, S3Target } from './s3-failures.ts'

export interface S3Options extends S3ClientOptions {
  /** `x-amz-checksum-crc32` as a header of the put. `auto` sends it to AWS, and not to an endpoint that may not know it. */
  readonly checksum?: 'auto' | 'crc32' | 'none'
  /** The canned ACL of each object, as Firehose sends it into buckets of other accounts; absent: none is sent. */
  readonly acl?: 'bucket-owner-full-control' | undefined
  readonly timeouts?: S3Timeouts
  readonly clock?: Pick<Clock, 'sleep'>
}

interface S3Timeouts {
  readonly connectionMs: number
  /** From the start of a request to the end of its answer, and so much more for each MiB of its body. */
  readonly requestMs: number
  readonly requestMsPerMib: number
}

const defaultTimeouts: S3Timeouts = { connectionMs: 5_000, requestMs: 60_000, requestMsPerMib: 1_000 }
/** Tries of one put, for what passes within seconds; what lasts longer is the delivery's to retry. */
const TRIES = 3
const backoff: Backoff = { firstMs: 200, capMs: 5_000 }
/** Codes of failures that may be the fault of a role's session. */
const sessionRefused = new Set<string>(['ExpiredToken', 'InvalidCredentials'] satisfies S3FailureCode[])

/** `close` ends idle connections. */
export function createS3Destination(options: S3Options): Destination & { close(): void } {
  return new S3Objects(options)
}

class S3Objects implements Destination {
  readonly #clients: S3Clients
  readonly #log: Log
  readonly #clock: Pick<Clock, 'sleep'>
  readonly #timeouts: S3Timeouts
  readonly #endpoint: string | undefined
  readonly #sendsChecksum: boolean
  readonly #acl: S3Options['acl']
  #takesConditions = true

  constructor(options: S3Options) {
    this.#timeouts = options.timeouts ?? defaultTimeouts
    this.#clients = new S3Clients(options, this.#timeouts.connectionMs)
    this.#log = options.log
    this.#clock = options.clock ?? systemClock
    this.#endpoint = options.endpoint
    const checksum = options.checksum ?? 'auto'
    this.#sendsChecksum = checksum === 'crc32' || (checksum === 'auto' && options.endpoint === undefined)
    this.#acl = options.acl
  }

  async put(object: ObjectToPut, signal: AbortSignal): Promise<number> {
    const length = bodyLength(object.body)
    const checksum = this.#sendsChecksum ? await crc32Of(object.body) : undefined
    for (let attempt = 1; ; attempt += 1) {
      const failure = await this.#tryPut(object, length, checksum, signal)
      if (failure === undefined) return length
      if (!failure.passing || attempt === TRIES || signal.aborted) throw failure.error
      await this.#clock.sleep(backoffMs(backoff, attempt, Math.random()), signal)
    }
  }

  async check(bucket: string, signal: AbortSignal, roleArn?: string): Promise<void> {
    const target = this.#target({ bucket, ...(roleArn === undefined ? {} : { roleArn }) })
    try {
      const client = await this.#clients.under(roleArn, signal)
      await client.send(new HeadBucketCommand({ Bucket: bucket }), this.#limits(0, signal))
    } catch (error) {
      throw this.#classify(error, `reach bucket ${bucket}`, target, signal).error
    }
  }

  close(): void {
    this.#clients.close()
  }

  /** Undefined when the object is there. Throws a collision. */
  async #tryPut(
    object: ObjectToPut,
    length: number,
    checksum: string | undefined,
    signal: AbortSignal,
  ): Promise<ClassifiedFailure | undefined> {
    const doing = `put s3://${object.bucket}/${object.key}`
    const target = this.#target(object)
    const conditional = this.#takesConditions
    try {
      await this.#send(object, { length, checksum, conditional }, signal)
      return undefined
    } catch (error) {
      if (error instanceof DestinationError) return this.#classify(error, doing, target, signal)
      if (conditional && s3ErrorIs(error, 'PreconditionFailed', 412))
        return await this.#recognize(object, signal)
      if (conditional && s3ErrorIs(error, 'NotImplemented', 501))
        return await this.#putWithoutCondition(object, { length, checksum }, signal)
      return this.#classify(error, doing, target, signal)
    }
  }

  /** The 501 may have had another reason, so the store is remembered only when the same put is taken without the header. */
  async #putWithoutCondition(
    object: ObjectToPut,
    body: { length: number; checksum: string | undefined },
    signal: AbortSignal,
  ): Promise<ClassifiedFailure | undefined> {
    const target = this.#target(object)
    try {
      await this.#send(object, { ...body, conditional: false }, signal)
    } catch (error) {
      return this.#classify(error, `put s3://${object.bucket}/${object.key}`, target, signal)
    }
    if (this.#takesConditions) {
      this.#takesConditions = false
      this.#log.warn(
        { endpoint: this.#endpoint },
        'object store rejected If-None-Match and is served without',
      )
    }
    return undefined
  }

  async #send(
    object: ObjectToPut,
    how: { length: number; checksum: string | undefined; conditional: boolean },
    signal: AbortSignal,
  ): Promise<void> {
    const client = await this.#clients.under(object.roleArn, signal)
    const body = await openBody(object.body)
    const limits = this.#limits(how.length, signal)
    try {
      const command = new PutObjectCommand({
        Bucket: object.bucket,
        Key: object.key,
        Body: body.content,
        ContentLength: how.length,
        ContentType: object.contentType,
        Metadata: { ...object.metadata },
        ...(object.contentEncoding === undefined ? {} : { ContentEncoding: object.contentEncoding }),
        ...(object.kmsKeyArn === undefined
          ? {}
          : { ServerSideEncryption: 'aws:kms', SSEKMSKeyId: object.kmsKeyArn }),
        ...(this.#acl === undefined ? {} : { ACL: this.#acl }),
        ...(how.checksum === undefined ? {} : { ChecksumCRC32: how.checksum }),
        ...(how.conditional ? { IfNoneMatch: '*' } : {}),
      })
      const abortSignal = AbortSignal.any([limits.abortSignal, body.failed])
      await client.send(command, { ...limits, abortSignal })
    } catch (error) {
      throw body.failed.aborted ? body.failed.reason : error
    } finally {
      await body.close()
    }
  }

  /** After a 412: this object, put before, or another under its key. */
  async #recognize(object: ObjectToPut, signal: AbortSignal): Promise<ClassifiedFailure | undefined> {
    const { bucket, key } = object
    let found: Record<string, string>
    try {
      const client = await this.#clients.under(object.roleArn, signal)
      const command = new HeadObjectCommand({ Bucket: bucket, Key: key })
      found = (await client.send(command, this.#limits(0, signal))).Metadata ?? {}
    } catch (error) {
      const doing = `recognize s3://${bucket}/${key}, which is there already`
      if (s3ErrorIs(error, 'NoSuchKey', 404)) return goneAgain(doing, error)
      return this.#classify(error, doing, this.#target(object), signal)
    }
    if (isSameContent(object.metadata, found)) return undefined
    throw new DestinationError(`put s3://${bucket}/${key}: its key holds another object`, {
      code: 'Collision',
      retryable: false,
      hint: 'compare its x-amz-meta- headers with the batch; once the other object is moved away the batch can be delivered',
    })
  }

  #classify(error: unknown, doing: string, target: S3Target, signal: AbortSignal): ClassifiedFailure {
    if (!signal.aborted) {
      const failure = classifyS3Error(error, doing, target)
      if (sessionRefused.has(failure.error.code)) this.#clients.forget(target.roleArn)
      return failure
    }
    const aborted = new DestinationError(`${doing}: given up before an answer came`, {
      cause: error,
      code: 'Aborted',
      retryable: true,
      hint: 'the attempt ran out of time or the process is stopping; the same object will be put again',
    })
    return { error: aborted, passing: false }
  }

  #target({ bucket, key, kmsKeyArn, roleArn }: Partial<ObjectToPut> & { bucket: string }): S3Target {
    return {
      bucket,
      ...(key === undefined ? {} : { object: key }),
      ...(this.#endpoint === undefined ? {} : { endpoint: this.#endpoint }),
      ...(this.#acl === undefined ? {} : { acl: this.#acl }),
      ...(kmsKeyArn === undefined ? {} : { kmsKeyArn }),
      ...(roleArn === undefined || !this.#clients.assumeRoles ? {} : { roleArn }),
    }
  }

  /** `requestTimeout` ends with the head of the answer; the signal bounds the whole call. */
  #limits(bytes: number, signal: AbortSignal): { requestTimeout: number; abortSignal: AbortSignal } {
    const { requestMs, requestMsPerMib, connectionMs } = this.#timeouts
    const requestTimeout = Math.ceil(requestMs + (bytes / MIB) * requestMsPerMib)
    const whole = AbortSignal.timeout(requestTimeout + connectionMs)
    return { requestTimeout, abortSignal: AbortSignal.any([signal, whole]) }
  }
}

/** Removed between the put and the look at it: put again. */
function goneAgain(doing: string, cause: unknown): ClassifiedFailure {
  const error = new DestinationError(`${doing}: it was removed meanwhile`, {
    cause,
    code: 'Conflict',
    retryable: true,
    hint: 'it passes by itself',
  })
  return { error, passing: true }
}

/** Metadata of ours, all of it, is what identifies an object; a gateway may add some of its own. */
function isSameContent(ours: Readonly<Record<string, string>>, found: Record<string, string>): boolean {
  const entries = Object.entries(ours)
  return entries.length > 0 && entries.every(([name, value]) => found[name.toLowerCase()] === value)
}
