/** Names that are a hash of what they name, where Firehose draws them: a repeated delivery names the same things. */
import { createHash } from 'node:crypto'

/** A UUID with the version and variant of a random one (v4), from a hash: what reads Firehose's names reads ours. */
export function derivedUuid(of: readonly (string | number)[]): string {
  const bytes = createHash('sha256').update(JSON.stringify(of)).digest().subarray(0, 16)
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x40, 6)
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8)
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}
