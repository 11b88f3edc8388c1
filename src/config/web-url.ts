/** URLs that are called: of transforms, and of prefixes that allow them. */

/** They are named in logs and hints, so they hold no password. */
export function isWebUrl(text: string): boolean {
  try {
    const { protocol, username, password } = new URL(text)
    return /^https?:$/.test(protocol) && username === '' && password === ''
  } catch {
    return false
  }
}
