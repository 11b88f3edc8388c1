/**
 * Rules across settings. They see what was written even where it is wrong, so they read it with care.
 */
import type { z } from 'zod'
import { MIB } from '../domain/limits.ts'
import { formatBytes } from './fields.ts'
import { isLoopback } from './loopback.ts'

interface Hosts {
  readonly auth?: { readonly mode?: unknown } | undefined
  readonly server?: { readonly host?: unknown }
  readonly admin?: { readonly host?: unknown; readonly allowRemote?: unknown }
}

/**
 * A host that other machines reach is refused unless callers are asked for credentials there, or somebody wrote that
 * nobody is. Signatures protect the API only: the operators' endpoints have a consent of their own.
 */
export function hostRules(config: Hosts, context: z.core.$RefinementCtx): void {
  const refuse = (section: 'server' | 'admin', consent: string): void => {
    const host = config?.[section]?.host
    if (typeof host !== 'string' || isLoopback(host)) return
    context.addIssue({
      code: 'custom',
      path: [section, 'host'],
      message:
        'other machines could reach this host and nobody would be asked for credentials; ' +
        `write "${consent}" to allow it, or use 127.0.0.1`,
    })
  }
  if (config?.auth === undefined) refuse('server', 'auth: { mode: none }')
  if (config?.admin?.allowRemote === true) return
  if (config?.auth === undefined) refuse('admin', 'auth: { mode: none }')
  else if (config.auth?.mode === 'sigv4') refuse('admin', 'admin: { allowRemote: true }')
}

interface Signers {
  readonly credentials?: unknown
  readonly credentialsFile?: unknown
}

/** Somebody must be able to sign. */
export function credentialRules(auth: Signers, context: z.core.$RefinementCtx): void {
  if (auth?.credentialsFile !== undefined) return
  if (!Array.isArray(auth?.credentials) || auth.credentials.length > 0) return
  context.addIssue({
    code: 'custom',
    path: ['credentials'],
    message: 'must name at least one credential, or name a credentialsFile',
  })
}

/** Access key ids are unique. */
export function accessKeyRules(credentials: unknown, context: z.core.$RefinementCtx): void {
  repeated(fieldOfEach(credentials, 'accessKeyId')).forEach(([index, id]) =>
    context.addIssue({
      code: 'custom',
      path: [index, 'accessKeyId'],
      message: `access key "${id}" is there twice`,
    }),
  )
}

interface Keys {
  readonly accessKeyId?: unknown
  readonly secretAccessKey?: unknown
}

export function keyRules(store: Keys, context: z.core.$RefinementCtx): void {
  const pair = ['accessKeyId', 'secretAccessKey'] as const
  for (const [name, other] of [pair, pair.toReversed()] as const) {
    if (name === undefined || other === undefined) continue
    if (store?.[name] === undefined || store[other] !== undefined) continue
    context.addIssue({
      code: 'custom',
      path: [other],
      message: `is required beside ${name}; leave out both to use the AWS SDK’s own chain`,
    })
  }
}

interface Token {
  readonly sessionToken?: unknown
  readonly accessKeyId?: unknown
}

export function tokenRules(store: Token, context: z.core.$RefinementCtx): void {
  if (store?.sessionToken === undefined || store.accessKeyId !== undefined) return
  context.addIssue({
    code: 'custom',
    path: ['accessKeyId'],
    message: 'is required beside sessionToken; the AWS SDK’s own chain brings its own token',
  })
}

interface Pace {
  readonly endpoint?: unknown
  readonly readsPerSecond?: unknown
  readonly shardBytesPerSecond?: unknown
}

/** What AWS allows to all consumers of a shard together (Kinesis API, GetRecords). */
const paceMax = { readsPerSecond: 5, shardBytesPerSecond: 2 * MIB } as const

export function paceRules(kinesis: Pace, context: z.core.$RefinementCtx): void {
  if (kinesis?.endpoint !== undefined) return
  for (const [name, max] of Object.entries(paceMax) as [keyof typeof paceMax, number][]) {
    const value = kinesis?.[name]
    if (typeof value !== 'number' || value <= max) continue
    const allowed = name === 'readsPerSecond' ? `${max} reads` : formatBytes(max)
    context.addIssue({
      code: 'custom',
      path: [name],
      message: `AWS allows ${allowed} a second to all consumers of a shard together; more needs "endpoint"`,
    })
  }
}

interface Start {
  readonly startingPosition?: unknown
  readonly startingTimestamp?: unknown
}

export function startRules(extension: Start, context: z.core.$RefinementCtx): void {
  const isTimed = extension?.startingPosition === 'AT_TIMESTAMP'
  if (isTimed === (extension?.startingTimestamp !== undefined)) return
  context.addIssue({
    code: 'custom',
    path: ['startingTimestamp'],
    message: isTimed
      ? 'is required beside "startingPosition: AT_TIMESTAMP"'
      : 'is for "startingPosition: AT_TIMESTAMP" only',
  })
}

/** Names of metadata columns are unique. */
export function columnNameRules(columns: unknown, context: z.core.$RefinementCtx): void {
  if (typeof columns !== 'object' || columns === null) return
  const fields = Object.keys(columns)
  repeated(Object.values(columns)).forEach(([index, name]) =>
    context.addIssue({
      code: 'custom',
      path: [fields[index] ?? ''],
      message: `column "${name}" is there twice`,
    }),
  )
}

/** Names of columns are unique within a table. */
export function catalogRules(columns: unknown, context: z.core.$RefinementCtx): void {
  repeated(fieldOfEach(columns, 'name')).forEach(([index, name]) =>
    context.addIssue({ code: 'custom', path: [index, 'name'], message: `column "${name}" is there twice` }),
  )
}

/** Names of declared delivery streams are unique. */
export function streamRules(streams: unknown, context: z.core.$RefinementCtx): void {
  repeated(fieldOfEach(streams, 'DeliveryStreamName')).forEach(([index, name]) =>
    context.addIssue({
      code: 'custom',
      path: [index, 'DeliveryStreamName'],
      message: `delivery stream "${name}" is declared twice`,
    }),
  )
}

function fieldOfEach(list: unknown, field: string): unknown[] {
  if (!Array.isArray(list)) return []
  return list.map((entry: unknown): unknown =>
    typeof entry === 'object' && entry !== null ? Reflect.get(entry, field) : undefined,
  )
}

/** Index and text of each text that stood earlier in the list. */
function repeated(names: readonly unknown[]): [number, string][] {
  const found: [number, string][] = []
  names.forEach((name, index) => {
    if (typeof name === 'string' && names.indexOf(name) < index) found.push([index, name])
  })
  return found
}
