/** The keys of this process, and the sessions under roles that it assumes with them. */
import type { Log } from '../account/log.ts'
import type { Config } from '../config/schema.ts'
import type { RoleSessions } from '../deliver/role-sessions.ts'
import type { OwnKeys } from '../runtime/sdk-keys.ts'
import type { OnStop } from './parts.ts'

/** Those of the object store; with folders, and where none are set, the SDK's own chain. */
export function ownKeys({ objectStore }: Pick<Config, 'objectStore'>): OwnKeys {
  if (objectStore.type === 'file') return {}
  const { accessKeyId, secretAccessKey, sessionToken } = objectStore
  return { accessKeyId, secretAccessKey, sessionToken }
}

/** Undefined when roles are not assumed. STS is not asked before a role is used. */
export async function openRoles(config: Config, log: Log, onStop: OnStop): Promise<RoleSessions | undefined> {
  const { assumeRoles, region, accountId, stsEndpoint } = config.aws
  if (!assumeRoles) return undefined
  const { RoleSessions: Opened } = await import('../deliver/role-sessions.ts')
  const roles = new Opened({ endpoint: stsEndpoint, region, accountId, ...ownKeys(config), log })
  onStop(async () => roles.close())
  return roles
}
