/** The effective configuration as it may be logged: secrets replaced. */
import type { JsonValue } from '../domain/delivery-stream.ts'
import type { Config } from './schema.ts'

const REDACTED = '[redacted]'
const secretName = /secret|passw|token|credential|^access_?key$/i
/** Names of settings that say where a secret is. */
const fileName = /File$/
/** To the last @: a password may hold anything, also what it should have escaped. */
const userInfo = /^([a-z][a-z0-9+.-]*:\/\/)(.*)@/is

export function redactConfig(config: Config): JsonValue {
  return redact('', config)
}

function redact(name: string, value: unknown): JsonValue {
  if (Array.isArray(value)) return value.map((inner: unknown) => redact(name, inner))
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, redact(key, inner)]))
  }
  if (typeof value === 'string')
    return secretName.test(name) && !fileName.test(name) ? REDACTED : withoutUserInfo(value)
  if (typeof value === 'number' || typeof value === 'boolean') return value
  return null
}

/** Keeps the user, hides the password, also one given as a query parameter. */
function withoutUserInfo(text: string): string {
  return text
    .replace(userInfo, (_, scheme: string, user: string) => {
      const [name = ''] = user.split(':')
      return user.includes(':') ? `${scheme}${name}:${REDACTED}@` : `${scheme}${user}@`
    })
    .replaceAll(/([?&](?:password|secret|token)=)[^&#]*/gi, `$1${REDACTED}`)
}
