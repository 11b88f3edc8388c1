/**
 * Transforms by AWS Lambda through the official SDK. What happens when all is well runs against LAMBDA_ENDPOINT instead where
 * that is set, with LAMBDA_FUNCTION_ARN naming a function there that answers Ok with the data it was sent; what goes wrong
 * needs the fake.
 */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createLog } from '../../src/account/log.ts'
import { Metrics } from '../../src/account/metrics.ts'
import { RoleSessions } from '../../src/deliver/role-sessions.ts'
import type { Transform } from '../../src/domain/delivery-stream.ts'
import type { Frame } from '../../src/domain/frame.ts'
import { KIB, MIB, RECORD_BYTES_MAX } from '../../src/domain/limits.ts'
import { createTransform, type TransformOptions } from '../../src/process/transform/transform.ts'
import { eventually } from '../support/eventually.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { mapping, RawAnswer, startFakeLambda, type FakeLambda } from '../support/fake-lambda.ts'
import { startFakeSts } from '../support/fake-sts.ts'
import { startHttpTransform } from '../support/http-transform.ts'
import { keepingLog } from '../support/log-lines.ts'
import {
  apiFrame,
  batch,
  deliveryStream,
  FUNCTION_ARN,
  plan,
  recordsOf,
  streamed,
  transformBy,
  type Derived,
} from '../support/transform-batch.ts'

const own = { accessKeyId: 'AKIAOWN', secretAccessKey: 'own-secret' }
const ROLE = 'arn:aws:iam::123456789012:role/transform'
const elsewhere = process.env['LAMBDA_ENDPOINT']
const elsewhereArn = process.env['LAMBDA_FUNCTION_ARN'] ?? FUNCTION_ARN

let lambda: FakeLambda
let clock: FakeClock
let metrics: Metrics
let closers: (() => Promise<void> | void)[]

beforeEach(async () => {
  lambda = await startFakeLambda({ AKIAOWN: 'own-secret', ASIASESSION1: 'secret-of-session-1' })
  clock = new FakeClock()
  metrics = new Metrics()
  closers = [() => lambda.close()]
})
afterEach(async () => {
  for (const close of closers.toReversed()) await close()
})

interface Run {
  readonly options?: Partial<TransformOptions>
  readonly transform?: Partial<Transform>
  readonly signal?: AbortSignal
}

function run(frames: readonly Frame[], { options, transform, signal }: Run = {}): AsyncIterable<Frame> {
  const stage = createTransform({
    registry: { get: () => Promise.resolve(deliveryStream) },
    lambda: { endpoint: lambda.endpoint, ...own },
    http: { allowedUrls: [] },
    callsPerBatch: 5,
    clock,
    metrics,
    log: createLog('silent'),
    ...options,
  })
  closers.push(() => stage.close())
  return stage.transform({
    batch,
    plan,
    transform: transformBy(transform),
    frames: streamed(frames),
    signal: signal ?? new AbortController().signal,
  })
}

/** Moves the clock over the waits between tries. */
async function retried(derived: Promise<Derived[]>): Promise<Derived[]> {
  let isDone = false
  void derived.then(() => (isDone = true))
  await eventually(async () => {
    await clock.advance(1_000)
    expect(isDone).toBe(true)
  })
  return derived
}

const codesOf = (derived: readonly Derived[]) => derived.map(({ metadata }) => metadata.verdict?.code)

test('records go to the function and come back, through the SDK', async () => {
  lambda.define(
    'clean',
    mapping((text) => text),
    'live',
  )
  const target = {
    kind: 'lambda',
    functionArn: elsewhere === undefined ? FUNCTION_ARN : elsewhereArn,
  } as const
  const keys = elsewhere === undefined ? own : {}
  const derived = await recordsOf(
    run([apiFrame(['one', '', 'three'])], {
      transform: { target },
      options: { lambda: { endpoint: elsewhere ?? lambda.endpoint, ...keys } },
    }),
  )
  expect(derived.map(({ text }) => text)).toEqual(['one', '', 'three'])
  expect(codesOf(derived)).toEqual([undefined, undefined, undefined])
})

test.each([
  [':live', 'live'],
  [':7', '7'],
  ['', '$LATEST'],
  [':$LATEST', '$LATEST'],
])('the ARN is used as it was given: %s invokes %s, in its own region', async (suffix, qualifier) => {
  lambda.define(
    'clean',
    mapping((text) => `${qualifier} ${text}`),
    qualifier,
  )
  const functionArn = `arn:aws:lambda:ap-south-2:123456789012:function:clean${suffix}`
  const transform = { target: { kind: 'lambda', functionArn } } as const
  const derived = await recordsOf(run([apiFrame(['a'])], { transform }))
  expect(derived.map(({ text }) => text)).toEqual([`${qualifier} a`])
  expect(lambda.invocations).toMatchObject([
    { name: 'clean', qualifier, region: 'ap-south-2', accessKeyId: 'AKIAOWN' },
  ])
})

test('records of 1,000 KiB go out three at a time and come back whole', async () => {
  lambda.define(
    'clean',
    mapping((text) => text),
    'live',
  )
  const record = Buffer.alloc(RECORD_BYTES_MAX, '0123456789')
  const derived = await recordsOf(
    run([apiFrame([record, record, record, record])], { transform: { bufferBytes: 3 * MIB } }),
  )
  expect(derived.every(({ text }) => text === record.toString())).toBe(true)
  expect(new Set(lambda.invocations.map(({ event }) => event.records.length))).toEqual(new Set([1, 3]))
})

test('calls under way are as many as asked', async () => {
  let running = 0
  let letGo: () => void = () => undefined
  const held = new Promise<void>((resolve) => (letGo = resolve))
  const answer = mapping((text) => text)
  lambda.define(
    'clean',
    async (event) => {
      running += 1
      await held
      return answer(event)
    },
    'live',
  )
  const frames = Array.from({ length: 9 }, (_, index) =>
    apiFrame([`${index}`], clock.now() + index * 100_000),
  )
  const derived = recordsOf(run(frames, { options: { callsPerBatch: 4 } }))
  await eventually(() => expect(running).toBe(4))
  letGo()
  expect((await derived).map(({ text }) => text)).toEqual('012345678'.split(''))
  expect(lambda.mostAtOnce).toBe(4)
})

describe('failures', () => {
  const transform = { retries: 1 }

  test.each([
    [404, 'ResourceNotFoundException', 'Lambda.ResourceNotFound'],
    [403, 'AccessDeniedException', 'Lambda.InvokeAccessDenied'],
    [429, 'TooManyRequestsException', 'Lambda.InvokeLimitExceeded'],
    [502, 'EC2ThrottledException', 'Lambda.InvokeLimitExceeded'],
    [502, 'InvalidSubnetIDException', 'Lambda.InvalidSubnetIDException'],
    [502, 'InvalidSecurityGroupIDException', 'Lambda.InvalidSecurityGroupIDException'],
    [502, 'SubnetIPAddressLimitReachedException', 'Lambda.SubnetIPAddressLimitReachedException'],
    [502, 'ENILimitReachedException', 'Lambda.ENILimitReachedException'],
    [502, 'InvalidZipFileException', 'Lambda.InvalidZipFileException'],
    [403, 'UnrecognizedClientException', 'Lambda.InvalidSecurityToken'],
    [403, 'ExpiredTokenException', 'Lambda.InvalidSecurityToken'],
    [500, 'ServiceException', 'Lambda.InternalServerError'],
    [503, 'ServiceUnavailableException', 'Lambda.ServiceUnavailable'],
    [502, 'KMSAccessDeniedException', 'Lambda.InvocationFailure'],
    [502, 'EFSMountTimeoutException', 'Lambda.InvocationFailure'],
    [502, '', 'Lambda.TargetServerFailedToRespond'],
    [504, '', 'Lambda.FunctionRequestTimedOut'],
    [413, 'RequestTooLargeException', 'Lambda.InvocationFailure'],
    [400, 'NeverHeardOf', 'Lambda.InvocationFailure'],
  ])('%i %s is tried again, then %s', async (status, type, code) => {
    lambda.fail({ status, type }, { status, type })
    const derived = await retried(recordsOf(run([apiFrame(['a', 'b'])], { transform })))
    expect(codesOf(derived)).toEqual([code, code])
    expect(derived[0]?.metadata.verdict?.attemptsMade).toBe(2)
    expect(derived.map(({ text }) => text)).toEqual(['a', 'b'])
  })

  test('a function that throws is tried again, then its records fail as on AWS', async () => {
    const { log, lines } = keepingLog()
    let tries = 0
    lambda.define(
      'clean',
      () => {
        tries += 1
        throw new RangeError('CANARY of a record')
      },
      'live',
    )
    const derived = await retried(recordsOf(run([apiFrame(['a'])], { options: { log } })))
    expect(tries).toBe(4)
    expect(derived[0]?.metadata.verdict).toEqual({
      errorType: 'processing-failed',
      code: 'Lambda.FunctionError',
      message: 'The Lambda function was successfully invoked but it returned an error result.',
      attemptsMade: 4,
    })
    expect(String(lines.at(-1)?.fields['err'])).toContain('it failed (RangeError)')
    expect(String(lines.map(({ fields }) => fields['err']))).not.toContain('CANARY')
  })

  test('a function that runs out of its time has the code of AWS', async () => {
    lambda.define(
      'clean',
      () => {
        const error = new Error('2026-11-02T09:15:03.012Z 1f0c Task timed out after 3.00 seconds')
        error.name = 'Sandbox.Timedout'
        throw error
      },
      'live',
    )
    const derived = await retried(recordsOf(run([apiFrame(['a'])], { transform })))
    expect(derived[0]?.metadata.verdict).toMatchObject({
      code: 'Lambda.FunctionTimedOut',
      message:
        'The Lambda function invocation timed out. Increase the Timeout setting in the Lambda function.',
      attemptsMade: 2,
    })
  })

  test('a function whose answer is beyond 6 MB has failed', async () => {
    lambda.define(
      'clean',
      mapping((text) => text + text),
      'live',
    )
    const record = Buffer.alloc(RECORD_BYTES_MAX, 'x')
    const derived = await retried(
      recordsOf(
        run([apiFrame([record, record, record])], { transform: { ...transform, bufferBytes: 3 * MIB } }),
      ),
    )
    expect(codesOf(derived)).toEqual(Array(3).fill('Lambda.FunctionError'))
  })

  test('connections that break are tried again, and then it is as if nothing had been', async () => {
    lambda.define(
      'clean',
      mapping((text) => text),
      'live',
    )
    lambda.fail('cut', 'cut')
    const derived = await retried(recordsOf(run([apiFrame(['a'])])))
    expect(codesOf(derived)).toEqual([undefined])
    expect(
      await metrics.value('hydrant_transform_calls_total', { result: 'Lambda.TargetServerFailedToRespond' }),
    ).toBe(2)
  })

  test('a Lambda that is not there is no reason to wait for ever', async () => {
    const options = { lambda: { endpoint: 'http://127.0.0.1:9', ...own } }
    const derived = await retried(recordsOf(run([apiFrame(['a'])], { transform, options })))
    expect(codesOf(derived)).toEqual(['Lambda.TargetServerFailedToRespond'])
  })

  test.each(['', 'rubbish'])('the answer %j is final', async (text) => {
    lambda.define('clean', () => new RawAnswer(text), 'live')
    const derived = await recordsOf(run([apiFrame(['a'])]))
    expect(codesOf(derived)).toEqual(['Lambda.JsonProcessingException'])
    expect(lambda.invocations).toHaveLength(1)
  })

  test('an abort ends the calls', async () => {
    const abort = new AbortController()
    lambda.define('clean', () => new Promise(() => undefined), 'live')
    const derived = recordsOf(run([apiFrame(['a'])], { signal: abort.signal }))
    const told = expect(derived).rejects.toThrow('enough')
    await eventually(() => expect(lambda.invocations).toHaveLength(1))
    abort.abort(new Error('enough'))
    await told
  })
})

describe('an endpoint that answers without end', () => {
  test('is read no further than an answer may go', async () => {
    const endless = await startHttpTransform((_body, response) => {
      response.writeHead(200)
      const write = (): void => {
        while (response.write(Buffer.alloc(64 * KIB, '1')));
        response.once('drain', write)
      }
      write()
    })
    closers.push(() => endless.close())
    const options = { lambda: { endpoint: endless.url, ...own } }
    const derived = await retried(recordsOf(run([apiFrame(['a'])], { transform: { retries: 0 }, options })))
    expect(codesOf(derived)).toEqual(['Lambda.FunctionError'])
    await eventually(() => expect(endless.open).toBe(0))
  })
})

describe('roles', () => {
  const target = { kind: 'lambda', functionArn: FUNCTION_ARN, roleArn: ROLE } as const

  async function sessions() {
    const sts = await startFakeSts(own)
    const roles = new RoleSessions({
      endpoint: sts.endpoint,
      region: 'eu-west-3',
      accountId: '123456789012',
      ...own,
      log: createLog('silent'),
    })
    closers.push(
      () => sts.close(),
      () => roles.close(),
    )
    return { sts, roles }
  }

  test('calls are made under the role, with one session for all', async () => {
    lambda.define(
      'clean',
      mapping((text) => text),
      'live',
    )
    const { sts, roles } = await sessions()
    const frames = [apiFrame(['a']), apiFrame(['b'], clock.now() + 100_000)]
    const options = { lambda: { endpoint: lambda.endpoint, ...own, roles } }
    expect(codesOf(await recordsOf(run(frames, { transform: { target }, options })))).toEqual([
      undefined,
      undefined,
    ])
    expect(lambda.invocations.map(({ accessKeyId }) => accessKeyId)).toEqual(['ASIASESSION1', 'ASIASESSION1'])
    expect(sts.sessions(ROLE)).toHaveLength(1)
  })

  test('where roles are not assumed, the process calls itself', async () => {
    lambda.define(
      'clean',
      mapping((text) => text),
      'live',
    )
    await recordsOf(run([apiFrame(['a'])], { transform: { target } }))
    expect(lambda.invocations.map(({ accessKeyId }) => accessKeyId)).toEqual(['AKIAOWN'])
  })

  test('a role that cannot be assumed is tried again, then records fail with the code of AWS', async () => {
    const { sts, roles } = await sessions()
    sts.refuse(ROLE, { status: 403, code: 'AccessDenied' })
    const options = { lambda: { endpoint: lambda.endpoint, ...own, roles } }
    const derived = await retried(
      recordsOf(run([apiFrame(['a'])], { transform: { target, retries: 1 }, options })),
    )
    expect(derived[0]?.metadata.verdict).toMatchObject({
      code: 'Lambda.AssumeRoleAccessDenied',
      attemptsMade: 2,
    })
    expect(lambda.invocations).toEqual([])
  })

  test('a session that has ended is not used for the next try', async () => {
    lambda.define(
      'clean',
      mapping((text) => text),
      'live',
    )
    const { sts, roles } = await sessions()
    lambda.fail({ status: 403, type: 'ExpiredTokenException' })
    const options = { lambda: { endpoint: lambda.endpoint, ...own, roles } }
    const derived = await retried(
      recordsOf(run([apiFrame(['a'])], { transform: { target, retries: 1 }, options })),
    )
    expect(sts.sessions(ROLE)).toHaveLength(2)
    expect(codesOf(derived)).toEqual(['Lambda.InvalidSecurityToken'])
  })
})
