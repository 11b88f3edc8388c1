/** What a conversion says about reading records, and how it matches keys. */
import type { FormatConversion } from '../domain/delivery-stream.ts'

/** A FormatConversion is one. */
export type ConversionRules = Pick<
  FormatConversion,
  'caseInsensitive' | 'dotsToUnderscores' | 'jsonKeys' | 'hive'
>

/**
 * What a key is matched by, of columns and of struct fields at any depth: under OpenX in lower case and with dots as
 * underscores where the options say so, under Hive in lower case.
 */
export function keyMatcher({
  caseInsensitive,
  dotsToUnderscores,
  hive,
}: ConversionRules): (key: string) => string {
  const folds = caseInsensitive || hive !== undefined
  if (hive !== undefined || dotsToUnderscores !== true)
    return folds ? (key) => key.toLowerCase() : (key) => key
  return folds ? (key) => key.toLowerCase().replaceAll('.', '_') : (key) => key.replaceAll('.', '_')
}

/** Keys of maps and in the text of objects are data: only OpenX's CaseInsensitive changes them. */
export function foldsData({ caseInsensitive, hive }: ConversionRules): boolean {
  return caseInsensitive && hive === undefined
}

/** The JSON key of a column. */
export function jsonKey(column: string, { jsonKeys, hive }: ConversionRules): string {
  if (hive !== undefined || jsonKeys === undefined || !Object.hasOwn(jsonKeys, column)) return column
  return jsonKeys[column] ?? column
}
