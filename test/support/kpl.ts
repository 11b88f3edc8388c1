/**
 * Writes aggregates as the Kinesis Producer Library does (amazon-kinesis-producer, aggregation-format.md): an encoder that
 * shares nothing with the reader in src/.
 */
import { createHash } from 'node:crypto'

export interface KplUserRecord {
  readonly data: Uint8Array | string
  readonly partitionKey: string
  /** Decimal. */
  readonly explicitHashKey?: string
  /** Key and value. */
  readonly tags?: readonly (readonly [key: string, value: string])[]
}

/** One Kinesis record that holds all of these, in order. */
export function aggregateOf(records: readonly KplUserRecord[]): Buffer {
  const partitionKeys = [...new Set(records.map(({ partitionKey }) => partitionKey))]
  const explicitHashKeys = [...new Set(records.flatMap(({ explicitHashKey }) => explicitHashKey ?? []))]
  const partitionKeyIndex = new Map(partitionKeys.map((key, index) => [key, index]))
  const explicitHashKeyIndex = new Map(explicitHashKeys.map((key, index) => [key, index]))
  const encoded = records.map(({ data, partitionKey, explicitHashKey, tags = [] }) => {
    const hashKey = explicitHashKey === undefined ? undefined : explicitHashKeyIndex.get(explicitHashKey)
    return bytesField(3, [
      ...numberField(1, partitionKeyIndex.get(partitionKey) ?? 0),
      ...(hashKey === undefined ? [] : numberField(2, hashKey)),
      ...bytesField(3, [Buffer.from(data)]),
      ...tags.flatMap(([key, value]) =>
        bytesField(4, [...bytesField(1, [Buffer.from(key)]), ...bytesField(2, [Buffer.from(value)])]),
      ),
    ])
  })
  return sealAggregate(
    Buffer.concat([
      ...partitionKeys.flatMap((key) => bytesField(1, [Buffer.from(key)])),
      ...explicitHashKeys.flatMap((key) => bytesField(2, [Buffer.from(key)])),
      ...encoded.flat(),
    ]),
  )
}

/** Magic and MD5 around a protocol buffer, whatever it is. */
export function sealAggregate(protobuf: Uint8Array): Buffer {
  const digest = createHash('md5').update(protobuf).digest()
  return Buffer.concat([Buffer.from('f3899ac2', 'hex'), protobuf, digest])
}

export function varint(value: number): Buffer {
  const bytes: number[] = []
  let rest = BigInt(value)
  for (; rest > 0x7fn; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80)
  return Buffer.from([...bytes, Number(rest)])
}

function numberField(field: number, value: number): Buffer[] {
  return [varint(field * 8), varint(value)]
}

function bytesField(field: number, parts: readonly Buffer[]): Buffer[] {
  const length = parts.reduce((sum, part) => sum + part.length, 0)
  return [varint(field * 8 + 2), varint(length), ...parts]
}
