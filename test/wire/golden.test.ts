/**
 * Golden cases of the whole API over real HTTP, byte for byte. With FIREHOSE_ENDPOINT those that are safe there run against
 * that service, signed with the SDK's credentials; FIREHOSE_ROLE_ARN, FIREHOSE_BUCKET_ARN, FIREHOSE_ACCOUNT_ID and
 * FIREHOSE_STREAM (a DirectPut stream that takes records) name what is there.
 */
import { readdirSync } from 'node:fs'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { FIREHOSE_OPERATIONS } from '../../src/domain/operations.ts'
import type { RawAnswer } from '../support/api-server.ts'
import {
  answerPattern,
  filled,
  filledText,
  readCases,
  violationMessage,
  type GoldenCase,
  type Step,
  type Variables,
} from './golden/case-file.ts'
import { goldenEndpoint, type GoldenEndpoint } from './golden/endpoint.ts'

const real = process.env['FIREHOSE_ENDPOINT'] !== undefined
const folder = new URL('golden/', import.meta.url)
const files = readdirSync(folder)
  .filter((name) => name.endsWith('.yaml'))
  .map((name) => readCases(new URL(name, folder)))
const run = Date.now().toString(36)

let endpoint: GoldenEndpoint

beforeAll(async () => {
  endpoint = await goldenEndpoint()
  if (!endpoint.real) await create('orders', {}, {})
})
afterAll(() => endpoint.stop())

describe.each(files)('$about', ({ cases }) => {
  for (const [index, golden] of cases.entries())
    test.skipIf(real && !triedOnReal(golden))(`${index + 1}. ${golden.name}`, () => tried(golden))
})

test('there are at least 150 cases, and some of every operation', () => {
  const cases = files.flatMap((file) => file.cases)
  expect(cases.length).toBeGreaterThanOrEqual(150)
  const called = new Set(cases.flatMap(({ steps }) => steps.map((step) => step.call)))
  expect([...called]).toEqual(expect.arrayContaining([...FIREHOSE_OPERATIONS]))
  const names = cases.map(({ name }) => name)
  expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([])
})

function triedOnReal({ safe, own, given, standing }: GoldenCase): boolean {
  return safe && !own && given === undefined && !(standing && process.env['FIREHOSE_STREAM'] === undefined)
}

let streams = 0

async function tried(golden: GoldenCase): Promise<void> {
  streams += 1
  const stream = `golden-${run}-${streams}`
  const variables = { ...endpoint.variables, stream }
  try {
    if (golden.given !== undefined) await create(stream, golden.given, golden.created)
    for (const step of golden.steps) expectAnswer(await send(step, variables), step, variables)
  } finally {
    if (!real || golden.steps.some((step) => step.call === 'CreateDeliveryStream'))
      await send({ call: 'DeleteDeliveryStream', body: { DeliveryStreamName: stream } }, variables)
  }
}

async function create(name: string, destination: object, members: object): Promise<void> {
  const body = {
    DeliveryStreamName: name,
    ExtendedS3DestinationConfiguration: { RoleARN: '${role}', BucketARN: '${bucket}', ...destination },
    ...members,
  }
  const created = await send({ call: 'CreateDeliveryStream', body }, endpoint.variables)
  expect(created).toMatchObject({ status: 200 })
}

function send(step: Step, variables: Variables): Promise<RawAnswer> {
  const target = step.target ?? (step.call === undefined ? undefined : `Firehose_20150804.${step.call}`)
  const plain = bytesOf(step, variables)
  return endpoint.send({
    headers: {
      'content-type': 'application/x-amz-json-1.1',
      ...(target === undefined ? {} : { 'x-amz-target': target }),
      ...(step.gzip === true ? { 'content-encoding': 'gzip' } : {}),
      ...step.headers,
    },
    body: step.gzip === true ? gzipSync(plain) : plain,
  })
}

function bytesOf({ body = {}, text, hex }: Step, variables: Variables): Buffer {
  if (hex !== undefined) return Buffer.from(hex.replaceAll(' ', ''), 'hex')
  return Buffer.from(
    text === undefined ? JSON.stringify(filled(body, variables)) : filledText(text, variables),
  )
}

function expectAnswer(answer: RawAnswer, step: Step, variables: Variables): void {
  expectHeaders(answer)
  const refused = refusalOf(step)
  if (refused === undefined) {
    expect(answer.text).toMatch(answerPattern(filledText(step.answer ?? compact(step.json), variables)))
    expect(answer.status).toBe(step.status ?? 200)
    return
  }
  const message = answerPattern(filledText(refused.message, variables))
  const told = JSON.parse(answer.text) as { readonly message?: string; readonly Message?: string }
  expect(told).toMatchObject({ __type: refused.type })
  expect(told.message ?? told.Message).toMatch(message)
  if (!endpoint.real)
    expect(answer.text).toBe(JSON.stringify({ __type: refused.type, message: told.message }))
  expect(answer.status).toBe(step.status ?? 400)
}

function refusalOf({ refused, violations }: Step): { type: string; message: string } | undefined {
  if (violations !== undefined) return { type: 'ValidationException', message: violationMessage(violations) }
  const [entry] = Object.entries(refused ?? {})
  return entry === undefined ? undefined : { type: entry[0], message: entry[1] }
}

/** JSON is written for people here and compactly on the wire, where placeholders need no quotes. */
function compact(json = '{}'): string {
  return json.replaceAll(/\s*\n\s*/g, '')
}

function expectHeaders({ headers, text }: RawAnswer): void {
  expect(headers.get('content-type')).toBe('application/x-amz-json-1.1')
  expect(headers.get('x-amzn-requestid')).toMatch(/^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/)
  expect(headers.get('content-length')).toBe(String(Buffer.byteLength(text)))
  expect(headers.get('x-powered-by')).toBeNull()
}
