/**
 * Reads what a transform answered, and gives each record that was sent exactly one answer, whatever came back. What is wrong
 * with one record's answer costs that record alone; only an answer that is no JSON, or holds no list of records, costs all.
 * None of it is asked again: the transform would say the same.
 */
import { failed, INVALID_OUTPUT, type RecordAnswer } from './codes.ts'

type Members = Readonly<Record<string, unknown>>

/** Answers in the order of the ids. */
export function readAnswers(body: Uint8Array, recordIds: readonly string[]): readonly RecordAnswer[] {
  const answered = parsed(body)
  if (answered === undefined) return recordIds.map(() => failed('Lambda.JsonProcessingException'))
  const records = listOf(answered.value)
  if (records === undefined) return recordIds.map(() => failed('Lambda.JsonMappingException'))
  const places = new Map(recordIds.map((recordId, place) => [recordId, place]))
  const answers: (RecordAnswer | undefined)[] = recordIds.map(() => undefined)
  for (const entry of records) {
    if (!isObject(entry)) continue
    const recordId = entry['recordId']
    const place = typeof recordId === 'string' ? places.get(recordId) : undefined
    if (place === undefined) continue
    answers[place] = answers[place] === undefined ? answerOf(entry) : failed('Lambda.DuplicatedRecordId')
  }
  return answers.map((answer) => answer ?? failed('Lambda.MissingRecordId'))
}

/** Undefined when it is not JSON. The parser's own words hold pieces of records, so nobody gets to see them. */
function parsed(body: Uint8Array): { readonly value: unknown } | undefined {
  try {
    const text = Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString()
    const value: unknown = JSON.parse(text.startsWith('\ufeff') ? text.slice(1) : text)
    return { value }
  } catch {
    return undefined
  }
}

/** An object without records answers for none. */
function listOf(answer: unknown): readonly unknown[] | undefined {
  if (!isObject(answer)) return undefined
  const records = answer['records'] ?? []
  return Array.isArray(records) ? records : undefined
}

function answerOf(entry: Members): RecordAnswer {
  switch (entry['result']) {
    case 'Ok':
      return transformed(entry)
    case 'Dropped':
      return { kind: 'dropped' }
    case 'ProcessingFailed':
      return failed('Lambda.ProcessingFailedStatus')
    default:
      return failed('Lambda.FunctionError', INVALID_OUTPUT)
  }
}

function transformed({ data, metadata }: Members): RecordAnswer {
  if (data === undefined || data === null) return failed('Lambda.InvalidReturnFormat')
  const base64 = typeof data === 'string' ? plainBase64(data) : undefined
  if (base64 === undefined) return failed('Lambda.FunctionError', INVALID_OUTPUT)
  const partitionKeys = partitionKeysOf(metadata)
  if (partitionKeys === undefined) return failed('Lambda.JsonMappingException')
  const bytes = (base64.length / 4) * 3 - (base64.endsWith('==') ? 2 : base64.endsWith('=') ? 1 : 0)
  const isKeyed = Object.keys(partitionKeys).length > 0
  return { kind: 'ok', data: base64, bytes, ...(isKeyed ? { partitionKeys } : {}) }
}

/** The standard alphabet, padded. Line breaks and spaces, as some encoders add them, are taken out, as on AWS. */
function plainBase64(text: string): string | undefined {
  if (isBase64(text)) return text
  const plain = text.replaceAll(/[\t\n\r ]/g, '')
  return isBase64(plain) ? plain : undefined
}

function isBase64(text: string): boolean {
  return text.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(text)
}

/**
 * Keys as texts. A null is left out, so that partitioning finds the key missing. Undefined when a value has no text that it
 * surely was: an object, a list, or a number beyond what JavaScript holds exactly.
 */
function partitionKeysOf(metadata: unknown): Readonly<Record<string, string>> | undefined {
  if (metadata === undefined || metadata === null) return {}
  if (!isObject(metadata)) return undefined
  const keys = metadata['partitionKeys'] ?? {}
  if (!isObject(keys)) return undefined
  const texts: [string, string][] = []
  for (const [name, value] of Object.entries(keys)) {
    if (value === null) continue
    const text = textOf(value)
    if (text === undefined) return undefined
    texts.push([name, text])
  }
  return Object.fromEntries(texts)
}

function textOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value
  if (typeof value === 'boolean') return String(value)
  if (typeof value !== 'number') return undefined
  return Math.abs(value) <= Number.MAX_SAFE_INTEGER ? String(value) : undefined
}

function isObject(value: unknown): value is Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
