/** G6: what Redis and ioredis say when a command fails, and what each becomes. */
import { expect, test } from 'vitest'
import { BufferUnavailableError, StartError } from '../../src/domain/errors.ts'
import { classify, startError, translate } from '../../src/store/redis/failure.ts'

function coded(message: string, code: string): Error {
  return Object.assign(new Error(message), { code })
}

test.each([
  [
    new Error("OOM command not allowed when used memory > 'maxmemory'. script: 1f, on @user_script:1."),
    'OOM',
  ],
  [new Error('ERR Error running script (call to f_1): @user_script:1: -OOM command not allowed'), 'OOM'],
  [new Error('NOREPLICAS Not enough good replicas to write.'), 'NOREPLICAS'],
  [new Error("READONLY You can't write against a read only replica."), 'READONLY'],
  [new Error('LOADING Redis is loading the dataset in memory'), 'LOADING'],
  [new Error('MISCONF Errors writing to the AOF file: No space left on device'), 'MISCONF'],
  [new Error('CLUSTERDOWN The cluster is down'), 'CLUSTERDOWN'],
  [
    new Error("MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'."),
    'MASTERDOWN',
  ],
  [new Error('BUSY Redis is busy running a script.'), 'BUSY'],
  [new Error('UNKILLABLE Sorry the script already executed write commands'), 'BUSY'],
  [new Error('TRYAGAIN Multiple keys request during rehashing of slot'), 'TRYAGAIN'],
  [new Error('NOAUTH Authentication required.'), 'NOAUTH'],
  [new Error('WRONGPASS invalid username-password pair or user is disabled.'), 'NOAUTH'],
  [new Error("NOPERM this user has no permissions to run the 'evalsha' command"), 'NOPERM'],
  [new Error('Connection is closed.'), 'CONNECTION'],
  [new Error("Stream isn't writeable and enableOfflineQueue options is false"), 'CONNECTION'],
  [new Error('Command aborted due to connection close'), 'CONNECTION'],
  [new Error('Reached the max retries per request limit (which is 1). Refer to'), 'CONNECTION'],
  [new Error("Socket timeout. Expecting data, but didn't receive any in 5000ms."), 'CONNECTION'],
  [coded('connect ECONNREFUSED 127.0.0.1:1', 'ECONNREFUSED'), 'CONNECTION'],
  [coded('read ECONNRESET', 'ECONNRESET'), 'CONNECTION'],
  [coded('write EPIPE', 'EPIPE'), 'CONNECTION'],
  [coded('connect ENOENT /run/redis.sock', 'ENOENT'), 'CONNECTION'],
  [coded('getaddrinfo ENOTFOUND redis', 'ENOTFOUND'), 'CONNECTION'],
  [new Error('connect ETIMEDOUT'), 'CONNECTION'],
  [new Error('Command timed out'), 'TIMEOUT'],
  [new Error('WRONGTYPE Operation against a key holding the wrong kind of value'), 'DEFECT'],
  [new Error('HYDRANT append sequence 4 of e1 is below 5'), 'DEFECT'],
  [new Error("ERR unknown command 'WAITAOF'"), 'DEFECT'],
  ['not an error', 'DEFECT'],
])('%s is %s', (error, failure) => {
  expect(classify(error)).toBe(failure)
  const translated = translate(error, 'append to orders')
  expect(translated.message).toMatch(/^append to orders: /)
  if (failure === 'DEFECT') expect(translated).not.toBeInstanceOf(BufferUnavailableError)
  else expect(translated).toMatchObject({ name: 'BufferUnavailableError', hint: expect.stringMatching(/\w/) })
})

test('the arguments of a command, which hold records, are not kept on its error', () => {
  const error = Object.assign(new Error('READONLY'), {
    command: { name: 'evalsha', args: ['a secret record'] },
  })
  expect(
    JSON.stringify(translate(error, 'append to orders').cause, Object.getOwnPropertyNames(error)),
  ).not.toContain('secret')
})

test('a failure at the start is an error for the operator that keeps what Redis said', () => {
  const error = startError(
    new Error('WRONGPASS invalid username-password pair'),
    'connect to redis at db:6379',
  )
  expect(error).toBeInstanceOf(StartError)
  expect(error.message).toContain('connect to redis at db:6379')
  expect(error.message).toContain('WRONGPASS')
  expect(error.hint).toContain('buffer.url')
})
