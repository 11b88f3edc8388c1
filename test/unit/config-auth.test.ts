/** The section `auth`, the credentials file, and which hosts they open. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readCredentialsFile } from '../../src/config/credentials-file.ts'
import { parseConfig } from '../../src/config/file.ts'
import { formatProblem } from '../../src/config/problem.ts'
import type { Config } from '../../src/config/schema.ts'

function problems(text: string): string[] {
  const loaded = parseConfig(text, {})
  return loaded.kind === 'refused' ? loaded.problems.map(formatProblem) : []
}

function load(text: string): Config {
  const loaded = parseConfig(text, {})
  if (loaded.kind === 'refused') throw new Error(loaded.problems.map(formatProblem).join('\n'))
  return loaded.config
}

const credential = (more = ''): string => `{ accessKeyId: a, secretAccessKey: s${more} }`
const auth = (...credentials: string[]): string =>
  `auth: { mode: sigv4, credentials: [${credentials.join(', ')}] }`

test('a credential may do everything with every delivery stream unless it says otherwise', () => {
  expect(load(auth(credential())).auth).toEqual({
    mode: 'sigv4',
    credentials: [{ accessKeyId: 'a', secretAccessKey: 's', allow: ['firehose:*'], resources: ['*'] }],
    allowUnsignedPayload: false,
  })
})

test.each([
  [
    'auth: { mode: sigv4 }',
    'auth.credentials (line 1): must name at least one credential, or name a credentialsFile',
  ],
  [auth(), 'auth.credentials (line 1): must name at least one credential, or name a credentialsFile'],
  [
    auth(credential(), credential()),
    'auth.credentials[1].accessKeyId (line 1): access key "a" is there twice',
  ],
  [auth('{ accessKeyId: a }'), 'auth.credentials[0].secretAccessKey (line 1): is required'],
  [
    auth('{ accessKeyId: a/b, secretAccessKey: s }'),
    'auth.credentials[0].accessKeyId (line 1): must be 1 to 128 letters, digits, "_", "-" and "."',
  ],
  [
    auth(credential(', name: "a b"')),
    'auth.credentials[0].name (line 1): must be 1 to 64 letters, digits and "_+=,.@-"',
  ],
  [auth(credential(', allow: []')), 'auth.credentials[0].allow (line 1): must name at least one action'],
  [
    auth(credential(', allow: [s3:PutObject]')),
    'auth.credentials[0].allow[0] (line 1): must be an action such as firehose:PutRecord, firehose:Put* or firehose:*',
  ],
  [
    auth(credential(', allow: [firehose:PutRecrd]')),
    'auth.credentials[0].allow[0] (line 1): must be an action such as firehose:PutRecord, firehose:Put* or firehose:*; did you mean "firehose:PutRecord"?',
  ],
  [
    auth(credential(', resources: [orders]')),
    'auth.credentials[0].resources[0] (line 1): must be "*" or an ARN, such as arn:aws:firehose:us-east-1:000000000000:deliverystream/orders-* or arn:aws:s3:::lake',
  ],
  [
    auth(credential(', resources: ["arn:aws:s3:::lake"]')),
    'auth.credentials[0].resources (line 1): names no delivery stream; add their ARNs, or "*" for every one',
  ],
  [
    auth(credential(', expiration: soon')),
    'auth.credentials[0].expiration (line 1): must be a time with its zone, such as 2026-11-01T00:00:00Z, in quotes or not',
  ],
])('%s is refused', (text, problem) => {
  expect(problems(text)).toEqual([problem])
})

test('signatures open the API to other machines, but not the operators’ endpoints', () => {
  const signed = `${auth(credential())}\nserver: { host: 0.0.0.0 }`
  expect(problems(signed)).toEqual([])
  expect(problems(`${signed}\nadmin: { host: 0.0.0.0 }`)).toEqual([
    'admin.host (line 3): other machines could reach this host and nobody would be asked for credentials; write "admin: { allowRemote: true }" to allow it, or use 127.0.0.1',
  ])
  expect(problems(`${signed}\nadmin: { host: 0.0.0.0, allowRemote: true }`)).toEqual([])
  expect(problems('admin: { host: 0.0.0.0, allowRemote: true }')).toEqual([])
})

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hydrant-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

async function file(text: string): Promise<string> {
  const path = join(folder, 'credentials.yaml')
  await writeFile(path, text)
  return path
}

test('a credentials file holds the list that auth.credentials does, with variables', async () => {
  const path = await file('- accessKeyId: a\n  secretAccessKey: ${SECRET}\n  allow: [firehose:Put*]\n')
  expect(await readCredentialsFile(path, new Set(), { SECRET: 'hidden' })).toEqual([
    { accessKeyId: 'a', secretAccessKey: 'hidden', allow: ['firehose:Put*'], resources: ['*'] },
  ])
})

const canary = 'canary-5f3a'

test.each([
  ['', /must be a list of credentials/],
  ['[]', /must name at least one credential/],
  ['a: [', /line 1: not YAML/],
  [
    `- { accessKeyId: a, secretAccessKey: ${canary}, secret: ${canary} }`,
    /\[0\]\.secret \(line 1\): unknown setting/,
  ],
  [`- accessKeyId: a\n  secretAccessKey: *${canary}`, /line 2: not YAML: an alias of something/],
  [`- accessKeyId: a\n  secretAccessKey: !${canary}`, /line 2: not YAML: a tag that is not known/],
  [`- accessKeyId: a\n  secretAccessKey: !a!${canary}`, /line 2: not YAML: a tag that is not known/],
  [`- accessKeyId: a\n  secretAccessKey: |${canary}`, /line 2: not YAML: Block scalar header includes extra/],
  [`- accessKeyId: a\n  secretAccessKey: ]${canary}`, /line 2: not YAML: Unexpected scalar token/],
  [`- { accessKeyId: a, secretAccessKey: [${canary}] }`, /\[0\]\.secretAccessKey \(line 1\): must be text/],
  [
    `- { accessKeyId: a, secretAccessKey: ${canary} }\n- { accessKeyId: a, secretAccessKey: x }`,
    /\[1\]\.accessKeyId \(line 2\): access key "a" is there twice/,
  ],
  [
    `- { accessKeyId: taken, secretAccessKey: ${canary} }`,
    /access key "taken" is in auth\.credentials as well/,
  ],
])('a credentials file %j is refused without a word of its secrets', async (text, problem) => {
  const path = await file(text)
  const refused = await readCredentialsFile(path, new Set(['taken']), {}).catch((error: unknown) => error)
  expect(refused).toMatchObject({ name: 'StartError', message: expect.stringMatching(problem) })
  expect(JSON.stringify(refused) + String(refused)).not.toContain(canary)
})

test('a credentials file that is not there is told', async () => {
  await expect(readCredentialsFile(join(folder, 'none'), new Set(), {})).rejects.toMatchObject({
    message: expect.stringContaining('ENOENT'),
    hint: expect.stringContaining('auth.credentialsFile'),
  })
})
