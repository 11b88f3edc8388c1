/**
 * What a template leaves open stands in texts as a marked name until they are written: as `${NAME}`, which a
 * configuration takes from the environment, or as a value that could stand there, for a check of the rest.
 */
import type { JsonObject, JsonValue } from '../domain/delivery-stream.ts'

/** Of the private use area: no character of anybody's. */
const MARK = '\uE000'
const marked = /\uE000([A-Za-z_]\w*)\uE000/g

export interface Placeholder {
  /** Of the environment variable. */
  readonly name: string
  /** What it is, in the words of the template. */
  readonly origin: string
  /** A value that could be its; left out, one that fits the member. */
  readonly sample?: string | undefined
}

export class Placeholders {
  readonly #known = new Map<string, Placeholder>()

  /** The text that stands for it. One name is one placeholder. */
  mark(words: string, origin: string, sample?: string): string {
    const name = variableName(words)
    if (!this.#known.has(name)) this.#known.set(name, { name, origin, sample })
    return `${MARK}${name}${MARK}`
  }

  /** In order of their first use. */
  in(value: JsonValue): Placeholder[] {
    const found = new Map<string, Placeholder>()
    mapTexts(value, (text) => {
      for (const [, name = ''] of text.matchAll(marked)) {
        const placeholder = this.#known.get(name)
        if (placeholder !== undefined) found.set(name, placeholder)
      }
      return text
    })
    return [...found.values()]
  }

  /** As a configuration file has it. */
  written(declaration: JsonObject): JsonObject {
    return mapTexts(declaration, (text) => {
      const parts = text.split(marked)
      return parts
        .map((part, index) => {
          if (index % 2 === 1) return `\${${part}}`
          const literal = part.replaceAll('${', () => '$${')
          // A "$" before "${NAME}" would make it literal.
          const isBeforeName = index < parts.length - 1 && literal.endsWith('$')
          return isBeforeName ? `${literal.slice(0, -1)}\${DOLLAR:-$}` : literal
        })
        .join('')
    }) as JsonObject
  }

  /** With values that could stand there, numbers and booleans where such are wanted. */
  sampled(declaration: JsonObject): JsonObject {
    return mapTexts(declaration, (text, member) => {
      const [before, name, after] = text.split(marked)
      if (before === '' && after === '' && name !== undefined)
        return this.#known.get(name)?.sample ?? sampleOf(member)
      return text.replaceAll(marked, (_, inside: string) => this.#known.get(inside)?.sample ?? 'sample')
    }) as JsonObject
  }
}

/** A text of somebody else's, which holds no placeholder of ours. */
export function withoutMarks(text: string): string {
  return text.replaceAll(MARK, '')
}

export function hasPlaceholder(text: string): boolean {
  return text.includes(MARK)
}

/** Values that could stand where nothing is known, by member; each of these has a form of its own. */
const samples: Readonly<Record<string, JsonValue>> = {
  BucketARN: 'arn:aws:s3:::sample',
  AWSKMSKeyARN: 'arn:aws:kms:us-east-1:000000000000:key/sample',
  KeyARN: 'arn:aws:kms:us-east-1:000000000000:key/sample',
  KinesisStreamARN: 'arn:aws:kinesis:us-east-1:000000000000:stream/sample',
  CompressionFormat: 'UNCOMPRESSED',
  S3BackupMode: 'Disabled',
  Compression: 'SNAPPY',
  CustomTimeZone: 'UTC',
  FileExtension: '.sample',
  Enabled: true,
  SizeInMBs: 64,
  IntervalInSeconds: 60,
  DurationInSeconds: 60,
}

/** Of a processor's parameters, whose values are all texts. What the keys of a query are, `.` does not tell. */
const parameterSamples: Readonly<Record<string, string>> = {
  LambdaArn: 'arn:aws:lambda:us-east-1:000000000000:function:sample',
  RoleArn: 'arn:aws:iam::000000000000:role/sample',
  NumberOfRetries: '3',
  BufferSizeInMBs: '1',
  BufferIntervalInSeconds: '60',
  MetadataExtractionQuery: '.',
  JsonParsingEngine: 'JQ-1.6',
  SubRecordType: 'JSON',
  Delimiter: 'Cg==',
  CompressionFormat: 'GZIP',
  DataMessageExtraction: 'true',
}

function sampleOf(member: string): JsonValue {
  const [, parameter] = /^ParameterValue of (.*)$/.exec(member) ?? []
  return (parameter === undefined ? samples[member] : parameterSamples[parameter]) ?? 'sample'
}

/** `DeliveryBucket name` is `DELIVERY_BUCKET_NAME`. */
function variableName(words: string): string {
  const snake = words
    .replaceAll(/([a-z\d])([A-Z])|([A-Z])([A-Z][a-z])/g, '$1$3_$2$4')
    .replaceAll(/[^A-Za-z\d]+/g, '_')
    .replaceAll(/^_+|_+$/g, '')
    .toUpperCase()
  return /^[A-Z]/.test(snake) ? snake : `VALUE_${snake}`
}

/** The value with each of its texts replaced; `member` is the name under which a text stands. */
function mapTexts(
  value: JsonValue,
  map: (text: string, member: string) => JsonValue,
  member = '',
): JsonValue {
  if (typeof value === 'string') return map(value, member)
  if (Array.isArray(value)) return value.map((entry: JsonValue) => mapTexts(entry, map, member))
  if (typeof value !== 'object' || value === null) return value
  const members = value as JsonObject
  const { ParameterName: parameter } = members
  return Object.fromEntries(
    Object.entries(members).map(([name, inner]) => {
      const isParameter = name === 'ParameterValue' && typeof parameter === 'string'
      return [name, mapTexts(inner, map, isParameter ? `${name} of ${parameter}` : name)]
    }),
  )
}
