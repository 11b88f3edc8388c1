/** The header `Authorization` of Signature Version 4. */
import { digestOf, incomplete, missingToken } from './refusals.ts'
import { ALGORITHM, TERMINATOR, type Scope } from './signature.ts'

export interface Authorization {
  readonly algorithm: string
  /** `<key id>/<date>/<region>/<service>/aws4_request` */
  readonly credential: string
  /** Lower-case, in the order in which they are signed. */
  readonly signedHeaders: readonly string[]
  readonly signature: string
}

const PARAMETERS = ['Credential', 'Signature', 'SignedHeaders'] as const

/**
 * @param values of the header, of which there is one
 * @param hasDate the request says when it was signed; if not, that is a part of what is told
 */
export function parseAuthorization(values: readonly string[] | undefined, hasDate: boolean): Authorization {
  const header = values?.[0]?.trim()
  if (header === undefined || !header.startsWith('AWS4-')) throw missingToken()
  if (values?.length !== 1) throw incomplete('Authorization header must be there once.')
  const space = header.indexOf(' ')
  const algorithm = space < 0 ? header : header.slice(0, space)
  const given = parametersOf(header, space < 0 ? '' : header.slice(space + 1))
  const wanting: string[] = PARAMETERS.filter((name) => !given.get(name)).map(
    (name) => `Authorization header requires '${name}' parameter. `,
  )
  if (!hasDate)
    wanting.push("Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. ")
  if (wanting.length > 0)
    throw incomplete(
      `${wanting.join('')}(Hashed with SHA-256 and encoded with Base64) Authorization=${digestOf(header)}`,
    )
  const signedHeaders = (given.get('SignedHeaders') ?? '').toLowerCase().split(';')
  // No signer says a name twice. Said thousands of times, a long header would be hashed as often.
  if (new Set(signedHeaders).size < signedHeaders.length)
    throw incomplete("Authorization header must name each 'SignedHeader' once.")
  return {
    algorithm,
    credential: given.get('Credential') ?? '',
    signedHeaders,
    signature: given.get('Signature') ?? '',
  }
}

function parametersOf(header: string, list: string): ReadonlyMap<string, string> {
  const parameters = new Map<string, string>()
  for (const part of list.split(',')) {
    const parameter = part.trim()
    if (parameter === '') continue
    const equals = parameter.indexOf('=')
    const name = parameter.slice(0, Math.max(equals, 0))
    if (name === '' || parameters.has(name))
      throw incomplete(
        `Invalid key=value pair (${name === '' ? 'missing equal-sign' : 'repeated key'}) in Authorization header (hashed with SHA-256 and encoded with Base64): '${digestOf(header)}'.`,
      )
    parameters.set(name, parameter.slice(equals + 1))
  }
  return parameters
}

export interface ScopedKey extends Scope {
  readonly accessKeyId: string
  readonly terminator: string
}

export function parseCredential(credential: string): ScopedKey {
  const [accessKeyId, date, region, service, terminator, ...rest] = credential.split('/')
  if (
    accessKeyId === undefined ||
    date === undefined ||
    region === undefined ||
    service === undefined ||
    terminator === undefined ||
    rest.length > 0
  )
    throw incomplete(
      `Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got '${credential.slice(0, 256)}'`,
    )
  return { accessKeyId, date, region, service, terminator }
}

export function checkAlgorithm(algorithm: string): void {
  if (algorithm !== ALGORITHM)
    throw incomplete(`Unsupported AWS 'algorithm': '${algorithm.slice(0, 64)}' (only ${ALGORITHM} for now). `)
}

/** All that is wrong with a scope, in one sentence after another. */
export function scopeProblems(given: ScopedKey, wanted: Omit<Scope, 'date'>, time: string): string {
  const signedOn = time.slice(0, 8)
  return [
    given.region === wanted.region
      ? ''
      : `Credential should be scoped to a valid region, not '${given.region.slice(0, 64)}'. `,
    given.service === wanted.service
      ? ''
      : `Credential should be scoped to correct service: '${wanted.service}'. `,
    given.terminator === TERMINATOR
      ? ''
      : `Credential should be scoped with a valid terminator: '${TERMINATOR}', not '${given.terminator.slice(0, 64)}'. `,
    given.date === signedOn
      ? ''
      : `Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '${given.date.slice(0, 64)}' != '${signedOn}', from '${time}'. `,
  ].join('')
}
