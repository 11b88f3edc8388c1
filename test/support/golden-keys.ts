/**
 * The keys that every whole prefix makes, one a line: data, backup, errors of both kinds. `test/fixtures/object-keys.txt` holds
 * them, so that a name that changes is seen: stored batches would be delivered twice. Run with `--print` for a new one.
 */
import { errorObjectKey, objectKey } from '../../src/deliver/object-key.ts'
import { PREFIX_CASES } from './whole-prefixes.ts'

const identity = { batchId: '7-00000000deadbeef', sourceDigest: 'ab'.repeat(32), partition: '', part: 0 }

export function goldenKeys(): string[] {
  return PREFIX_CASES.flatMap(({ prefix, errorOutputPrefix, timeZone, instant }) => {
    const input = {
      prefix,
      stream: 's',
      version: 1,
      oldestArrivalMs: Date.parse(instant),
      identity,
      ...(timeZone === '' ? {} : { timeZone }),
    }
    return [
      objectKey({ ...input, extension: '.parquet' }),
      objectKey({ ...input, extension: '.gz', kind: 'backup' }),
      errorObjectKey({ ...input, errorOutputPrefix, errorType: 'format-conversion-failed' }),
      errorObjectKey({ ...input, errorOutputPrefix, errorType: 'processing-failed' }),
    ]
  })
}

if (process.argv.includes('--print')) process.stdout.write(`${goldenKeys().join('\n')}\n`)
