/** What a process does. Without `api` it listens only on its admin port. */
export const allRoles = ['api', 'delivery', 'kinesis'] as const
export type Role = (typeof allRoles)[number]

/** @param list comma-separated @returns undefined when it names something else, or nothing */
export function parseRoles(list: string): ReadonlySet<Role> | undefined {
  const roles = new Set<Role>()
  for (const word of list.split(',').map((part) => part.trim())) {
    const role = allRoles.find((known) => known === word)
    if (role === undefined) return undefined
    roles.add(role)
  }
  return roles
}
