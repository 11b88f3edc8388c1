/**
 * What a credential may do, in IAM's words: actions and resources with wildcards. Nothing is denied by name; what no entry
 * allows is denied.
 */
import { ClientError } from '../../../domain/errors.ts'
import { matchesWildcard } from '../../../domain/wildcard.ts'
import { bucketArn, bucketOf, type Account } from '../../arns.ts'
import type { Caller } from '../api.ts'

export interface Policy {
  /** `firehose:Put*`; upper and lower case are the same. */
  readonly allow: readonly string[]
  /** ARNs with wildcards, or `*`: every delivery stream. */
  readonly resources: readonly string[]
}

export interface PolicyContext {
  /** ARN of the caller, for sentences. */
  readonly user: string
  readonly account: Account
  /** ARNs that the declared delivery streams use: what may be used without an entry for their service. */
  readonly declared: () => ReadonlySet<string>
}

/** Decisions remembered for each caller. Clients put into a few streams again and again. */
const REMEMBERED_MAX = 1024

/** What is asked of IAM when a stream is made to use something of this service. */
const useActions: Readonly<Record<string, string>> = {
  s3: 's3:PutObject',
  kinesis: 'kinesis:GetRecords',
  iam: 'iam:PassRole',
  lambda: 'lambda:InvokeFunction',
  glue: 'glue:GetTable',
}

export function createCaller(
  { allow, resources }: Policy,
  { user, account, declared }: PolicyContext,
): Caller {
  const allowed = allow.map((action) => action.toLowerCase())
  const remembered = new Set<string>()
  const denied = (action: string, resource: string): ClientError =>
    new ClientError(
      'AccessDeniedException',
      `User: ${user} is not authorized to perform: ${action} on resource: ${resource} because no identity-based policy allows the ${action} action`,
    )
  return {
    authorize(action, resource) {
      const question = `${action} ${resource}`
      if (remembered.has(question)) return
      const wanted = action.toLowerCase()
      const mayAct = allowed.some((pattern) => matchesWildcard(pattern, wanted))
      if (!mayAct || !resources.some((pattern) => matchesArn(pattern, resource)))
        throw denied(action, resource)
      if (remembered.size >= REMEMBERED_MAX) remembered.clear()
      remembered.add(question)
    },
    reach(named) {
      const used = plainArn(named, account)
      const service = serviceOf(used)
      const entries = resources.filter((pattern) => service !== '' && serviceOf(pattern) === service)
      const mayUse =
        entries.length === 0
          ? declared().has(named) || declared().has(used)
          : entries.some((pattern) => matchesArn(pattern, used))
      if (!mayUse) throw denied(useActions[service] ?? `${service || 'firehose'}:*`, named)
    },
  }
}

/** Its name has a part of its own, and a version or alias may have another. */
const LAMBDA_FUNCTION = /^arn:[^:]*:lambda:[^:]*:[^:]*:function:[^:]+(:[^:]+)?$/

/**
 * The service's patterns let anything stand before the last part of an ARN, also what looks like another ARN. What counts
 * is what would be used: the bucket at the end; another service's ARN has six parts, or it is a function's, or none.
 */
function plainArn(arn: string, account: Account): string {
  if (/:s3:::[^:]*$/.test(arn)) return bucketArn(bucketOf(arn), account)
  return arn.split(':').length === 6 || LAMBDA_FUNCTION.test(arn) ? arn : ''
}

function serviceOf(arn: string): string {
  return arn.split(':', 3)[2] ?? ''
}

/** A wildcard stays within its part of the ARN; the last part may hold colons of its own. */
function matchesArn(pattern: string, arn: string): boolean {
  if (pattern === '*') return true
  const parts = partsOf(arn)
  const patterns = partsOf(pattern)
  return (
    parts.length === patterns.length &&
    patterns.every((part, index) => matchesWildcard(part, parts[index] ?? ''))
  )
}

function partsOf(arn: string): readonly string[] {
  const parts = arn.split(':')
  return parts.length <= 6 ? parts : [...parts.slice(0, 5), parts.slice(5).join(':')]
}
