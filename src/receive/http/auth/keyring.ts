/** The credentials that are good now. Replaced as a whole while requests are served; a request keeps the one it began with. */
import { createHash, timingSafeEqual } from 'node:crypto'
import { userArn, type Account } from '../../arns.ts'
import type { Caller } from '../api.ts'
import { createCaller, type Policy } from './policy.ts'
import { expiredToken, unknownClient } from './refusals.ts'
import { signingKey, type Scope, type SigningKey } from './signature.ts'

export interface Credential extends Policy {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  /** Of temporary credentials; requests must carry it. */
  readonly sessionToken?: string | undefined
  /** When temporary credentials end, in ISO 8601. */
  readonly expiration?: string | undefined
  /** In refusals, instead of the key id. */
  readonly name?: string | undefined
}

/** Derived keys kept for a credential: those of two days around midnight. */
const DERIVED_MAX = 4

/** A credential at work. */
export class Identity {
  readonly caller: Caller
  readonly #secretAccessKey: string
  readonly #tokenDigest: Buffer | undefined
  readonly #expiresAtMs: number
  readonly #derived = new Map<string, SigningKey>()

  constructor({ secretAccessKey, sessionToken, expiration }: Credential, caller: Caller) {
    this.caller = caller
    this.#secretAccessKey = secretAccessKey
    this.#tokenDigest = sessionToken === undefined ? undefined : digest(sessionToken)
    this.#expiresAtMs = expiration === undefined ? Number.POSITIVE_INFINITY : Date.parse(expiration)
  }

  /** @throws ClientError unless the token is the credential's, where it has one, and it has not ended */
  checkToken(token: string | undefined, nowMs: number): void {
    if ((token === undefined) !== (this.#tokenDigest === undefined)) throw unknownClient()
    if (
      token !== undefined &&
      this.#tokenDigest !== undefined &&
      !timingSafeEqual(digest(token), this.#tokenDigest)
    )
      throw unknownClient()
    if (nowMs >= this.#expiresAtMs) throw expiredToken()
  }

  /** Four HMACs the first time. Ask only for scopes that were checked: a few are kept. */
  signingKey(scope: Scope): SigningKey {
    const name = `${scope.date}/${scope.region}/${scope.service}`
    const known = this.#derived.get(name)
    if (known !== undefined) return known
    const key = signingKey(this.#secretAccessKey, scope)
    if (this.#derived.size >= DERIVED_MAX) this.#derived.clear()
    this.#derived.set(name, key)
    return key
  }
}

export interface Keyring {
  find(accessKeyId: string): Identity | undefined
  /** From the next request on only these are good. */
  replace(credentials: readonly Credential[]): void
}

/** @param declared ARNs that the declared delivery streams use */
export function createKeyring(account: Account, declared: () => ReadonlySet<string>): Keyring {
  let identities: ReadonlyMap<string, Identity> = new Map()
  return {
    find: (accessKeyId) => identities.get(accessKeyId),
    replace(credentials) {
      identities = new Map(
        credentials.map((credential) => {
          const user = userArn(credential.name ?? credential.accessKeyId, account)
          const caller = createCaller(credential, { user, account, declared })
          return [credential.accessKeyId, new Identity(credential, caller)]
        }),
      )
    },
  }
}

/** Tokens are compared by their digests, which have one length. Header bytes, as Node reads them. */
function digest(token: string): Buffer {
  return createHash('sha256').update(token, 'latin1').digest()
}
