/** Decompression and CloudWatchLogProcessing: subscriptions become JSON or messages to the byte; nothing else does, whatever it is. */
import { randomBytes } from 'node:crypto'
import { constants, deflateRawSync, deflateSync, gzipSync } from 'node:zlib'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Metrics } from '../../src/account/metrics.ts'
import type { Frame } from '../../src/domain/frame.ts'
import { KIB, MIB } from '../../src/domain/limits.ts'
import { decompress, NOT_LOGS, TOO_LARGE, TOO_MUCH } from '../../src/process/decompress.ts'
import {
  EXCESS_BYTES_MAX,
  Inflation,
  INFLATED_BYTES_MAX,
  INFLATED_TIMES_MAX,
} from '../../src/process/inflate.ts'
import { Tally } from '../../src/process/tally.ts'
import { frameOf } from '../conformance/store/fixture.ts'
import { kinesisFrame } from '../support/kinesis-frames.ts'
import { each, framesOf, recordsIn, type RecordIn } from '../support/records-in.ts'

const never = new AbortController().signal

function subscription(messages: readonly string[], messageType = 'DATA_MESSAGE'): string {
  return JSON.stringify({
    messageType,
    owner: '123456789012',
    logGroup: 'group',
    logStream: 'stream',
    subscriptionFilters: ['all'],
    logEvents: messages.map((message, id) => ({
      id: String(id),
      timestamp: 1_790_000_000_000 + id,
      message,
    })),
  })
}

interface Options {
  readonly messagesOnly?: boolean
  readonly inflation?: Inflation
  readonly tally?: Tally
}

function decompressed(frames: readonly Frame[], options: Options = {}): AsyncIterable<Frame> {
  const { messagesOnly = false, inflation = new Inflation(), tally = new Tally() } = options
  return decompress(each(frames), { messagesOnly, inflation, tally, signal: never })
}

async function one(record: Uint8Array, messagesOnly = false): Promise<RecordIn> {
  const [made, ...more] = await recordsIn(decompressed([frameOf([record])], { messagesOnly }))
  if (made === undefined || more.length > 0) throw new Error('one record was to be made')
  return made
}

const messagesOf = async (text: string | Uint8Array): Promise<string> => {
  const made = await one(gzipSync(text), true)
  expect(made.verdict).toBeUndefined()
  return Buffer.from(made.data, 'latin1').toString()
}

async function expectFailed(record: Uint8Array, verdict = NOT_LOGS): Promise<void> {
  for (const messagesOnly of [false, true]) {
    const made = await one(record, messagesOnly)
    expect(made.verdict).toEqual(verdict)
    expect(Buffer.from(made.data, 'latin1').equals(record)).toBe(true)
  }
}

describe('what is a subscription', () => {
  test('without extraction a record becomes its JSON, byte for byte', async () => {
    for (const text of [
      subscription(['a', 'b\n']),
      `\n ${subscription([])}\r\n`,
      subscription(['x'], 'CONTROL_MESSAGE'),
    ]) {
      const made = await one(gzipSync(text))
      expect(made).toEqual({ data: Buffer.from(text).toString('latin1'), origin: 0 })
    }
  })

  test('with extraction it becomes its messages, each with a newline', async () => {
    expect(await messagesOf(subscription(['first', '{"a":"é\\n"}', '', 'last\n']))).toBe(
      'first\n{"a":"é\\n"}\n\nlast\n\n',
    )
  })

  test('a control message becomes an empty record, and so does one without log events', async () => {
    const control = subscription(
      ['CWL CONTROL MESSAGE: Checking health of destination Firehose.'],
      'CONTROL_MESSAGE',
    )
    expect(await one(gzipSync(control), true)).toEqual({ data: '', origin: 0 })
    expect(await one(gzipSync(subscription([])), true)).toEqual({ data: '', origin: 0 })
  })

  test.each([
    ['short escapes', String.raw`\"\\\/\b\f\n\r\t`, '"\\/\b\f\n\r\t'],
    ['code units', String.raw`\u0041\u00e9\u20AC\uD83D\uDE00\u0000`, 'Aé€😀\0'],
    [
      'half surrogate pairs',
      String.raw`\ud83d|\ude00|\ud83d\u0041|\ud83d\ud83d\ude00`,
      '\ufffd|\ufffd|\ufffdA|\ufffd😀',
    ],
    ['a high half at the end', String.raw`a\ud83d`, 'a\ufffd'],
    ['characters as they are', 'é€😀\u007f', 'é€😀\u007f'],
  ])('messages are unescaped: %s', async (_, json, text) => {
    const envelope = `{"messageType":"DATA_MESSAGE","logEvents":[{"message":"${json}"},{"message":"z"}]}`
    expect(await messagesOf(envelope)).toBe(`${text}\nz\n`)
  })

  test('bytes that are not UTF-8 stay what they are', async () => {
    const envelope = Buffer.from(
      '{"messageType":"DATA_MESSAGE","logEvents":[{"message":"\xff\xc0 \\n"}]}',
      'latin1',
    )
    expect((await one(gzipSync(envelope), true)).data).toBe('\xff\xc0 \n\n')
  })

  test('members may stand in any order, with others between them; the last of two counts', async () => {
    expect(
      await messagesOf(
        String.raw`{ "logEvents" : [ { "x":[{"message":"no"}], "message" : "old", "mess\u0061ge" : "new" } ] , "a":{}, "messageType" : "DATA_MESSAGE" }`,
      ),
    ).toBe('new\n')
    expect(
      await messagesOf(
        '{"logEvents":[{"message":"a"}],"messageType":"CONTROL_MESSAGE","logEvents":[{"message":"b"}],"messageType":"DATA_MESSAGE"}',
      ),
    ).toBe('b\n')
  })

  test('several in one record, and gzip members, are one text', async () => {
    const [first, second] = [subscription(['a']), subscription(['b', 'c'])]
    const control = subscription(['no'], 'CONTROL_MESSAGE')
    expect(await messagesOf(`${first}\n${control}${second}`)).toBe('a\nb\nc\n')
    const cut = Buffer.concat([gzipSync(first.slice(0, 9)), gzipSync(first.slice(9)), gzipSync(second)])
    expect((await one(cut, true)).data).toBe('a\nb\nc\n')
    expect((await one(Buffer.concat([cut, Buffer.alloc(20)]), true)).data).toBe('a\nb\nc\n')
  })

  test('any messages come out as JSON says them', async () => {
    const message = fc.oneof(fc.string({ unit: 'binary' }), fc.json(), fc.string({ unit: 'grapheme' }))
    await fc.assert(
      fc.asyncProperty(fc.array(message, { maxLength: 30 }), fc.nat(9), async (messages, level) => {
        const record = gzipSync(subscription(messages), { level })
        const made = await one(record, true)
        expect(Buffer.from(made.data, 'latin1')).toEqual(
          Buffer.from(messages.map((text) => `${text}\n`).join('')),
        )
      }),
    )
  })
})

describe('what is not', () => {
  const good = gzipSync(subscription(['a']))
  test.each([
    ['an empty record', Buffer.alloc(0)],
    ['text', Buffer.from('{"a":1}')],
    ['a subscription that is not compressed', Buffer.from(subscription(['a']))],
    ['gzip of other JSON', gzipSync('{"a":1}')],
    ['gzip of nothing', gzipSync('')],
    ['gzip of white space', gzipSync(' \n')],
    ['gzip of gzip', gzipSync(good)],
    ['zlib', deflateSync(subscription(['a']))],
    ['gzip cut off', good.subarray(0, -1)],
    ['gzip cut off in its header', good.subarray(0, 5)],
    ['a wrong checksum', Buffer.concat([good.subarray(0, -8), Buffer.alloc(4), good.subarray(-4)])],
    ['a newline behind it', Buffer.concat([good, Buffer.from('\n')])],
    ['garbage behind it', Buffer.concat([good, Buffer.from('garbage')])],
    ['another that is cut off', Buffer.concat([good, good.subarray(0, -9)])],
    ['more behind its padding', Buffer.concat([good, Buffer.alloc(3), good])],
    ['random bytes', randomBytes(1000)],
    ['random bytes behind the magic', Buffer.concat([Buffer.from([0x1f, 0x8b, 8, 0]), randomBytes(1000)])],
    ['large random bytes', randomBytes(200_000)],
  ])('%s fails as it came, with the texts of the service', async (_, record) => {
    await expectFailed(record)
  })

  test.each([
    '[]',
    'null',
    '{}',
    '{"messageType":"DATA_MESSAGE"}',
    '{"logEvents":[]}',
    '{"messageType":1,"logEvents":[]}',
    '{"messageType":"DATA_MESSAGE","logEvents":{}}',
    '{"messageType":"DATA_MESSAGE","logEvents":[1]}',
    '{"messageType":"DATA_MESSAGE","logEvents":[{}]}',
    '{"messageType":"DATA_MESSAGE","logEvents":[{"message":1}]}',
    '{"messageType":"DATA_MESSAGE","logEvents":[{"message":"a"},]}',
    '{"messageType":"DATA_MESSAGE","logEvents":[{"message":"a"}',
    '{"messageType":"DATA_MESSAGE","logEvents":[],}',
    '{"messageType":"DATA_MESSAGE" "logEvents":[]}',
    '{"messageType":"DATA_MESSAGE","logEvents":[]}]',
    '{"messageType":"DATA_MESSAGE","logEvents":[]} {"a":1}',
    '\ufeff{"messageType":"DATA_MESSAGE","logEvents":[]}',
    `{"messageType":"DATA_MESSAGE","logEvents":[],"a":${'['.repeat(100_000)}`,
  ])('JSON that is no subscription: %.60s', async (text) => {
    await expectFailed(gzipSync(text))
  })

  test('a message with an escape that JSON does not have fails when it is wanted', async () => {
    for (const bad of [String.raw`\x`, String.raw`\u12`, String.raw`\u12g4`, String.raw`\ud83d\uzzzz`]) {
      const record = gzipSync(`{"messageType":"DATA_MESSAGE","logEvents":[{"message":"${bad}"}]}`)
      expect((await one(record, true)).verdict).toEqual(NOT_LOGS)
    }
  })

  test('whatever the bytes, it fails or is read', async () => {
    const piece = fc.constantFrom(
      '{',
      '}',
      '[',
      ']',
      ',',
      ':',
      '"',
      '\\',
      ' ',
      '"messageType"',
      '"DATA_MESSAGE"',
      '"logEvents"',
      '"message"',
      '"a"',
      '1',
    )
    await fc.assert(
      fc.asyncProperty(fc.array(piece, { maxLength: 25 }), async (pieces) => {
        const made = await one(gzipSync(pieces.join('')), true)
        expect([undefined, NOT_LOGS]).toContainEqual(made.verdict)
      }),
      { numRuns: 500 },
    )
  })
})

describe('bounds', () => {
  const zeros = Buffer.alloc(64 * MIB)

  test('10 GiB of zeros in one record, as members or as one, are given up within the bound', async () => {
    const member = gzipSync(zeros, { level: 9 })
    const flushed = deflateRawSync(zeros, { level: 9, finishFlush: constants.Z_FULL_FLUSH })
    const bombs = [
      Buffer.concat(Array.from({ length: 160 }, () => member)),
      Buffer.concat([gzipSync('').subarray(0, 10), ...Array.from({ length: 160 }, () => flushed)]),
    ]
    const before = process.memoryUsage().rss
    for (const bomb of bombs) {
      const made = await one(bomb, true)
      expect(made.verdict).toEqual(TOO_LARGE)
      expect(made.data).toHaveLength(bomb.length)
    }
    expect(process.memoryUsage().rss - before).toBeLessThan(300 * MIB)
  })

  test('bombs share what a batch may have of them, and never take the room of other records', async () => {
    const bomb = gzipSync(subscription(['x'.repeat(30 * MIB)]))
    const small = gzipSync(subscription(['y'.repeat(100 * KIB)]))
    const usual = gzipSync(
      subscription(Array.from({ length: 2_000 }, (_, n) => `${n} ${n * 7919} was served`)),
    )
    const inflation = new Inflation(EXCESS_BYTES_MAX - 65 * MIB)
    const records = [bomb, usual, bomb, bomb, small, usual]
    const made = await recordsIn(decompressed([frameOf(records)], { inflation }))
    expect(made.map(({ verdict }) => verdict)).toEqual([
      undefined,
      undefined,
      undefined,
      TOO_MUCH,
      undefined,
      undefined,
    ])
    expect(Buffer.from(made[3]?.data ?? '', 'latin1').equals(bomb)).toBe(true)
    const inflated = [0, 2, 4].map((index) => made[index]?.data.length ?? 0)
    const own = INFLATED_TIMES_MAX * (2 * bomb.length + small.length)
    expect(inflation.excessBytes).toBe(EXCESS_BYTES_MAX - 65 * MIB + inflated.reduce((a, b) => a + b) - own)
    const full = new Inflation(EXCESS_BYTES_MAX)
    const after = await recordsIn(decompressed([frameOf([small, usual])], { inflation: full }))
    expect(after.map(({ verdict }) => verdict)).toEqual([TOO_MUCH, undefined])
    const forged = await recordsIn(decompressed([frameOf(['', 'no gzip'])], { inflation: full }))
    expect(forged.map(({ verdict }) => verdict)).toEqual([NOT_LOGS, NOT_LOGS])
  })

  test('a record of the largest size is read, one byte more is not, whatever size it claims', async () => {
    const text = (bytes: number): Buffer => {
      const frame = Buffer.from('{"messageType":"DATA_MESSAGE","logEvents":[{"message":""}]}')
      const message = Buffer.alloc(bytes - frame.length, 'x')
      return Buffer.concat([frame.subarray(0, -4), message, frame.subarray(-4)])
    }
    const largest = await one(gzipSync(text(INFLATED_BYTES_MAX)), true)
    expect(largest.verdict).toBeUndefined()
    expect(largest.data).toHaveLength(INFLATED_BYTES_MAX - 58)
    expect((await one(gzipSync(text(INFLATED_BYTES_MAX + 1)))).verdict).toEqual(TOO_LARGE)
    const liar = gzipSync(text(1 * MIB))
    liar.writeUInt32LE(10, liar.length - 4)
    expect((await one(liar)).verdict).toEqual(NOT_LOGS)
  })

  test('other work of the process gets its turn while many events are read', async () => {
    const events = Array.from({ length: 200_000 }, (_, n) => `event ${n}`)
    const record = gzipSync(subscription(events))
    let turns = 0
    const timer = setInterval(() => (turns += 1), 0)
    const made = await one(record, true)
    clearInterval(timer)
    expect(made.data).toBe(events.map((event) => `${event}\n`).join(''))
    expect(turns).toBeGreaterThan(2)
  })

  test('so it does while a member that is not looked at is read, however long it is', async () => {
    const events = '{"id":"1","message":"a"},'.repeat((5 * MIB) / 25)
    const other = [`"others":[${events}{}]`, `"text":"${'x'.repeat(5 * MIB)}"`].join()
    for (const text of [
      `{${other},"messageType":"DATA_MESSAGE","logEvents":[{"message":"m"}]}`,
      `{"messageType":"DATA_MESSAGE","logEvents":[{${other},"message":"m"}],${other}}`,
    ]) {
      let isRead = false
      let turns = 0
      const counting = (): void => {
        turns += 1
        if (!isRead) setImmediate(counting)
      }
      setImmediate(counting)
      const made = await one(gzipSync(text, { level: 1 }), true)
      isRead = true
      expect(made.data).toBe('m\n')
      expect(turns).toBeGreaterThan(10 * 8 - 2)
    }
  })

  test('a signal that aborts ends it', async () => {
    const abort = new AbortController()
    const frames = decompress(each([frameOf([gzipSync('x')]), frameOf([gzipSync('x')])]), {
      messagesOnly: true,
      inflation: new Inflation(),
      tally: new Tally(),
      signal: abort.signal,
    })
    const reading = frames[Symbol.asyncIterator]()
    await reading.next()
    abort.abort(new Error('deadline'))
    await expect(reading.next()).rejects.toThrow('deadline')
  })
})

test('records keep their places and what is known of them, and those that were decided stay as they are', async () => {
  const good = gzipSync(subscription(['a']))
  const verdict = { errorType: 'processing-failed', code: 'C', message: 'M' } as const
  const known = { sequenceNumber: '49', partitionKey: 'key' }
  const frames = [
    kinesisFrame([
      { data: 'bad', arrivalMs: 5, ...known },
      { data: good, arrivalMs: 6, ...known, subSequenceNumber: 1 },
      { data: good, arrivalMs: 7, ...known, verdict },
    ]),
    frameOf([good, 'bad', good]),
  ]
  const data = 'a\n'
  const shardId = 'shardId-000000000003'
  const plain = { arrivalMs: 1_790_000_000_000, sequenceNumber: '', partitionKey: '', shardId: '' }
  expect(await recordsIn(decompressed(frames, { messagesOnly: true }))).toEqual([
    { data: 'bad', arrivalMs: 5, ...known, verdict: NOT_LOGS, shardId, origin: 0 },
    { data, arrivalMs: 6, ...known, subSequenceNumber: 1, shardId, origin: 1 },
    { data: good.toString('latin1'), arrivalMs: 7, ...known, verdict, shardId, origin: 2 },
    { data, ...plain, origin: 3 },
    { data: 'bad', ...plain, verdict: NOT_LOGS, origin: 4 },
    { data, ...plain, origin: 5 },
  ])
  const [first] = await framesOf(decompressed([frameOf([good])]))
  expect(first?.header.metadataBytes).toBe(0)
})

test('what was decompressed and what was not is counted', async () => {
  const tally = new Tally()
  const metrics = new Metrics()
  const text = subscription(['a'])
  await framesOf(decompressed([frameOf([gzipSync(text), 'bad', gzipSync(text), gzipSync('{}')])], { tally }))
  tally.count(metrics, 'orders')
  const ok = { delivery_stream: 'orders', result: 'ok' }
  const failed = { delivery_stream: 'orders', result: 'failed' }
  expect(await metrics.value('hydrant_decompressed_records_total', ok)).toBe(2)
  expect(await metrics.value('hydrant_decompressed_bytes_total', ok)).toBe(2 * text.length)
  expect(await metrics.value('hydrant_decompressed_records_total', failed)).toBe(2)
  expect(await metrics.value('hydrant_decompressed_bytes_total', failed)).toBe(3 + gzipSync('{}').length)
})
