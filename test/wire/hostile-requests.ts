/** Requests as nobody should send them, made of those of every operation. */
import { gzipSync } from 'node:zlib'
import * as fc from 'fast-check'
import { CONVERSION, createInput, ROLE_ARN } from '../support/api-inputs.ts'

/** POST / with these. */
export interface HostileRequest {
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
}

const valid: Readonly<Record<string, unknown>> = {
  PutRecord: { DeliveryStreamName: 'orders', Record: { Data: 'e30=' } },
  PutRecordBatch: { DeliveryStreamName: 'orders', Records: [{ Data: 'e30=' }, { Data: '' }] },
  CreateDeliveryStream: {
    ...createInput('mutant', {
      Prefix: 'a/!{timestamp:yyyy}/',
      ErrorOutputPrefix: 'e/!{firehose:error-output-type}/',
      BufferingHints: { SizeInMBs: 64 },
      DataFormatConversionConfiguration: CONVERSION,
      ProcessingConfiguration: { Processors: [{ Type: 'Lambda' }] },
    }),
    DeliveryStreamEncryptionConfigurationInput: { KeyType: 'AWS_OWNED_CMK' },
    Tags: [{ Key: 'a', Value: 'b' }],
  },
  DescribeDeliveryStream: { DeliveryStreamName: 'orders', Limit: 1 },
  ListDeliveryStreams: { Limit: 1, DeliveryStreamType: 'DirectPut', ExclusiveStartDeliveryStreamName: 'a' },
  DeleteDeliveryStream: { DeliveryStreamName: 'orders', AllowForceDelete: false },
  UpdateDestination: {
    DeliveryStreamName: 'orders',
    CurrentDeliveryStreamVersionId: '1',
    DestinationId: 'destinationId-000000000001',
    ExtendedS3DestinationUpdate: {
      Prefix: 'a/!{timestamp:yyyy}/',
      ErrorOutputPrefix: 'e/!{firehose:error-output-type}/',
      BufferingHints: { SizeInMBs: 64 },
      S3BackupMode: 'Enabled',
      S3BackupUpdate: { RoleARN: ROLE_ARN, BucketARN: 'arn:aws:s3:::attic' },
      DataFormatConversionConfiguration: CONVERSION,
      ProcessingConfiguration: {
        Enabled: false,
        Processors: [{ Type: 'Lambda', Parameters: [{ ParameterName: 'LambdaArn', ParameterValue: 'x' }] }],
      },
      CustomTimeZone: 'Europe/Madrid',
      FileExtension: '.json',
    },
  },
  TagDeliveryStream: { DeliveryStreamName: 'orders', Tags: [{ Key: 'a', Value: 'b' }] },
  UntagDeliveryStream: { DeliveryStreamName: 'orders', TagKeys: ['a'] },
  ListTagsForDeliveryStream: { DeliveryStreamName: 'orders', ExclusiveStartTagKey: 'a', Limit: 1 },
  StartDeliveryStreamEncryption: {
    DeliveryStreamName: 'orders',
    DeliveryStreamEncryptionConfigurationInput: { KeyType: 'AWS_OWNED_CMK' },
  },
  StopDeliveryStreamEncryption: { DeliveryStreamName: 'orders' },
}

const validRequest = fc.constantFrom(...Object.entries(valid))

type Path = readonly string[]

/** Every place of a JSON value. */
function paths(value: unknown, path: Path = []): readonly Path[] {
  if (typeof value !== 'object' || value === null) return [path]
  return [path, ...Object.entries(value).flatMap(([key, member]) => paths(member, [...path, key]))]
}

/** Members are defined, so that one called `__proto__` is one. */
function replaced(value: unknown, [key, ...rest]: Path, by: unknown): unknown {
  if (key === undefined) return by
  if (Array.isArray(value))
    return value.map((item, index) => (String(index) === key ? replaced(item, rest, by) : item))
  if (typeof value !== 'object' || value === null) return by
  const members = new Map(Object.entries(value))
  members.set(key, replaced(members.get(key), rest, by))
  return Object.fromEntries(members)
}

function nested(depth: number): unknown {
  let value: unknown = 1
  for (let level = 0; level < depth; level += 1) value = level % 2 === 0 ? [value] : { Record: value }
  return value
}

/** Values that have broken parsers, prototypes, formats and logs. */
// prettier-ignore
const HOSTILE_VALUES: readonly unknown[] = [
  null, true, false, [], {}, '', ' ', '\u0000', '\ud800', '\udc00\ud800', '\u202e', 'é',
  0, -1, 0.5, 2 ** 31, 2 ** 53, 1e308, -1e308, 5e-324,
  'true', '1', 'NaN', 'Infinity', '__proto__', 'constructor', 'toString', 'null', 'undefined',
  '../../etc/passwd', '!{', '!{timestamp:', '!{timestamp:yyyy}', '{x}', '%s%n', 'a\r\nb: c',
  'x'.repeat(5000), '\\'.repeat(100), `${'a'.repeat(50)}!`,
  nested(10), nested(500), Array.from({ length: 1000 }, () => null),
  JSON.parse('{"__proto__":{"DeliveryStreamName":"orders","polluted":true},"constructor":{"prototype":{}}}'),
]

const hostileValue: fc.Arbitrary<unknown> = fc.oneof(
  fc.jsonValue(),
  fc.string({ unit: 'binary' }),
  fc.double(),
  fc.constantFrom(...HOSTILE_VALUES),
)
const hostileName = fc.oneof(
  fc.constantFrom('__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', '', '0', 'DATA'),
  fc.string({ unit: 'binary', maxLength: 20 }),
)

/** Other values in one to three places, and members that are not known. */
const wrongValues = validRequest.chain(([operation, input]) => {
  const replacement = fc
    .tuple(fc.constantFrom(...paths(input)), hostileValue)
    .map(([path, by]) => ({ path, by }))
  const addition = fc
    .tuple(fc.constantFrom(...paths(input)), hostileName, hostileValue)
    .map(([path, name, by]) => ({ path: [...path, name], by }))
  return fc
    .array(fc.oneof({ weight: 3, arbitrary: replacement }, addition), { minLength: 1, maxLength: 3 })
    .map((edits) => edits.reduce((value, { path, by }) => replaced(value, path, by), input))
    .map((value) => ({ operation, text: JSON.stringify(value) }))
})

/** What a text editor could do to the JSON. */
const wrongText = fc
  .tuple(
    validRequest,
    fc.nat(),
    fc.nat({ max: 5 }),
    fc.oneof(
      fc.string(),
      fc.constantFrom('1e400', '-1e400', '00', '1.', '.5', '+1', '0x10', 'NaN', "'", '//', '/**/', '\ufeff'),
      fc.constantFrom(
        '"Limit":1,',
        '"DeliveryStreamName":null,',
        '"__proto__":{},',
        '{',
        '}',
        '[',
        ']',
        '\\u',
      ),
    ),
  )
  .map(([[operation, input], at, cut, insert]) => {
    const text = JSON.stringify(input)
    const place = at % (text.length + 1)
    return { operation, text: text.slice(0, place) + insert + text.slice(place + cut) }
  })

/** The same members twice, in both orders. */
const twice = fc
  .tuple(wrongValues, fc.boolean())
  .filter(([{ text }]) => text.startsWith('{"'))
  .map(([{ operation, text }, first]) => {
    const whole = JSON.stringify(valid[operation]).slice(1, -1)
    const other = text.slice(1, -1)
    return { operation, text: `{${first ? `${whole},${other}` : `${other},${whole}`}}` }
  })

const asUtf8 = fc
  .oneof({ weight: 5, arbitrary: wrongValues }, { weight: 3, arbitrary: wrongText }, twice)
  .map(({ operation, text }) => request(operation, Buffer.from(text)))

function swapped(text: string): Buffer {
  return Buffer.from(text, 'utf16le').swap16()
}

const encodings: readonly ((text: string) => [Buffer, Readonly<Record<string, string>>])[] = [
  (text) => [Buffer.from(text, 'utf16le'), {}],
  (text) => [Buffer.from(`\ufeff${text}`, 'utf16le'), {}],
  (text) => [swapped(`\ufeff${text}`), {}],
  (text) => [Buffer.from(`\ufeff${text}`), {}],
  (text) => [Buffer.from(text.replace('orders', 'órders'), 'latin1'), {}],
  (text) => [Buffer.from(text.replace('orders', '\u00c0\u00af'), 'latin1'), {}],
  (text) => [Buffer.from(Buffer.from(text).map((byte) => byte ^ 0x80)), {}],
  (text) => [gzipSync(text), {}],
  (text) => [gzipSync(text), { 'content-encoding': 'gzip' }],
  (text) => [gzipSync(text).subarray(0, -9), { 'content-encoding': 'gzip' }],
  (text) => [Buffer.concat([gzipSync(text), Buffer.from('more')]), { 'content-encoding': 'gzip' }],
  (text) => [gzipSync(gzipSync(text)), { 'content-encoding': 'gzip' }],
  (text) => [Buffer.from(text), { 'content-encoding': 'gzip' }],
  (text) => [Buffer.from(text), { 'content-encoding': 'gzip, gzip' }],
  (text) => [Buffer.from(text), { 'content-encoding': 'br' }],
  (text) => [Buffer.from(text), { 'content-encoding': '' }],
  (text) => [Buffer.from(text), { 'content-type': 'application/cbor' }],
  (text) => [Buffer.from(text), { 'content-type': 'application/x-amz-json-1.1; charset=utf-16' }],
]
const wronglyEncoded = fc
  .tuple(fc.oneof(validText(), wrongText), fc.constantFrom(...encodings))
  .map(([{ operation, text }, encode]) => {
    const [body, headers] = encode(text)
    return request(operation, body, headers)
  })

function validText(): fc.Arbitrary<{ operation: string; text: string }> {
  return validRequest.map(([operation, input]) => ({ operation, text: JSON.stringify(input) }))
}

const randomBytes = fc
  .tuple(
    validRequest,
    fc.uint8Array({ maxLength: 300 }),
    fc.constantFrom({}, { 'content-encoding': 'gzip' }, { 'content-type': 'text/html' }),
  )
  .map(([[operation], bytes, headers]) => request(operation, Buffer.from(bytes), headers))

const headerText = fc.string({
  unit: fc.integer({ min: 0x20, max: 0x7e }).map((c) => String.fromCharCode(c)),
})
const headerName = fc.stringMatching(/^x-[a-z0-9-]{1,20}$/)

const wrongHeaders = fc
  .tuple(
    validText(),
    fc.dictionary(headerName, headerText, { maxKeys: 20 }),
    fc.oneof(
      headerText.map((target) => ({ 'x-amz-target': target })),
      headerText.map((operation) => ({ 'x-amz-target': `Firehose_20150804.${operation}` })),
      fc.constantFrom<Record<string, string>>(
        { 'x-amz-target': 'Firehose_20150804.__proto__' },
        { 'x-amz-target': 'Firehose_20150804.PutRecord,Firehose_20150804.PutRecord' },
        { 'x-amz-target': `Firehose_20150804.${'P'.repeat(8000)}` },
        { authorization: `AWS4-HMAC-SHA256 Credential=${'x/'.repeat(2000)}` },
        { 'x-amz-date': 'yesterday', 'x-amz-content-sha256': '0'.repeat(64) },
        { 'x-amzn-requestid': 'mine', 'x-http-method-override': 'DELETE', 'accept-encoding': 'gzip;q=0' },
        Object.fromEntries(Array.from({ length: 300 }, (_, index) => [`x-flood-${index}`, 'x'.repeat(20)])),
      ),
    ),
  )
  .map(([{ operation, text }, more, extra]) => request(operation, Buffer.from(text), { ...more, ...extra }))

function request(
  operation: string,
  body: Buffer,
  headers: Readonly<Record<string, string>> = {},
): HostileRequest {
  return {
    headers: {
      'content-type': 'application/x-amz-json-1.1',
      'x-amz-target': `Firehose_20150804.${operation}`,
      ...headers,
    },
    body,
  }
}

export const hostileRequest: fc.Arbitrary<HostileRequest> = fc.oneof(
  { weight: 12, arbitrary: asUtf8 },
  { weight: 2, arbitrary: wronglyEncoded },
  { weight: 1, arbitrary: randomBytes },
  { weight: 2, arbitrary: wrongHeaders },
)

const WRONG_FRAMINGS = [
  'Transfer-Encoding: chunked',
  'Transfer-Encoding: chunked\r\nContent-Length: 5',
  'Transfer-Encoding: gzip, chunked',
  'Transfer-Encoding: nonsense',
  'Content-Length: 5\r\nContent-Length: 6',
  'Content-Length: -1',
  'Content-Length: 5e0',
  'Content-Length: 99999999999999999999',
  'Content-Length: 9000000',
  'Expect: 100-continue\r\nContent-Length: 5',
  'Expect: 200-ok\r\nContent-Length: 5',
  'Connection: upgrade\r\nUpgrade: websocket\r\nContent-Length: 5',
  'No colon here',
  'X-Nul: a\0b',
  ' X-Folded: a',
  `X-Long: ${'x'.repeat(20_000)}`,
  Array.from({ length: 3000 }, (_, index) => `X-Flood-${index}: x`).join('\r\n'),
]

const WRONG_STARTS = [
  'POST / HTTP/1.0',
  'POST / HTTP/2.0',
  'POST / HTTP/9.9',
  'POST /',
  'POST  / HTTP/1.1',
  'post / HTTP/1.1',
  'GET / HTTP/1.1',
  'CONNECT x:1 HTTP/1.1',
  'TRACE / HTTP/1.1',
  'OPTIONS * HTTP/1.1',
  'POST http://x/ HTTP/1.1',
  'POST /../../etc/passwd HTTP/1.1',
  'POST /%00 HTTP/1.1',
  `POST /${'x'.repeat(20_000)} HTTP/1.1`,
  'PRI * HTTP/2.0\r\n\r\nSM\r\n',
  '\u0016\u0003\u0001\u0002\u0000\u0001',
]

/** What comes over one connection, byte for byte. */
export const hostileBytes: fc.Arbitrary<Buffer> = fc.oneof(
  fc.array(asUtf8, { minLength: 2, maxLength: 8 }).map((requests) => Buffer.concat(requests.map(onTheWire))),
  fc
    .tuple(asUtf8, fc.nat())
    .map(([sent, at]) => onTheWire(sent).subarray(0, at % (onTheWire(sent).length + 1))),
  fc.tuple(asUtf8, fc.nat({ max: 50 })).map(([sent, more]) => onTheWire(sent, sent.body.length + more)),
  fc
    .tuple(asUtf8, asUtf8, fc.nat({ max: 50 }))
    .map(([sent, next, less]) =>
      Buffer.concat([onTheWire(sent, Math.max(0, sent.body.length - less)), onTheWire(next)]),
    ),
  fc
    .tuple(asUtf8, fc.constantFrom(...WRONG_FRAMINGS))
    .map(([sent, framing]) => Buffer.concat([Buffer.from(headOf(sent, framing)), sent.body])),
  fc
    .tuple(fc.constantFrom(...WRONG_STARTS), asUtf8)
    .map(([start, sent]) =>
      Buffer.from(`${start}\r\nHost: x\r\n\r\n${sent.body.toString('latin1')}`, 'latin1'),
    ),
  fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
)

/** @param length what is announced */
function onTheWire(sent: HostileRequest, length = sent.body.length): Buffer {
  return Buffer.concat([Buffer.from(headOf(sent, `Content-Length: ${length}`)), sent.body])
}

function headOf({ headers }: HostileRequest, framing: string): string {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  return `POST / HTTP/1.1\r\nHost: x\r\n${lines.join('')}${framing}\r\n\r\n`
}
