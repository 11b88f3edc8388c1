import { expect, test } from 'vitest'
import { readEnvironment } from '../../src/config/environment.ts'
import { nearestName } from '../../src/config/nearest-name.ts'
import { parseRoles } from '../../src/config/roles.ts'
import { StartError } from '../../src/domain/errors.ts'

test('the log level is info unless it is set, and an unknown one is refused', () => {
  expect(readEnvironment({}).logLevel).toBe('info')
  expect(readEnvironment({ HYDRANT_LOG_LEVEL: 'debug' }).logLevel).toBe('debug')
  expect(() => readEnvironment({ HYDRANT_LOG_LEVEL: 'loud' })).toThrow(StartError)
})

test('roles are a list of known names', () => {
  expect(parseRoles('api,delivery')).toEqual(new Set(['api', 'delivery']))
  expect(parseRoles(' api ')).toEqual(new Set(['api']))
  expect(parseRoles('kinesis')).toEqual(new Set(['kinesis']))
  expect(parseRoles('')).toBeUndefined()
  expect(parseRoles('api,web')).toBeUndefined()
})

test.each([
  ['prot', 'port'],
  ['maxinflightbytes', 'maxInFlightBytes'],
  ['max_in_flight_bytes', 'maxInFlightBytes'],
  ['hots', 'host'],
  ['retries', undefined],
])('the nearest name to %s is %s', (wrong, nearest) => {
  expect(nearestName(wrong, ['host', 'port', 'maxInFlightBytes'])).toBe(nearest)
})
