/** Where objects land, and under whose name. */
import { expect, test } from 'vitest'
import { parseConfig } from '../../src/config/file.ts'
import { formatProblem } from '../../src/config/problem.ts'
import { redactConfig } from '../../src/config/redact.ts'

function load(text: string) {
  const loaded = parseConfig(text, {})
  if (loaded.kind === 'refused') throw new Error(loaded.problems.map(formatProblem).join('\n'))
  return loaded.config
}

test('roles are not assumed and no ACL is sent unless it is asked for', () => {
  const { aws, objectStore } = load('objectStore: { type: s3 }')
  expect(aws.assumeRoles).toBe(false)
  expect(aws.stsEndpoint).toBeUndefined()
  expect(objectStore).toEqual({ type: 's3' })
})

test('all that can be asked for', () => {
  const { aws, objectStore } = load(`
aws: { assumeRoles: true, stsEndpoint: "https://sts.example" }
objectStore: { type: s3, accessKeyId: a, secretAccessKey: b, sessionToken: c, acl: bucket-owner-full-control }`)
  expect(aws).toMatchObject({ assumeRoles: true, stsEndpoint: 'https://sts.example' })
  expect(objectStore).toMatchObject({ sessionToken: 'c', acl: 'bucket-owner-full-control' })
})

test.each([
  [
    'objectStore: { type: s3, acl: private }',
    /^objectStore\.acl \(line 1\): must be bucket-owner-full-control$/,
  ],
  ['aws: { stsEndpoint: sts.amazonaws.com }', /^aws\.stsEndpoint \(line 1\): must be a URL/],
  ['aws: { assumeRoles: often }', /^aws\.assumeRoles \(line 1\): must be true or false$/],
  [
    'objectStore: { type: s3, sessionToken: t }',
    /^objectStore\.accessKeyId \(line 1\): is required beside sessionToken/,
  ],
])('%s is refused with one sentence', (text, sentence) => {
  const loaded = parseConfig(text, {})
  const problems = loaded.kind === 'refused' ? loaded.problems.map(formatProblem) : []
  expect(problems).toEqual([expect.stringMatching(sentence)])
})

test('a session token is a secret', () => {
  const config = load(
    'objectStore: { type: s3, accessKeyId: a, secretAccessKey: b, sessionToken: canary-77 }',
  )
  expect(JSON.stringify(redactConfig(config))).not.toContain('canary-77')
})
