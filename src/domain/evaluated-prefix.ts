/**
 * What a prefix evaluates to for one object: a pure function, so that what is checked before an object is written and
 * what names it are the same (docs.aws.amazon.com/firehose/latest/dev/s3-prefixes.html).
 */
import { unreachable } from './errors.ts'
import { formatPattern, type Pattern } from './java-time/pattern.ts'
import type { ZonedTime } from './java-time/zoned-time.ts'
import type { Expression } from './prefix.ts'
import type { ErrorType, PartitionKeys } from './record-metadata.ts'

export interface PrefixValues {
  /** Of all timestamps in one prefix. */
  readonly time: ZonedTime
  /** Of random string `index`, counted from 0 within the prefix. */
  readonly randomString: (index: number) => string
  /** In an error prefix, and only there. */
  readonly errorType?: ErrorType
  /** With dynamic partitioning: a value for each key that the prefix names. */
  readonly queryKeys?: PartitionKeys
  readonly lambdaKeys?: PartitionKeys
}

export function evaluatedPrefix(expressions: readonly Expression[], values: PrefixValues): string {
  let prefix = ''
  let randomStrings = 0
  for (const expression of expressions) {
    switch (expression.kind) {
      case 'text':
        prefix += expression.text
        break
      case 'timestamp':
        prefix += formattedTime(expression.pattern, values.time)
        break
      case 'random-string':
        prefix += values.randomString(randomStrings)
        randomStrings += 1
        break
      case 'error-output-type':
        if (values.errorType === undefined)
          throw new Error('evaluate prefix: error-output-type in a prefix that is not for errors')
        prefix += values.errorType
        break
      case 'partition-key':
        prefix += keyOf(expression, values)
        break
      default:
        return unreachable(expression)
    }
  }
  return prefix
}

/** A pattern that was checked when it was configured, at a moment. */
export function formattedTime(pattern: Pattern, time: ZonedTime): string {
  const text = formatPattern(pattern, time)
  if (text === undefined) throw new Error('evaluate prefix: a field is wider than its padding')
  return text
}

function keyOf(
  { source, key }: Extract<Expression, { kind: 'partition-key' }>,
  { queryKeys, lambdaKeys }: PrefixValues,
): string {
  const keys = source === 'query' ? queryKeys : lambdaKeys
  const value = keys !== undefined && Object.hasOwn(keys, key) ? keys[key] : undefined
  if (value === undefined) throw new Error(`evaluate prefix: partition key ${key} has no value`)
  return value
}
