/**
 * Names of objects: `<evaluated prefix><stream>-<version>-<yyyy-MM-dd-HH-mm-ss>-<uuid><extension>`
 * (docs.aws.amazon.com/firehose/latest/dev/s3-object-name.html). Firehose draws the uuid and the random strings; here they
 * are a hash of what the object holds, so that a key is a pure function and a repeated delivery names the same objects.
 *
 * Times are those of the oldest record in the batch, with dynamic partitioning in the object: one moment, in one time zone.
 * A prefix with any expression gets no default time part; one without gets `yyyy/MM/dd/HH/`, and nothing is put between a
 * prefix and what follows it.
 */
import { derivedUuid } from '../domain/derived-uuid.ts'
import { evaluatedPrefix, formattedTime } from '../domain/evaluated-prefix.ts'
import { parsePattern, type Pattern } from '../domain/java-time/pattern.ts'
import { UTC } from '../domain/java-time/zone.ts'
import { zonedTime, type ZonedTime } from '../domain/java-time/zoned-time.ts'
import {
  hasExpressions,
  parsePrefix,
  RANDOM_STRING_LENGTH,
  type Expression,
  type PrefixMember,
} from '../domain/prefix.ts'
import type { ErrorType, PartitionKeys } from '../domain/record-metadata.ts'

/** What an object holds. Two objects of one prefix and time with equal identity hold the same rows. */
export interface ObjectIdentity {
  readonly batchId: string
  /** Hash over the frames of the sealed batch, hexadecimal. */
  readonly sourceDigest: string
  /** Names and values of the partition keys; empty without dynamic partitioning. */
  readonly partition: string
  /** Counts from 0 within a partition. */
  readonly part: number
  /** Which piece of the batch, where that was landed in several; absent: the first. */
  readonly piece?: number
}

interface KeyInput {
  /** As the destination has it, checked when it was configured. */
  readonly prefix: string
  /** Name of the delivery stream. */
  readonly stream: string
  readonly version: number
  /** Wall clock, epoch ms. */
  readonly oldestArrivalMs: number
  readonly identity: ObjectIdentity
  /** IANA name of the zone in which times are written (CustomTimeZone); absent: UTC. */
  readonly timeZone?: string
}

export interface ObjectKeyInput extends KeyInput {
  /** With its dot, or empty. */
  readonly extension: string
  /** `backup`: an object of records as they came (S3BackupMode), `prefix` being that of the backup's place. Absent: `data`. */
  readonly kind?: 'data' | 'backup'
  /** With dynamic partitioning: a value for each key that `prefix` names. */
  readonly queryKeys?: PartitionKeys
  readonly lambdaKeys?: PartitionKeys
}

export interface ErrorObjectKeyInput extends KeyInput {
  /** Empty: the default, made of `prefix`. */
  readonly errorOutputPrefix: string
  /** Names the folder of a kind of failure, `!{firehose:error-output-type}`. */
  readonly errorType: ErrorType
}

/** The key of a data object, or of an object of the backup. */
export function objectKey(input: ObjectKeyInput): string {
  const { kind = 'data', extension } = input
  const prefix = parsed(input.prefix, 'Prefix')
  const time = timeOf(input)
  const timePart = hasExpressions(prefix) ? '' : formattedTime(timePartPattern, time)
  return evaluate(prefix, input, time, kind) + timePart + objectName(input, time, kind) + extension
}

/**
 * The key of an object of error records; it has no extension. An error prefix with expressions is taken as it evaluates.
 * Without one the default is `<prefix><type>/yyyy/MM/dd/HH/`. An error prefix without expressions takes the place of the
 * prefix in that default: AWS documents no result for it, and this keeps types and hours apart.
 */
export function errorObjectKey(input: ErrorObjectKeyInput): string {
  const { prefix, errorOutputPrefix, errorType } = input
  const time = timeOf(input)
  const name = objectName(input, time, errorType)
  const errors = parsed(errorOutputPrefix, 'ErrorOutputPrefix')
  if (hasExpressions(errors)) return evaluate(errors, input, time, errorType) + name
  const base = errorOutputPrefix === '' ? parsed(prefix, 'Prefix') : errors
  return `${evaluate(base, input, time, errorType)}${errorType}/${formattedTime(timePartPattern, time)}${name}`
}

function timeOf({ oldestArrivalMs, timeZone = UTC }: KeyInput): ZonedTime {
  return zonedTime(oldestArrivalMs, timeZone)
}

function parsed(prefix: string, member: PrefixMember): readonly Expression[] {
  const result = parsePrefix(prefix, member)
  if (result.kind === 'invalid') throw new Error(`evaluate ${member} ${prefix}: ${result.message}`)
  return result.expressions
}

type Kind = 'data' | 'backup' | ErrorType

function objectName({ stream, version, identity }: KeyInput, time: ZonedTime, kind: Kind): string {
  return `${stream}-${version}-${formattedTime(namePattern, time)}-${drawn(identity, kind, 'name')}`
}

function evaluate(
  expressions: readonly Expression[],
  { identity, queryKeys, lambdaKeys }: KeyInput & Pick<ObjectKeyInput, 'queryKeys' | 'lambdaKeys'>,
  time: ZonedTime,
  kind: Kind,
): string {
  return evaluatedPrefix(expressions, {
    time,
    randomString: (index) => drawn(identity, kind, `random-string ${index}`).slice(0, RANDOM_STRING_LENGTH),
    ...(kind === 'data' || kind === 'backup' ? {} : { errorType: kind }),
    ...(queryKeys && { queryKeys }),
    ...(lambdaKeys && { lambdaKeys }),
  })
}

/** What Firehose draws, for a use of its own. */
function drawn(identity: ObjectIdentity, kind: Kind, use: string): string {
  const { batchId, sourceDigest, partition, part, piece } = identity
  const ofPiece = piece === undefined ? [] : [piece]
  return derivedUuid([use, kind, batchId, sourceDigest, partition, part, ...ofPiece])
}

const namePattern = pattern('yyyy-MM-dd-HH-mm-ss')
const timePartPattern = pattern('yyyy/MM/dd/HH/')

function pattern(text: string): Pattern {
  const parts = parsePattern(text)
  if (parts === undefined) throw new Error(`parse pattern ${text}: refused`)
  return parts
}
