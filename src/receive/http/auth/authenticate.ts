/**
 * Who sends a request: Signature Version 4 in the header `Authorization`. Everything that the headers tell is checked
 * before a body is read, in the order in which the service does it; the body is hashed once, as it came on the wire.
 */
import { timingSafeEqual } from 'node:crypto'
import type { Caller } from '../api.ts'
import {
  checkAlgorithm,
  parseAuthorization,
  parseCredential,
  scopeProblems,
  type ScopedKey,
} from './authorization-header.ts'
import {
  canonicalHead,
  signable,
  signsInQuery,
  type RequestHead,
  type SignableRequest,
} from './canonical-request.ts'
import type { Identity, Keyring } from './keyring.ts'
import { invalidSignature, mismatch, missingToken, unknownClient, unsigned } from './refusals.ts'
import { checkSkew, signedTime } from './request-time.ts'
import { stringToSign } from './signature.ts'

/** A request whose headers are in order. */
export interface Claim {
  /**
   * The caller, once the body is there.
   *
   * @param bodySha256 of the body as it came on the wire, in hex
   * @throws ClientError when it is not what was signed
   */
  prove(bodySha256: () => string): Caller
}

/** @throws ClientError for whoever need not send a body */
export type Authenticate = (request: RequestHead) => Claim

const anybody: Caller = { authorize() {}, reach() {} }
const nothingToProve: Claim = { prove: () => anybody }

/** Nobody is asked for credentials. */
export const authenticateNobody: Authenticate = () => nothingToProve

export interface SignatureRules {
  readonly keyring: Pick<Keyring, 'find'>
  readonly region: string
  readonly service: string
  readonly now: () => number
  /** Take the word of a caller that left the body out of the signature. */
  readonly allowUnsignedPayload: boolean
}

const UNSIGNED_PAYLOAD = 'UNSIGNED-PAYLOAD'

export function createAuthenticate(rules: SignatureRules): Authenticate {
  return (head) => {
    const nowMs = rules.now()
    const request = signable(head)
    const { key, identity, ...signed } = examine(request, rules, nowMs)
    const token = request.headers['x-amz-security-token']
    identity.checkToken(token?.join(','), nowMs)
    const signingKey = identity.signingKey(key)
    // Nothing else of the request is kept while its body comes.
    const canonical = canonicalHead(request, signed.headers)
    const { time, signature } = signed
    const verify = (payloadHash: string): void =>
      compare(signingKey.sign(stringToSign(canonical + payloadHash, time, key)), signature)
    const announced = announcedHash(request, rules)
    // A body whose hash is announced is not read before the signature is found good.
    if (announced !== undefined) verify(announced)
    return {
      prove(bodySha256) {
        if (announced === undefined) verify(bodySha256())
        else if (announced !== UNSIGNED_PAYLOAD && announced !== bodySha256()) throw mismatch()
        return identity.caller
      },
    }
  }
}

interface Examined {
  readonly key: ScopedKey
  readonly identity: Identity
  readonly headers: readonly string[]
  readonly time: string
  readonly signature: string
}

function examine(request: SignableRequest, rules: SignatureRules, nowMs: number): Examined {
  const { headers } = request
  if (signsInQuery(request.target)) {
    if (headers['authorization'] === undefined) throw missingToken()
    throw invalidSignature(
      "Found both 'X-Amz-Algorithm' as a query-string param and 'Authorization' as HTTP header.",
    )
  }
  const date = headers['x-amz-date'] ?? headers['date']
  const authorization = parseAuthorization(headers['authorization'], date !== undefined)
  const time = signedTime(headers['x-amz-date']?.join(','), headers['date']?.join(','))
  checkSkew(time, nowMs)
  checkSigned(request, authorization.signedHeaders)
  checkAlgorithm(authorization.algorithm)
  const key = parseCredential(authorization.credential)
  const problems = scopeProblems(key, rules, time)
  if (problems !== '') throw invalidSignature(problems)
  const identity = rules.keyring.find(key.accessKeyId)
  if (identity === undefined) throw unknownClient()
  return {
    key,
    identity,
    headers: authorization.signedHeaders,
    time,
    signature: authorization.signature,
  }
}

/** What decides what a request means must be signed, or somebody in between could change it. */
function checkSigned({ headers }: SignableRequest, signed: readonly string[]): void {
  if (!signed.includes('host')) throw unsigned("'Host' or ':authority'")
  const time = headers['x-amz-date'] === undefined ? 'date' : 'x-amz-date'
  if (!signed.includes(time)) throw unsigned(time === 'date' ? "'Date'" : "'X-Amz-Date'")
  for (const [name, shown] of signedWhenSent)
    if (headers[name] !== undefined && !signed.includes(name)) throw unsigned(`'${shown}'`)
}

const signedWhenSent = [
  ['x-amz-target', 'X-Amz-Target'],
  ['x-amz-security-token', 'X-Amz-Security-Token'],
  ['x-amz-content-sha256', 'X-Amz-Content-Sha256'],
] as const

/** What X-Amz-Content-Sha256 says; it need not be there. */
function announcedHash(
  { headers }: SignableRequest,
  { allowUnsignedPayload }: SignatureRules,
): string | undefined {
  const announced = headers['x-amz-content-sha256']?.join(',')
  if (announced === undefined || /^[0-9a-f]{64}$/.test(announced)) return announced
  if (announced === UNSIGNED_PAYLOAD && allowUnsignedPayload) return announced
  throw invalidSignature(
    announced === UNSIGNED_PAYLOAD
      ? 'The body must be signed: X-Amz-Content-Sha256 must not be UNSIGNED-PAYLOAD.'
      : 'X-Amz-Content-Sha256 must be the SHA-256 of the body in lower-case hex.',
  )
}

function compare(expected: Buffer, signature: string): void {
  const given = Buffer.from(/^[0-9a-f]{64}$/.test(signature) ? signature : '', 'hex')
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) throw mismatch()
}
