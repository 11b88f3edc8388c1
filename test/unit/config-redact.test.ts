import { expect, test } from 'vitest'
import { parseConfig } from '../../src/config/file.ts'
import { redactConfig } from '../../src/config/redact.ts'

const canary = 'canary-5f3a'

test.each([
  `buffer: { type: redis, url: "redis://user:${canary}@redis:6379/0" }`,
  `buffer: { type: redis, url: "redis://:${canary}@redis:6379" }`,
  `buffer: { type: redis, url: "redis://user:a@${canary}@redis:6379" }`,
  `buffer: { type: redis, url: "/run/redis.sock?db=1&password=${canary}" }`,
  `objectStore: { type: s3, accessKeyId: AKIA, secretAccessKey: "${canary}" }`,
  `kinesis: { accessKeyId: AKIA, secretAccessKey: "${canary}" }`,
  `kinesis: { accessKeyId: ASIA, secretAccessKey: x, sessionToken: "${canary}" }`,
  `auth: { mode: sigv4, credentials: [{ accessKeyId: a, secretAccessKey: "${canary}" }] }`,
  `auth: { mode: sigv4, credentials: [{ accessKeyId: a, secretAccessKey: b, sessionToken: "${canary}" }] }`,
  `deliveryStreams: [{ DeliveryStreamName: a, H: { EndpointConfiguration: { AccessKey: "${canary}" } } }]`,
  `deliveryStreams: [{ DeliveryStreamName: a, R: { Username: u, Password: "${canary}" } }]`,
])('no secret is in the effective configuration of %s', (text) => {
  const loaded = parseConfig(text, {})
  if (loaded.kind === 'refused') throw new Error('refused')
  expect(JSON.stringify(loaded.config)).toContain(canary)
  const redacted = JSON.stringify(redactConfig(loaded.config))
  expect(redacted).not.toContain(canary)
  expect(redacted).toContain('[redacted]')
})

test.each([
  ['objectStore', `objectStore: { type: s3, endpoint: "http://me:${canary}@store:9000" }`],
  ['objectStore', `objectStore: { type: s3, endpoint: "http://${canary}@store:9000" }`],
  ['kinesis', `kinesis: { endpoint: "https://me:a/${canary}@127.0.0.1:4568" }`],
])('no endpoint may hold a secret: %s', (section, text) => {
  expect(parseConfig(text, {})).toMatchObject({
    kind: 'refused',
    problems: [
      {
        path: [section, 'endpoint'],
        message: 'must hold no user and no password; accessKeyId and secretAccessKey are settings',
      },
    ],
  })
})

test.each(['a/b', 'a?b', 'a#b', 'a%b'])('a password that is not escaped is refused: %s', (password) => {
  const parsed = parseConfig(`buffer: { type: redis, url: "redis://user:${password}@redis:6379" }`, {})
  expect(parsed).toMatchObject({
    problems: [{ path: ['buffer', 'url'], message: expect.stringMatching(/^must be a URL; in a password/) }],
  })
  const escaped = encodeURIComponent(password)
  expect(parseConfig(`buffer: { type: redis, url: "redis://user:${escaped}@redis:6379" }`, {})).toMatchObject(
    {
      kind: 'loaded',
    },
  )
})

test('what is no secret stays', () => {
  const text = `
buffer: { type: redis, url: "redis://user:x@redis:6379/0" }
auth: { mode: sigv4, credentialsFile: /run/credentials.yaml, credentials: [{ accessKeyId: a, secretAccessKey: b }] }`
  const loaded = parseConfig(text, {})
  if (loaded.kind === 'refused') throw new Error('refused')
  expect(redactConfig(loaded.config)).toMatchObject({
    server: { host: '127.0.0.1', port: 4573 },
    auth: {
      credentialsFile: '/run/credentials.yaml',
      credentials: [{ accessKeyId: 'a', secretAccessKey: '[redacted]', allow: ['firehose:*'] }],
    },
    buffer: { url: 'redis://user:[redacted]@redis:6379/0' },
  })
})
