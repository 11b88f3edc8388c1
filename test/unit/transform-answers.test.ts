/** What becomes of records by what a transform answered: the table of docs/firehose-compatibility.md, case by case. */
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { readAnswers } from '../../src/process/transform/answers.ts'
import { INVALID_OUTPUT, type RecordAnswer } from '../../src/process/transform/codes.ts'

const ids = ['490', '491', '492']

function answersTo(answer: unknown): readonly RecordAnswer[] {
  return readAnswers(Buffer.from(JSON.stringify(answer) ?? ''), ids)
}

/** The first record has this answer, the others are Ok. */
function first(entry: Record<string, unknown>): RecordAnswer | undefined {
  const others = ids.slice(1).map((recordId) => ({ recordId, result: 'Ok', data: 'b2s=' }))
  const [answer, ...rest] = answersTo({ records: [{ recordId: ids[0], ...entry }, ...others] })
  expect(rest).toEqual([
    { kind: 'ok', data: 'b2s=', bytes: 2 },
    { kind: 'ok', data: 'b2s=', bytes: 2 },
  ])
  return answer
}

function codes(answers: readonly RecordAnswer[]): string[] {
  return answers.map((answer) => (answer.kind === 'failed' ? answer.code : answer.kind))
}

test('Ok with data, in any order, goes to the record with its id', () => {
  const answers = answersTo({
    records: [
      { recordId: '492', result: 'Ok', data: 'Yw==' },
      { recordId: '490', result: 'Ok', data: '' },
      { recordId: '491', result: 'Dropped' },
    ],
  })
  expect(answers).toEqual([
    { kind: 'ok', data: '', bytes: 0 },
    { kind: 'dropped' },
    { kind: 'ok', data: 'Yw==', bytes: 1 },
  ])
})

test('ProcessingFailed fails the record with the sentence of AWS', () => {
  expect(first({ result: 'ProcessingFailed', data: 'eA==' })).toEqual({
    kind: 'failed',
    code: 'Lambda.ProcessingFailedStatus',
    message: 'ProcessingFailed status set for record',
  })
})

test.each([[{}], [{ data: null }]])('Ok without data %j fails with the sentence of AWS', (entry) => {
  expect(first({ result: 'Ok', ...entry })).toEqual({
    kind: 'failed',
    code: 'Lambda.InvalidReturnFormat',
    message:
      'The data field cannot be null when the SourceType is DirectPut or KinesisStreamAsSource and processing result is Ok. The value field cannot be null when the SourceType is MSKAsSource and processing result is Ok.',
  })
})

test.each([
  { result: 'ok', data: 'eA==' },
  { result: 'OK', data: 'eA==' },
  { result: 'Failed' },
  { result: null },
  { result: 1 },
  {},
  { result: 'Ok', data: 'eA' },
  { result: 'Ok', data: 'eA=' },
  { result: 'Ok', data: 'e_-=' },
  { result: 'Ok', data: 'not base64 %%%' },
  { result: 'Ok', data: '=AAA' },
  { result: 'Ok', data: 7 },
  { result: 'Ok', data: { text: 'x' } },
])('a result or data that will not do, %j, fails that record alone', (entry) => {
  expect(first(entry)).toEqual({ kind: 'failed', code: 'Lambda.FunctionError', message: INVALID_OUTPUT })
})

test('base64 in lines is taken, as Python writes it', () => {
  expect(first({ result: 'Ok', data: 'eHh4\neHg=\n' })).toEqual({ kind: 'ok', data: 'eHh4eHg=', bytes: 5 })
})

describe('ids', () => {
  test('records that are not answered for fail with the sentence of AWS', () => {
    const answers = answersTo({ records: [{ recordId: '491', result: 'Ok', data: '' }] })
    expect(codes(answers)).toEqual(['Lambda.MissingRecordId', 'ok', 'Lambda.MissingRecordId'])
    expect(answers[0]).toMatchObject({
      message:
        'One or more record Ids were not returned. Ensure that the Lambda function returns all received record Ids.',
    })
  })

  test.each([{}, { records: null }, { records: [] }, { records: [null, 1, 'x', [], {}, { recordId: 490 }] }])(
    '%j answers for no record',
    (answer) => {
      expect(codes(answersTo(answer))).toEqual(ids.map(() => 'Lambda.MissingRecordId'))
    },
  )

  test('a record that is answered for twice fails, whatever the answers are', () => {
    const twice = { recordId: '490', result: 'Ok', data: '' }
    const others = ids.slice(1).map((recordId) => ({ recordId, result: 'Ok', data: '' }))
    for (const again of [twice, { ...twice, result: 'Dropped' }])
      for (const records of [
        [twice, again, ...others],
        [twice, again, again, ...others],
      ])
        expect(codes(answersTo({ records }))).toEqual(['Lambda.DuplicatedRecordId', 'ok', 'ok'])
  })

  test('ids that were not sent are passed over', () => {
    const others = ids.map((recordId) => ({ recordId, result: 'Dropped' }))
    expect(codes(answersTo({ records: [{ recordId: '7', result: 'Ok', data: '' }, ...others] }))).toEqual(
      ids.map(() => 'dropped'),
    )
  })
})

describe('an answer as a whole', () => {
  test.each(['', 'rubbish', '{"records":[', '\u0000', '<html>'])('%j is no JSON', (text) => {
    expect(codes(readAnswers(Buffer.from(text), ids))).toEqual(
      ids.map(() => 'Lambda.JsonProcessingException'),
    )
  })

  test.each([null, 1, 'x', [], [{ recordId: '490' }], { records: {} }, { records: 'x' }, { records: 7 }])(
    '%j holds no list of records',
    (answer) => {
      expect(codes(answersTo(answer))).toEqual(ids.map(() => 'Lambda.JsonMappingException'))
    },
  )

  test('nesting without end is no answer, and no crash', () => {
    const deep = Buffer.from(`{"records":${'['.repeat(3_000_000)}`)
    expect(codes(readAnswers(deep, ids))[0]).toBe('Lambda.JsonProcessingException')
  })
})

describe('partition keys', () => {
  const keyed = (partitionKeys: unknown) => first({ result: 'Ok', data: '', metadata: { partitionKeys } })

  test('texts are kept as they are, numbers and booleans as text', () => {
    expect(keyed({ a: 'x', b: '', c: 7, d: 1.5, e: true, f: -0 })).toEqual({
      kind: 'ok',
      data: '',
      bytes: 0,
      partitionKeys: { a: 'x', b: '', c: '7', d: '1.5', e: 'true', f: '0' },
    })
  })

  test('a null is no key, and without keys there are none', () => {
    expect(keyed({ a: null, b: 'x' })).toMatchObject({ partitionKeys: { b: 'x' } })
    for (const none of [undefined, null, {}, { a: null }])
      expect(keyed(none)).toEqual({ kind: 'ok', data: '', bytes: 0 })
    expect(first({ result: 'Ok', data: '', metadata: null })).toEqual({ kind: 'ok', data: '', bytes: 0 })
  })

  test('a key named __proto__ is a key like any other', () => {
    const text =
      '{"records":[{"recordId":"490","result":"Ok","data":"","metadata":{"partitionKeys":{"__proto__":"x"}}}]}'
    const [answer] = readAnswers(Buffer.from(text), ids)
    expect(Object.entries(answer?.kind === 'ok' ? (answer.partitionKeys ?? {}) : {})).toEqual([
      ['__proto__', 'x'],
    ])
  })

  test.each([[{ a: {} }], [{ a: ['x'] }], [{ a: 2 ** 60 }], [['x']], ['x'], [7]])(
    '%j is nothing that a key could be made of',
    (partitionKeys) => {
      expect(keyed(partitionKeys)).toMatchObject({ kind: 'failed', code: 'Lambda.JsonMappingException' })
    },
  )
})

test('whatever comes back, each record that was sent has exactly one answer', () => {
  const entry = fc.oneof(
    fc.jsonValue(),
    fc.record(
      {
        recordId: fc.oneof(fc.constantFrom(...ids), fc.jsonValue()),
        result: fc.oneof(fc.constantFrom('Ok', 'Dropped', 'ProcessingFailed'), fc.jsonValue()),
        data: fc.oneof(fc.base64String(), fc.jsonValue()),
        metadata: fc.oneof(fc.record({ partitionKeys: fc.jsonValue() }), fc.jsonValue()),
      },
      { requiredKeys: [] },
    ),
  )
  const body = fc.oneof(
    fc.record({ records: fc.array(entry) }).map((answer) => Buffer.from(JSON.stringify(answer))),
    fc.jsonValue().map((answer) => Buffer.from(JSON.stringify(answer))),
    fc.uint8Array().map((bytes) => Buffer.from(bytes)),
  )
  fc.assert(
    fc.property(body, (bytes) => {
      const answers = readAnswers(bytes, ids)
      expect(answers).toHaveLength(ids.length)
      for (const answer of answers) {
        expect(['ok', 'dropped', 'failed']).toContain(answer.kind)
        if (answer.kind === 'ok') expect(Buffer.from(answer.data, 'base64').length).toBe(answer.bytes)
      }
    }),
    { numRuns: 2_000 },
  )
})
