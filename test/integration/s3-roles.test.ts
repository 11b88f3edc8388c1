/** Puts under the roles of delivery streams: each is signed with a session of its role, and no record pays for a role that fails. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createLog } from '../../src/account/log.ts'
import { RoleSessions } from '../../src/deliver/role-sessions.ts'
import { createS3Destination } from '../../src/deliver/s3.ts'
import type { ObjectToPut } from '../../src/domain/ports.ts'
import { failed } from '../conformance/destination/destination-suite.ts'
import { eventually } from '../support/eventually.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { faults, startFakeS3, type FakeS3 } from '../support/fake-s3.ts'
import { startFakeSts, type FakeSts } from '../support/fake-sts.ts'
import { keepingLog } from '../support/log-lines.ts'
import { signedBy } from '../support/signature.ts'

const own = { accessKeyId: 'AKIAOWN', secretAccessKey: 'own-secret' }
const lake = 'arn:aws:iam::111122223333:role/lake'
const vault = 'arn:aws:iam::444455556666:role/vault'
const signal = new AbortController().signal
const log = createLog('silent')
const MINUTE = 60_000

let s3: FakeS3
let sts: FakeSts
let closers: (() => Promise<void> | void)[]

beforeEach(async () => {
  s3 = await startFakeS3({ buckets: ['lake', 'vault'] })
  sts = await startFakeSts(own)
  closers = [() => s3.close(), () => sts.close()]
})
afterEach(async () => {
  for (const close of closers) await close()
})

function openSessions(change: Partial<ConstructorParameters<typeof RoleSessions>[0]> = {}): RoleSessions {
  const sessions = new RoleSessions({
    endpoint: sts.endpoint,
    region: 'us-east-1',
    accountId: '111122223333',
    ...own,
    log,
    ...change,
  })
  closers.unshift(() => sessions.close())
  return sessions
}

function destination(roles: RoleSessions | undefined = openSessions()) {
  const opened = createS3Destination({ endpoint: s3.endpoint, ...own, roles, log })
  closers.unshift(() => opened.close())
  return opened
}

let keys = 0
function object(roleArn: string | undefined, change: Partial<ObjectToPut> = {}): ObjectToPut {
  keys += 1
  return {
    bucket: 'lake',
    key: `orders/${keys}`,
    body: { bytes: Buffer.from('content') },
    contentType: 'application/octet-stream',
    metadata: { 'hydrant-batch': '1-00' },
    ...(roleArn === undefined ? {} : { roleArn }),
    ...change,
  }
}

/** Whose key signed the last request to S3, with which token, and whether the signature is right. */
function lastSigner(secretAccessKey: string) {
  const request = s3.requests.at(-1)
  if (request === undefined) throw new Error('nothing was asked of S3')
  const signed = signedBy(request)
  return {
    accessKeyId: signed.accessKeyId,
    token: request.headers['x-amz-security-token'],
    isRight: signed.signature === signed.expected(secretAccessKey),
  }
}

describe('a put', () => {
  test('is signed with the key, secret and token of a session of its role', async () => {
    const roles = destination()
    await roles.put(object(lake), signal)
    const [session] = sts.sessions(lake)
    expect(lastSigner(session?.secretAccessKey ?? '')).toEqual({
      accessKeyId: session?.accessKeyId,
      token: session?.sessionToken,
      isRight: true,
    })
    await roles.put(object(vault, { bucket: 'vault' }), signal)
    const [other] = sts.sessions(vault)
    expect(lastSigner(other?.secretAccessKey ?? '')).toEqual({
      accessKeyId: other?.accessKeyId,
      token: other?.sessionToken,
      isRight: true,
    })
  })

  test('of a place without a role is signed with the process’s own key', async () => {
    await destination().put(object(undefined), signal)
    expect(lastSigner(own.secretAccessKey)).toEqual({
      accessKeyId: own.accessKeyId,
      token: undefined,
      isRight: true,
    })
    expect(sts.asked).toEqual([])
  })

  test('is signed with the process’s own key, and its token, where roles are not assumed', async () => {
    const opened = createS3Destination({ endpoint: s3.endpoint, ...own, sessionToken: 'own-token', log })
    closers.unshift(() => opened.close())
    await opened.put(object(lake), signal)
    expect(lastSigner(own.secretAccessKey)).toMatchObject({ token: 'own-token', isRight: true })
    expect(sts.asked).toEqual([])
  })

  test('put before is recognized under its role, and a bucket is checked under it', async () => {
    const roles = destination()
    const same = object(lake)
    await roles.put(same, signal)
    await roles.put(same, signal)
    const [session] = sts.sessions(lake)
    expect(s3.requests.map(({ method }) => method)).toEqual(['PUT', 'PUT', 'HEAD'])
    expect(lastSigner(session?.secretAccessKey ?? '')).toMatchObject({ isRight: true })
    await roles.check('lake', signal, lake)
    expect(lastSigner(session?.secretAccessKey ?? '')).toMatchObject({ isRight: true })
  })
})

describe('STS', () => {
  test('is asked for a session with a name, for an hour, with the account as external id', async () => {
    await openSessions().credentials(lake)
    expect(sts.asked).toMatchObject([
      {
        Action: 'AssumeRole',
        RoleArn: lake,
        RoleSessionName: expect.stringMatching(/^hydrant-/) as string,
        ExternalId: '111122223333',
        DurationSeconds: '3600',
      },
    ])
  })

  test('is asked once for a role, however many puts need it at once', async () => {
    const roles = destination()
    const letGo = sts.hold()
    const puts = Promise.all(Array.from({ length: 12 }, () => roles.put(object(lake), signal)))
    letGo()
    await puts
    await roles.put(object(lake), signal)
    expect(sts.asked).toHaveLength(1)
    expect(s3.keys('lake')).toHaveLength(13)
  })

  test('is asked again before a session ends, and not before that', async () => {
    const clock = new FakeClock()
    const sessions = openSessions({
      clock: { now: () => Date.now(), monotonicMs: () => clock.monotonicMs() },
    })
    const first = await sessions.credentials(lake)
    await clock.advance(49 * MINUTE)
    expect(await sessions.credentials(lake)).toEqual(first)
    await clock.advance(2 * MINUTE)
    await eventually(async () => expect(await sessions.credentials(lake)).not.toEqual(first))
    expect(sts.sessions(lake)).toHaveLength(2)
  })

  test('may fail while a session is renewed: the old one serves until it ends, and STS is not asked for each put', async () => {
    const clock = new FakeClock()
    const { log: keeping, lines } = keepingLog()
    const sessions = openSessions({
      clock: { now: () => Date.now(), monotonicMs: () => clock.monotonicMs() },
      log: keeping,
    })
    const first = await sessions.credentials(lake)
    sts.refuse(lake, { status: 403, code: 'AccessDenied' })
    await clock.advance(51 * MINUTE)
    const fivePuts = async (): Promise<void> => {
      for (let put = 0; put < 5; put += 1) expect(await sessions.credentials(lake)).toEqual(first)
    }
    await fivePuts()
    await eventually(() => expect(lines).toMatchObject([{ level: 'warn' }]))
    await fivePuts()
    expect(sts.asked).toHaveLength(2)
    await clock.advance(8 * MINUTE)
    expect(await failed(sessions.credentials(lake))).toMatchObject({ code: 'AssumeRoleDenied' })
    sts.refuse(lake, undefined)
    expect(await sessions.credentials(lake)).toEqual(sts.sessions(lake)[1])
  })

  test('may be slow to renew a session: nobody waits for it until the old one ends', async () => {
    const clock = new FakeClock()
    const sessions = openSessions({
      clock: { now: () => Date.now(), monotonicMs: () => clock.monotonicMs() },
    })
    const first = await sessions.credentials(lake)
    const letGo = sts.hold()
    for (const minutes of [51, 1, 5]) {
      await clock.advance(minutes * MINUTE)
      expect(await sessions.credentials(lake)).toEqual(first)
    }
    await clock.advance(2 * MINUTE)
    const waiting = sessions.credentials(lake)
    letGo()
    expect(await waiting).toEqual(sts.sessions(lake)[1])
    expect(sts.asked).toHaveLength(2)
  })

  test('that does not answer keeps no attempt longer than it may last, and serves the others when it does', async () => {
    const roles = destination()
    const letGo = sts.hold()
    const attempt = new AbortController()
    const givenUp = failed(roles.put(object(lake), attempt.signal))
    const other = roles.put(object(lake), signal)
    attempt.abort(new Error('the attempt took too long'))
    expect(await givenUp).toMatchObject({ code: 'Aborted', retryable: true })
    expect(s3.requests).toEqual([])
    letGo()
    expect(await other).toBe(7)
    expect(sts.asked).toHaveLength(1)
    expect(await failed(roles.put(object(lake), attempt.signal))).toMatchObject({ code: 'Aborted' })
    expect(s3.keys('lake')).toHaveLength(1)
  })

  test('with another clock than ours gives sessions that are used neither once only nor for ever', async () => {
    const clock = new FakeClock()
    for (const hours of [-9, 9]) {
      const skewed = { now: () => Date.now() + hours * 60 * MINUTE, monotonicMs: () => clock.monotonicMs() }
      const sessions = openSessions({ clock: skewed })
      const first = await sessions.credentials(lake)
      expect(await sessions.credentials(lake), `${hours} h`).toEqual(first)
      await clock.advance(60 * MINUTE)
      expect(await sessions.credentials(lake), `${hours} h`).not.toEqual(first)
    }
  })
})

describe('a role that cannot be assumed', () => {
  test.each([
    ['AccessDenied', 403, 'AssumeRoleDenied', /sts:AssumeRole on .*role\/lake, .*external id 111122223333/],
    ['ValidationError', 400, 'AssumeRoleInvalid', /RoleARN/],
    ['RegionDisabledException', 403, 'AssumeRoleRegion', /aws\.stsEndpoint/],
    ['ExpiredTokenException', 400, 'AssumeRoleCredentials', /objectStore\.accessKeyId/],
  ])('%s is a failure to retry, with a hint, before anything is put', async (code, status, ours, hint) => {
    sts.refuse(lake, { status, code })
    const roles = destination()
    const failure = await failed(roles.put(object(lake), signal))
    expect(failure).toMatchObject({ code: ours, retryable: true })
    expect(failure.message).toMatch(/^assume role arn:aws:iam::111122223333:role\/lake: /)
    expect(failure.hint).toMatch(hint)
    expect(s3.requests).toEqual([])
    sts.refuse(lake, undefined)
    expect(await roles.put(object(lake), signal)).toBe(7)
  })

  test('does not keep others from theirs', async () => {
    sts.refuse(lake, { status: 403, code: 'AccessDenied' })
    const roles = destination()
    expect(await failed(roles.put(object(lake), signal))).toMatchObject({ code: 'AssumeRoleDenied' })
    expect(await roles.put(object(vault), signal)).toBe(7)
    expect(await failed(roles.check('lake', signal, lake))).toMatchObject({ code: 'AssumeRoleDenied' })
  })

  test('because of the process’s own keys says so', async () => {
    const wrong = openSessions({ secretAccessKey: 'another' })
    expect(await failed(wrong.credentials(lake))).toMatchObject({ code: 'AssumeRoleCredentials' })
  })

  test('because STS is away is tried again', async () => {
    const sessions = openSessions()
    await sts.close()
    const failure = await failed(sessions.credentials(lake))
    expect(failure).toMatchObject({ code: 'AssumeRole', retryable: true })
    expect(failure.hint).toContain(sts.endpoint)
  })
})

describe('a session that S3 refuses', () => {
  test.each(['ExpiredToken', 'InvalidAccessKeyId'])('with %s is replaced at the next put', async (code) => {
    const roles = destination()
    await roles.put(object(lake), signal)
    s3.fail({ at: 'before', does: { kind: 'answer', status: 400, code } })
    const refused = await failed(roles.put(object(lake), signal))
    expect(refused.retryable).toBe(true)
    expect(refused.hint).toMatch(/^another session of .*role\/lake is asked for at the next try; /)
    await roles.put(object(lake), signal)
    const [, second] = sts.sessions(lake)
    expect(lastSigner(second?.secretAccessKey ?? '')).toMatchObject({ isRight: true })
  })

  test('is not forgotten for what is no fault of it, and the hint names the role', async () => {
    const roles = destination()
    s3.fail({ ...faults.accessDenied, bucket: 'lake' })
    const denied = await failed(roles.put(object(lake), signal))
    expect(denied.hint).toMatch(/^arn:aws:iam::111122223333:role\/lake needs s3:PutObject/)
    await roles.put(object(lake), signal)
    expect(sts.asked).toHaveLength(1)
  })
})

test('more roles than clients are kept are served all the same, those under way too', async () => {
  const roles = destination()
  const arns = Array.from({ length: 80 }, (_, index) => `arn:aws:iam::111122223333:role/r${index}`)
  await Promise.all(arns.map((arn) => roles.put(object(arn), signal)))
  for (const arn of arns.slice(0, 3)) await roles.put(object(arn), signal)
  expect(s3.keys('lake')).toHaveLength(83)
  expect(sts.asked).toHaveLength(80)
})
