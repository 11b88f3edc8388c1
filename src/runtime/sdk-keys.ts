/** The keys that a client of the AWS SDK signs with. */

export interface Credentials {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string
}

/** Both keys, or neither: the SDK's own chain (environment, profile, role). */
export interface OwnKeys {
  readonly accessKeyId?: string | undefined
  readonly secretAccessKey?: string | undefined
  /** Of keys that are themselves a session's. */
  readonly sessionToken?: string | undefined
}

/** Of the process itself. Nothing: the SDK looks for others. */
export function ownCredentials({ accessKeyId, secretAccessKey, sessionToken }: OwnKeys): {
  readonly credentials?: Credentials
} {
  if (accessKeyId === undefined || secretAccessKey === undefined) return {}
  const token = sessionToken === undefined ? {} : { sessionToken }
  return { credentials: { accessKeyId, secretAccessKey, ...token } }
}
