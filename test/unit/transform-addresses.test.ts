/** Which addresses a transform by HTTP reaches only where it is allowed to. */
import { expect, test } from 'vitest'
import { isAllowedUrl, isRefusedAddress } from '../../src/process/transform/addresses.ts'

test.each([
  '127.0.0.1',
  '127.255.255.254',
  '0.0.0.0',
  '10.1.2.3',
  '100.64.0.1',
  '169.254.169.254',
  '169.254.170.2',
  '172.16.0.1',
  '172.31.255.255',
  '192.168.0.1',
  '198.18.0.1',
  '224.0.0.1',
  '255.255.255.255',
  '::',
  '::1',
  '::ffff:127.0.0.1',
  '::ffff:169.254.169.254',
  '::ffff:a9fe:a9fe',
  '::127.0.0.1',
  'fc00::1',
  'fd00:ec2::254',
  'fe80::1',
  'febf::1',
  'fec0::1',
  'ff02::1',
  '64:ff9b::a9fe:a9fe',
  '2002:7f00:1::',
  '2001::1',
])('%s is refused', (address) => {
  expect(isRefusedAddress(address)).toBe(true)
})

test.each([
  '1.1.1.1',
  '9.255.255.255',
  '11.0.0.0',
  '100.63.255.255',
  '100.128.0.0',
  '169.253.255.255',
  '172.15.255.255',
  '172.32.0.0',
  '192.167.0.1',
  '203.0.113.7',
  '2606:4700:4700::1111',
  '2001:4860:4860::8888',
  '::ffff:1.1.1.1',
])('%s is public', (address) => {
  expect(isRefusedAddress(address)).toBe(false)
})

test.each([
  ['http://10.0.0.1/a', 'http://10.0.0.1', true],
  ['http://10.0.0.1/a', 'http://10.0.0.1/', true],
  ['http://10.0.0.1:80/a', 'http://10.0.0.1/a', true],
  ['http://LOCALHOST/a/b', 'http://localhost/a', true],
  ['http://10.0.0.1/ab', 'http://10.0.0.1/a', false],
  ['http://10.0.0.1/a/../b', 'http://10.0.0.1/a', false],
  ['https://10.0.0.1/a', 'http://10.0.0.1/a', false],
  ['http://10.0.0.1:8080/', 'http://10.0.0.1:80', false],
  ['http://10.0.0.10/', 'http://10.0.0.1', false],
  ['http://10.0.0.1@evil.example/', 'http://10.0.0.1', false],
])('%s is allowed by %s: %s', (url, allowed, isAllowed) => {
  expect(isAllowedUrl(new URL(url), ['http://other.example', allowed])).toBe(isAllowed)
})
