/** Signature Version 4: keys derived from a secret, and what they make of a canonical request. */
import { createHmac, createSecretKey, hash, type KeyObject } from 'node:crypto'

export const ALGORITHM = 'AWS4-HMAC-SHA256'
export const TERMINATOR = 'aws4_request'

/** What a derived key is good for. */
export interface Scope {
  /** YYYYMMDD */
  readonly date: string
  readonly region: string
  readonly service: string
}

export function signingKey(secretAccessKey: string, { date, region, service }: Scope): KeyObject {
  const parts = [date, region, service, TERMINATOR]
  const seed = Buffer.from(`AWS4${secretAccessKey}`)
  return createSecretKey(
    parts.reduce<Buffer>((key, part) => createHmac('sha256', key).update(part).digest(), seed),
  )
}

/** @param time as it stands in X-Amz-Date */
export function stringToSign(
  canonicalRequest: string,
  time: string,
  { date, region, service }: Scope,
): string {
  const digest = hash('sha256', Buffer.from(canonicalRequest, 'latin1'), 'hex')
  return `${ALGORITHM}\n${time}\n${date}/${region}/${service}/${TERMINATOR}\n${digest}`
}

export function sign(key: KeyObject, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest()
}
