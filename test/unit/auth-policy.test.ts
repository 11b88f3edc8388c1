/** What a credential may do: IAM's actions and resources with wildcards, and what streams may be made to use. */
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { matchesWildcard } from '../../src/domain/wildcard.ts'
import { createCaller, type Policy } from '../../src/receive/http/auth/policy.ts'
import type { Caller } from '../../src/receive/http/api.ts'

const account = { region: 'us-east-1', accountId: '000000000000' }
const user = 'arn:aws:iam::000000000000:user/producer'
const stream = (name: string): string => `arn:aws:firehose:us-east-1:000000000000:deliverystream/${name}`

function caller(policy: Partial<Policy>, declared: readonly string[] = []): Caller {
  const whole = { allow: ['firehose:*'], resources: ['*'], ...policy }
  return createCaller(whole, { user, account, declared: () => new Set(declared) })
}

const denied = (act: () => void): string => {
  try {
    act()
  } catch (error) {
    expect(error).toMatchObject({ type: 'AccessDeniedException', status: 400 })
    return (error as Error).message
  }
  return ''
}

test.each<[readonly string[], string, boolean]>([
  [['firehose:*'], 'firehose:DeleteDeliveryStream', true],
  [['*'], 'firehose:DeleteDeliveryStream', true],
  [['firehose:Put*'], 'firehose:PutRecordBatch', true],
  [['FIREHOSE:put*'], 'firehose:PutRecord', true],
  [['firehose:Put*'], 'firehose:DeleteDeliveryStream', false],
  [['firehose:PutRecord'], 'firehose:PutRecordBatch', false],
  [['firehose:PutRecor?'], 'firehose:PutRecord', true],
  [['firehose:Describe*', 'firehose:List*'], 'firehose:ListTagsForDeliveryStream', true],
])('%j and %s: %s', (allow, action, allowed) => {
  const message = denied(() => caller({ allow }).authorize(action, stream('orders')))
  expect(message).toBe(
    allowed
      ? ''
      : `User: ${user} is not authorized to perform: ${action} on resource: ${stream('orders')} because no identity-based policy allows the ${action} action`,
  )
})

test.each<[readonly string[], string, boolean]>([
  [['*'], stream('orders'), true],
  [[stream('orders')], stream('orders'), true],
  [[stream('orders')], stream('orders2'), false],
  [[stream('orders-*')], stream('orders-eu'), true],
  [[stream('orders-??')], stream('orders-eu'), true],
  [[stream('orders-??')], stream('orders-eux'), false],
  [['arn:aws:firehose:*:*:deliverystream/orders'], stream('orders'), true],
  [['arn:aws:firehose:*'], stream('orders'), false],
  [['arn:aws:*:*:*:*'], stream('orders'), true],
  [['arn:aws:firehose:*:deliverystream/x'], stream('x'), false],
  [[stream('Orders')], stream('orders'), false],
  // A name that looks like an ARN is a name, and is matched as the service does it: after the one that it is put into.
  [[stream('orders')], stream(stream('orders')), false],
  [['*'], '*', true],
  [[stream('*')], '*', false],
])('resources %j and %s: %s', (resources, resource, allowed) => {
  const message = denied(() => caller({ resources }).authorize('firehose:PutRecord', resource))
  expect(message === '').toBe(allowed)
})

test('a decision that is remembered stays what it was, however many others come', () => {
  const limited = caller({ resources: [stream('a*')] })
  for (let round = 0; round < 3; round += 1) {
    for (let index = 0; index < 2000; index += 1) limited.authorize('firehose:PutRecord', stream(`a${index}`))
    expect(denied(() => limited.authorize('firehose:PutRecord', stream('b')))).not.toBe('')
  }
})

const bucket = 'arn:aws:s3:::lake'
const shape = 'arn:aws:lambda:us-east-1:000000000000:function:shape'
const orders = 'arn:aws:glue:us-east-1:000000000000:table/sales/orders'

test.each<[string, readonly string[], string, boolean]>([
  ['a declared bucket, with no entry for buckets', ['*'], bucket, true],
  ['another bucket, with no entry for buckets', ['*'], 'arn:aws:s3:::other', false],
  ['a listed bucket', ['*', 'arn:aws:s3:::other'], 'arn:aws:s3:::other', true],
  ['a declared bucket, where others are listed', ['*', 'arn:aws:s3:::other'], bucket, false],
  ['a bucket by a wildcard', ['*', 'arn:aws:s3:::team-*'], 'arn:aws:s3:::team-a', true],
  ['a data stream that is not declared', ['*'], 'arn:aws:kinesis:us-east-1:1:stream/clicks', false],
  [
    'a listed data stream',
    ['*', 'arn:aws:kinesis:*:*:stream/*'],
    'arn:aws:kinesis:us-east-1:1:stream/clicks',
    true,
  ],
  ['a role that is not declared', ['*', 'arn:aws:s3:::*'], 'arn:aws:iam::1:role/admin', false],
  ['a listed role', ['*', 'arn:aws:iam::*:role/firehose-*'], 'arn:aws:iam::1:role/firehose-x', true],
  ['a function that is not declared', ['*'], shape, false],
  ['a listed function', ['*', shape], shape, true],
  ['another function than the listed one', ['*', shape], `${shape}s`, false],
  ['an alias of a function that is listed without', ['*', shape], `${shape}:live`, false],
  ['aliases of a function, by a wildcard', ['*', `${shape}:*`], `${shape}:live`, true],
  ['functions by a wildcard', ['*', 'arn:aws:lambda:*:*:function:*'], `${shape}:$LATEST`, true],
  ['a function behind another ARN', ['*', 'arn:aws:lambda:*:*:*'], `arn:x:y:${shape}`, false],
  ['a table of Glue that is not declared', ['*'], orders, false],
  ['a listed table of Glue', ['*', 'arn:aws:glue:*:*:table/sales/*'], orders, true],
  ['a table of another database', ['*', 'arn:aws:glue:*:*:table/hr/*'], orders, false],
  ['what is no ARN', ['*', 'arn:aws:s3:::*'], 'lake', false],
])('%s', (_, resources, resource, allowed) => {
  const message = denied(() => caller({ resources }, [bucket]).reach(resource))
  expect(message === '').toBe(allowed)
})

test('an ARN that hides a bucket behind another is the bucket at its end', () => {
  const limited = caller({ resources: ['*', 'arn:aws:s3:::lake*', 'arn:aws:kinesis:*:*:*'] }, [bucket])
  expect(denied(() => limited.reach('arn:aws:s3:::lake:s3:::secret'))).not.toBe('')
  expect(denied(() => limited.reach('arn:aws:kinesis:us-east-1:1:stream/x:s3:::secret'))).not.toBe('')
  expect(denied(() => limited.reach('arn:x:s3:::secret:s3:::lake'))).toBe('')
  expect(denied(() => limited.reach('arn:aws:kinesis:a:b:c:kinesis:us-east-1:1:stream/x'))).not.toBe('')
})

test('who may not use something hears which permission of AWS would be asked for', () => {
  expect(denied(() => caller({}).reach('arn:aws:s3:::secret'))).toBe(
    `User: ${user} is not authorized to perform: s3:PutObject on resource: arn:aws:s3:::secret because no identity-based policy allows the s3:PutObject action`,
  )
  expect(denied(() => caller({}).reach('arn:aws:iam::1:role/admin'))).toContain('iam:PassRole')
  expect(denied(() => caller({}).reach(shape))).toContain('lambda:InvokeFunction')
  expect(denied(() => caller({}).reach(orders))).toContain('glue:GetTable')
})

test('wildcards match as a regular expression of theirs does', () => {
  const text = fc.string({ unit: fc.constantFrom('a', 'b', ':', '*', '?') })
  fc.assert(
    fc.property(text, text, (pattern, subject) => {
      const expression = pattern.replaceAll('*', '.*').replaceAll('?', '.')
      expect(matchesWildcard(pattern, subject)).toBe(new RegExp(`^${expression}$`, 's').test(subject))
    }),
    { numRuns: 2000 },
  )
})

test('a pattern made to be slow is not', () => {
  const started = performance.now()
  expect(matchesWildcard(`${'*a'.repeat(50)}b`, 'a'.repeat(5000))).toBe(false)
  expect(performance.now() - started).toBeLessThan(1000)
})
