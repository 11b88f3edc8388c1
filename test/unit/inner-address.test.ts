/** Which hosts only this machine or its own network can reach, and what URLs lie below one that is allowed. */
import { expect, test } from 'vitest'
import { isInnerAddress, isInnerHost, isUrlWithin } from '../../src/domain/inner-address.ts'

test.each([
  'localhost',
  'LOCALHOST.'.toLowerCase(),
  'api.localhost',
  '127.0.0.1',
  '127.8.9.10',
  '0.0.0.0',
  '10.1.2.3',
  '172.16.0.1',
  '172.31.255.255',
  '192.168.0.1',
  '169.254.169.254',
  '100.64.0.1',
  '[::1]',
  '[::]',
  '[fe80::1]',
  '[fd00:ec2::254]',
  '[::ffff:7f00:1]',
  '[64:ff9b::a9fe:a9fe]',
])('%s is inner', (host) => {
  expect(isInnerHost(host)).toBe(true)
})

test.each(['example.com', 'localhost.example.com', '8.8.8.8', '172.32.0.1', '[2606:4700::1111]'])(
  '%s is not',
  (host) => {
    expect(isInnerHost(host)).toBe(false)
  },
)

test('what a URL makes of another spelling of an address is that address', () => {
  for (const url of ['http://2130706433/', 'http://0x7f.1/', 'http://[::ffff:127.0.0.1]/', 'http://127.1/'])
    expect(isInnerHost(new URL(url).hostname), url).toBe(true)
  expect(isInnerAddress('::ffff:10.0.0.1')).toBe(true)
  expect(isInnerAddress('not an address')).toBe(false)
})

test.each<[string, boolean]>([
  ['http://127.0.0.1:8080/transform', true],
  ['http://127.0.0.1:8080/transform/', true],
  ['http://127.0.0.1:8080/transform/orders?x=1', true],
  ['http://127.0.0.1:8080/transforms', false],
  ['http://127.0.0.1:8080/', false],
  ['http://127.0.0.1:8080/transform/../admin', false],
  ['http://127.0.0.1:8081/transform', false],
  ['https://127.0.0.1:8080/transform', false],
  ['http://127.0.0.1:8080@127.0.0.2/transform', false],
])('%s below http://127.0.0.1:8080/transform: %s', (url, within) => {
  expect(isUrlWithin(url, ['http://10.0.0.1', 'http://127.0.0.1:8080/transform'])).toBe(within)
})
