/**
 * Whether the values of partition keys can name objects: by themselves, and in the prefix of an object, which depends on the
 * object's oldest arrival as well.
 */
import type { S3Destination } from '../../domain/delivery-stream.ts'
import { evaluatedPrefix } from '../../domain/evaluated-prefix.ts'
import { formatPart } from '../../domain/java-time/pattern.ts'
import { UTC } from '../../domain/java-time/zone.ts'
import { zonedTime } from '../../domain/java-time/zoned-time.ts'
import { parsePrefix, RANDOM_STRING_LENGTH, WIDEST_MS, type Expression } from '../../domain/prefix.ts'
import type { PartitionKeys, RecordVerdict } from '../../domain/record-metadata.ts'
import { KEY_VALUE_BYTES_MAX } from '../jq/query-program.ts'
import { dotValue, longObjectKey, longPrefix, longValue, nulValue } from './verdicts.ts'

const EVALUATED_LENGTH_MAX = 512
/** S3's limit, in UTF-8. */
const KEY_BYTES_MAX = 1_024
/** `-<yyyy-MM-dd-HH-mm-ss>-<uuid>`, beside the stream's name and version. */
const NAME_BYTES = '--yyyy-MM-dd-HH-mm-ss-'.length + 36
/** `.parquet`; no format has a longer one. */
const EXTENSION_BYTES = 8

export interface KeyValues {
  readonly queryKeys: PartitionKeys
  readonly lambdaKeys: PartitionKeys
}

export interface NamingOptions {
  readonly destination: Pick<S3Destination, 'prefix' | 'timeZone' | 'fileExtension'>
  /** Of the delivery stream. */
  readonly stream: string
  readonly version: number
}

/** Of a value that is there. */
export function valueProblem(value: string): RecordVerdict | undefined {
  if (Buffer.byteLength(value) > KEY_VALUE_BYTES_MAX) return longValue
  if (value.includes('\0')) return nulValue
  return value.split('/').some(isDots) ? dotValue : undefined
}

const isDots = (name: string): boolean => name === '.' || name === '..'

export class PrefixRules {
  /** Names of the keys in the prefix, each once, in order. */
  readonly queryKeys: readonly string[]
  readonly lambdaKeys: readonly string[]
  readonly #expressions: readonly Expression[]
  readonly #timeZone: string
  readonly #nameBytes: number
  /** Of all but the keys, at the moment when it is longest. */
  readonly #otherBytesMax: number

  constructor({ destination, stream, version }: NamingOptions) {
    const parsed = parsePrefix(destination.prefix)
    if (parsed.kind === 'invalid') throw new Error(`evaluate Prefix ${destination.prefix}: ${parsed.message}`)
    this.#expressions = parsed.expressions
    this.#timeZone = destination.timeZone ?? UTC
    this.queryKeys = keysOf(parsed.expressions, 'query')
    this.lambdaKeys = keysOf(parsed.expressions, 'lambda')
    const extensionBytes = destination.fileExtension?.length ?? EXTENSION_BYTES
    this.#nameBytes = Buffer.byteLength(`${stream}${version}`) + NAME_BYTES + extensionBytes
    this.#otherBytesMax = parsed.expressions.reduce(
      (bytes, expression) => bytes + bytesMax(expression, this.#timeZone),
      0,
    )
  }

  /** Of a value with a slash: what it makes of the text beside it. */
  dotProblem(values: KeyValues): RecordVerdict | undefined {
    const dots = (keys: KeyValues): number =>
      this.#evaluate(this.#expressions, keys, 0).split('/').slice(0, -1).filter(isDots).length
    return dots(values) > dots(withoutSlashes(values)) ? dotValue : undefined
  }

  /** Of an object. */
  problem(values: KeyValues, oldestArrivalMs: number): RecordVerdict | undefined {
    if (this.#valueBytes(values) + this.#otherBytesMax <= EVALUATED_LENGTH_MAX - this.#slack) return undefined
    const prefix = this.#evaluate(this.#expressions, values, oldestArrivalMs)
    if (prefix.length > EVALUATED_LENGTH_MAX) return longPrefix
    return Buffer.byteLength(prefix) + this.#nameBytes > KEY_BYTES_MAX ? longObjectKey : undefined
  }

  /** A name can be so long that a prefix within its limit is not enough. */
  get #slack(): number {
    return Math.max(0, EVALUATED_LENGTH_MAX + this.#nameBytes - KEY_BYTES_MAX)
  }

  #valueBytes(values: KeyValues): number {
    let bytes = 0
    for (const expression of this.#expressions) {
      if (expression.kind !== 'partition-key') continue
      const keys = expression.source === 'query' ? values.queryKeys : values.lambdaKeys
      bytes += Buffer.byteLength(keys[expression.key] ?? '')
    }
    return bytes
  }

  #evaluate(expressions: readonly Expression[], values: KeyValues, epochMs: number): string {
    return evaluatedPrefix(expressions, {
      time: zonedTime(epochMs, this.#timeZone),
      randomString: () => '0'.repeat(RANDOM_STRING_LENGTH),
      ...values,
    })
  }
}

/** Of an expression but a key, at whatever moment each of its fields is longest. */
function bytesMax(expression: Expression, timeZone: string): number {
  if (expression.kind === 'text') return Buffer.byteLength(expression.text)
  if (expression.kind !== 'timestamp') return expression.kind === 'random-string' ? RANDOM_STRING_LENGTH : 0
  const moments = WIDEST_MS.map((epochMs) => zonedTime(epochMs, timeZone))
  return expression.pattern.reduce(
    (bytes, part) =>
      bytes + Math.max(...moments.map((moment) => Buffer.byteLength(formatPart(part, moment) ?? ''))),
    0,
  )
}

function keysOf(expressions: readonly Expression[], source: 'query' | 'lambda'): readonly string[] {
  const keys = new Set<string>()
  for (const expression of expressions)
    if (expression.kind === 'partition-key' && expression.source === source) keys.add(expression.key)
  return [...keys]
}

function withoutSlashes({ queryKeys, lambdaKeys }: KeyValues): KeyValues {
  const plain = (keys: PartitionKeys): PartitionKeys =>
    Object.fromEntries(Object.entries(keys).map(([key, value]) => [key, value.replaceAll('/', '_')]))
  return { queryKeys: plain(queryKeys), lambdaKeys: plain(lambdaKeys) }
}
