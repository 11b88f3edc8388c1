/**
 * Answers of GetRecords as bytes that are built once: each time one is served, only what must differ is written over, which
 * costs some hundredths of a microsecond a record. What a shard serves at a position is a function of shard and position,
 * so that it can be read again: sequence numbers rise within a shard, and the ids of orders differ everywhere.
 */
import { order, seeded } from '../../bench/orders.ts'

/** Digits of a sequence number: the same for all, then the number of the answer, then the record within it. */
const PREFIX = '4968050541041835021277623511992000000000000'
const ANSWER_DIGITS = 8
const RECORD_DIGITS = 5

/** Six characters of an order's id, which are two whole groups of its base64. */
const ID_AT = 18
const ID_DIGITS = 6
const ID_AT_IN_BASE64 = (ID_AT / 3) * 4
const ID_BASE64_LENGTH = (ID_DIGITS / 3) * 4

const HEAD = '{"SequenceNumber":"'
const ARRIVAL = '","ApproximateArrivalTimestamp":'
const ARRIVAL_LENGTH = '1795478406.874'.length
const DATA = ',"Data":"'

/** Where each varying field begins, from the beginning of its record. */
const answerAt = HEAD.length + PREFIX.length
const arrivalAt = answerAt + ANSWER_DIGITS + RECORD_DIGITS + ARRIVAL.length
const idAt = arrivalAt + ARRIVAL_LENGTH + DATA.length + ID_AT_IN_BASE64

interface Template {
  readonly bytes: Buffer
  /** Where each record begins, and one more: where another would. */
  readonly starts: Int32Array
}

/** Records of one answer, joined by commas, to be given back once they are sent. */
export interface PreparedRecords {
  readonly bytes: Buffer
  giveBack(): void
}

interface AnswerRingOptions {
  readonly perAnswer: number
  readonly shards: number
  readonly templates: number
  readonly padding: number
}

export class AnswerRing {
  readonly #perAnswer: number
  readonly #shards: number
  readonly #templates: readonly Template[]
  readonly #free: Buffer[][]

  /** @param templates distinct answers; a shard takes them by turns @param padding bytes that each order gets in addition */
  constructor({ perAnswer, shards, templates, padding }: AnswerRingOptions) {
    this.#perAnswer = perAnswer
    this.#shards = shards
    const random = seeded(1)
    this.#templates = Array.from({ length: templates }, (_, index) =>
      buildTemplate(perAnswer, index * perAnswer, padding, random),
    )
    this.#free = this.#templates.map(({ bytes }) => [bytes])
  }

  /** Records `from` up to `to` of a shard's answer `answer`; both count from 0. */
  prepare(shard: number, answer: number, from: number, to: number): PreparedRecords {
    const which = answer % this.#templates.length
    const template = this.#templates[which]
    const free = this.#free[which]
    if (template === undefined || free === undefined) throw new Error('no template')
    // A copy is written over while another is being sent, so there are as many as are sent at a time.
    const bytes = free.pop() ?? Buffer.from(template.bytes)
    patch(bytes, template.starts, {
      from,
      to,
      answer: digits(answer, ANSWER_DIGITS),
      arrival: Buffer.from((Date.now() / 1000).toFixed(3)),
      id: Buffer.from(
        digits((answer * this.#shards + shard) % 10 ** ID_DIGITS, ID_DIGITS).toString('base64'),
      ),
    })
    const end = (template.starts[to] ?? 0) - 1
    return { bytes: bytes.subarray(template.starts[from], end), giveBack: () => free.push(bytes) }
  }

  /** The position of the record that a sequence number names, undefined when no shard has it. */
  positionOf(sequenceNumber: string): number | undefined {
    const rest = sequenceNumber.slice(PREFIX.length)
    if (!sequenceNumber.startsWith(PREFIX) || !/^\d{13}$/.test(rest)) return undefined
    const record = Number(rest.slice(ANSWER_DIGITS))
    return Number(rest.slice(0, ANSWER_DIGITS)) * this.#perAnswer + record
  }
}

function buildTemplate(count: number, firstOrder: number, padding: number, random: () => number): Template {
  const starts = new Int32Array(count + 1)
  const records: string[] = []
  let end = 0
  for (let record = 0; record < count; record += 1) {
    starts[record] = end
    const text = order(firstOrder + record, random)
    const { customer_id: customer } = JSON.parse(text) as { customer_id: string }
    const sequenceNumber = `${PREFIX}${'0'.repeat(ANSWER_DIGITS)}${String(record).padStart(RECORD_DIGITS, '0')}`
    const data = Buffer.from(padded(text, padding)).toString('base64')
    records.push(
      `${HEAD}${sequenceNumber}${ARRIVAL}${'0'.repeat(ARRIVAL_LENGTH)}${DATA}${data}` +
        `","PartitionKey":"${customer}","EncryptionType":"NONE"}`,
    )
    end += (records.at(-1) ?? '').length + 1
  }
  starts[count] = end
  return { bytes: Buffer.from(records.join(',')), starts }
}

function padded(text: string, bytes: number): string {
  return bytes === 0 ? text : `${text.slice(0, -1)},"more":"${'x'.repeat(bytes)}"}`
}

interface Patch {
  readonly from: number
  readonly to: number
  readonly answer: Buffer
  readonly arrival: Buffer
  readonly id: Buffer
}

function patch(bytes: Buffer, starts: Int32Array, { from, to, answer, arrival, id }: Patch): void {
  for (let record = from; record < to; record += 1) {
    const start = starts[record] ?? 0
    for (let at = 0; at < ANSWER_DIGITS; at += 1) bytes[start + answerAt + at] = answer[at] ?? 0
    for (let at = 0; at < ARRIVAL_LENGTH; at += 1) bytes[start + arrivalAt + at] = arrival[at] ?? 0
    for (let at = 0; at < ID_BASE64_LENGTH; at += 1) bytes[start + idAt + at] = id[at] ?? 0
  }
}

function digits(value: number, length: number): Buffer {
  return Buffer.from(String(value).padStart(length, '0'))
}
