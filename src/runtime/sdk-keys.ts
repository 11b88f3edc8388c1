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

/** Sessions that are kept elsewhere. */
export interface RoleCredentials {
  /** Fails with a DestinationError. */
  credentials(roleArn: string): Promise<Credentials>
  /** A session that was refused is not offered again. */
  forget(roleArn: string): void
}

/** Of a role. The sessions are kept in one place: the SDK is told that nothing is left to remember. */
export function credentialsOf(
  roles: RoleCredentials,
  roleArn: string,
): { readonly credentials: () => Promise<Credentials> } {
  return { credentials: Object.assign(() => roles.credentials(roleArn), { memoized: true }) }
}
