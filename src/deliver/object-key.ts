/**
 * Names of objects: `<evaluated prefix><stream>-<version>-<yyyy-MM-dd-HH-mm-ss>-<uuid><extension>`
 * (docs.aws.amazon.com/firehose/latest/dev/s3-object-name.html). Firehose draws the uuid and the random strings; here they
 * are a hash of what the object holds, so that a key is a pure function and a repeated delivery names the same objects.
 *
 * Times are UTC, of the oldest record in the batch. A prefix with any expression gets no default time part; one without
 * gets `yyyy/MM/dd/HH/`, and nothing is put between a prefix and what follows it.
 */
import { derivedUuid } from '../domain/derived-uuid.ts'
import { unreachable } from '../domain/errors.ts'
import {
  hasExpressions,
  parsePattern,
  parsePrefix,
  RANDOM_STRING_LENGTH,
  type Expression,
  type PatternPart,
  type PrefixMember,
} from '../domain/prefix.ts'
import type { ErrorType } from '../domain/record-metadata.ts'

/** What an object holds. Two objects with equal identity hold the same rows. */
export interface ObjectIdentity {
  readonly batchId: string
  /** Hash over the frames of the sealed batch, hexadecimal. */
  readonly sourceDigest: string
  /** The values of the partition keys; empty without dynamic partitioning. */
  readonly partition: string
  /** Counts from 0 within a partition. */
  readonly part: number
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
  const time = hasExpressions(prefix) ? '' : defaultTimePart(input.oldestArrivalMs)
  return evaluate(prefix, input, kind) + time + objectName(input, kind) + extension
}

/**
 * The key of an object of error records; it has no extension. An error prefix with expressions is taken as it evaluates.
 * Without one the default is `<prefix><type>/yyyy/MM/dd/HH/`. An error prefix without expressions takes the place of the
 * prefix in that default: AWS documents no result for it, and this keeps types and hours apart.
 */
export function errorObjectKey(input: ErrorObjectKeyInput): string {
  const { prefix, errorOutputPrefix, errorType, oldestArrivalMs } = input
  const name = objectName(input, errorType)
  const errors = parsed(errorOutputPrefix, 'ErrorOutputPrefix')
  if (hasExpressions(errors)) return evaluate(errors, input, errorType) + name
  const base =
    errorOutputPrefix === '' ? evaluate(parsed(prefix, 'Prefix'), input, errorType) : errorOutputPrefix
  return `${base}${errorType}/${defaultTimePart(oldestArrivalMs)}${name}`
}

function parsed(prefix: string, member: PrefixMember): readonly Expression[] {
  const result = parsePrefix(prefix, member)
  if (result.kind === 'invalid') throw new Error(`evaluate ${member} ${prefix}: ${result.message}`)
  return result.expressions
}

type Kind = 'data' | 'backup' | ErrorType

function objectName({ stream, version, oldestArrivalMs, identity }: KeyInput, kind: Kind): string {
  const time = formatTime(namePattern, oldestArrivalMs)
  return `${stream}-${version}-${time}-${drawn(identity, kind, 'name')}`
}

function evaluate(expressions: readonly Expression[], input: KeyInput, kind: Kind): string {
  let key = ''
  let randomStrings = 0
  for (const expression of expressions) {
    switch (expression.kind) {
      case 'text':
        key += expression.text
        break
      case 'timestamp':
        key += formatTime(expression.pattern, input.oldestArrivalMs)
        break
      case 'random-string':
        key += drawn(input.identity, kind, `random-string ${randomStrings}`).slice(0, RANDOM_STRING_LENGTH)
        randomStrings += 1
        break
      case 'error-output-type':
        if (kind === 'data' || kind === 'backup')
          throw new Error(`evaluate prefix: error-output-type in the prefix of ${kind}`)
        key += kind
        break
      case 'partition-key':
        throw new Error(`evaluate prefix: partition key ${expression.key} without dynamic partitioning`)
    }
  }
  return key
}

/** What Firehose draws, for a use of its own. */
function drawn({ batchId, sourceDigest, partition, part }: ObjectIdentity, kind: Kind, use: string): string {
  return derivedUuid([use, kind, batchId, sourceDigest, partition, part])
}

function defaultTimePart(instantMs: number): string {
  return formatTime(timePartPattern, instantMs)
}

const namePattern = pattern('yyyy-MM-dd-HH-mm-ss')
const timePartPattern = pattern('yyyy/MM/dd/HH/')

function pattern(text: string): readonly PatternPart[] {
  const parts = parsePattern(text)
  if (parts === undefined) throw new Error(`parse pattern ${text}: refused`)
  return parts
}

const MONTHS = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
] as const
const DAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'] as const
const DAY_MS = 86_400_000

/** The instant in UTC as java.time's DateTimeFormatter writes it (English text). @param instantMs epoch ms */
export function formatTime(parts: readonly PatternPart[], instantMs: number): string {
  const instant = new Date(instantMs)
  return parts
    .map((part) => (part.letter === undefined ? part.literal : formatField(part.letter, part.count, instant)))
    .join('')
}

function formatField(letter: NonNullable<PatternPart['letter']>, count: number, instant: Date): string {
  const hour = instant.getUTCHours()
  switch (letter) {
    case 'y':
    case 'u':
      return count === 2 ? padded(instant.getUTCFullYear() % 100, 2) : padded(instant.getUTCFullYear(), count)
    case 'M':
      return count < 3
        ? padded(instant.getUTCMonth() + 1, count)
        : named(MONTHS[instant.getUTCMonth()], count)
    case 'd':
      return padded(instant.getUTCDate(), count)
    case 'D':
      return padded(dayOfYear(instant), count)
    case 'E':
      return named(DAYS[instant.getUTCDay()], Math.max(count, 3))
    case 'a':
      return hour < 12 ? 'AM' : 'PM'
    case 'H':
      return padded(hour, count)
    case 'k':
      return padded(hour === 0 ? 24 : hour, count)
    case 'K':
      return padded(hour % 12, count)
    case 'h':
      return padded(hour % 12 === 0 ? 12 : hour % 12, count)
    case 'm':
      return padded(instant.getUTCMinutes(), count)
    case 's':
      return padded(instant.getUTCSeconds(), count)
    case 'S':
      return padded(instant.getUTCMilliseconds(), 3).padEnd(9, '0').slice(0, count)
    default:
      return unreachable(letter)
  }
}

function padded(value: number, digits: number): string {
  return String(value).padStart(digits, '0')
}

/** Three letters are short text, four the whole name, five its first letter. */
function named(name: string | undefined, count: number): string {
  if (name === undefined) throw new Error('format time: not a time')
  return count === 3 ? name.slice(0, 3) : count === 4 ? name : name.slice(0, 1)
}

function dayOfYear(instant: Date): number {
  const year = Date.UTC(instant.getUTCFullYear(), 0, 1)
  return Math.floor((instant.getTime() - year) / DAY_MS) + 1
}
