/** What the service has and this version does not, in one sentence. */
export function notSupported(what: string, supported: string): string {
  return `${what} is not supported by this version of Hydrant. Supported: ${supported}`
}
