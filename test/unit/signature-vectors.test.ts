/** AWS's signing test suite, against what we make of the same requests. */
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { createAuthenticate } from '../../src/receive/http/auth/authenticate.ts'
import { canonicalHead, signable, type RequestHead } from '../../src/receive/http/auth/canonical-request.ts'
import { createKeyring } from '../../src/receive/http/auth/keyring.ts'
import { signingKey, stringToSign } from '../../src/receive/http/auth/signature.ts'

interface Vector {
  readonly name: string
  readonly context: {
    readonly credentials: {
      readonly access_key_id: string
      readonly secret_access_key: string
      readonly token?: string
    }
    readonly region: string
    readonly service: string
    readonly timestamp: string
    readonly omit_session_token?: boolean
  }
  readonly canonicalRequest: string
  readonly stringToSign: string
  readonly signature: string
  readonly signedRequest: string
}

const vectors = JSON.parse(
  readFileSync(new URL('../fixtures/sigv4-vectors.json', import.meta.url), 'utf8'),
) as readonly Vector[]

/** As Node reads it: a byte in each character, headers folded over lines as one. */
function read(text: string): RequestHead {
  const [head = ''] = Buffer.from(text).toString('latin1').split('\n\n')
  const [line = '', ...rest] = head.replaceAll(/\n(?=\s)/g, ' ').split('\n')
  const rawHeaders = rest.filter(Boolean).flatMap((header) => {
    const colon = header.indexOf(':')
    return [header.slice(0, colon), header.slice(colon + 1).trim()]
  })
  const [method = ''] = line.split(' ', 1)
  return { method, target: line.slice(method.length + 1, line.lastIndexOf(' ')), rawHeaders }
}

const asRead = (text: string): string => Buffer.from(text).toString('latin1')

test.each(vectors)('$name: canonical request, string to sign and signature are AWS’s', (vector) => {
  const { context, signedRequest } = vector
  const lines = vector.canonicalRequest.split('\n')
  const signedHeaders = lines.at(-2)?.split(';') ?? []
  const canonical = canonicalHead(signable(read(signedRequest)), signedHeaders) + lines.at(-1)
  expect(canonical).toBe(asRead(vector.canonicalRequest))
  const time = context.timestamp.replaceAll(/[-:]/g, '')
  const scope = { ...context, date: time.slice(0, 8) }
  const text = stringToSign(canonical, time, scope)
  expect(text).toBe(vector.stringToSign)
  const key = signingKey(context.credentials.secret_access_key, scope)
  expect(key.sign(text).toString('hex')).toBe(vector.signature)
})

test.each(vectors)(
  '$name: the signed request is taken at its time, and not with another secret',
  (vector) => {
    const { context, signedRequest } = vector
    const credential = {
      accessKeyId: context.credentials.access_key_id,
      secretAccessKey: context.credentials.secret_access_key,
      sessionToken: context.credentials.token,
      allow: ['*'],
      resources: ['*'],
    }
    const body = vector.canonicalRequest.split('\n').at(-1) ?? ''
    const prove = (secretAccessKey: string) => () => {
      const account = { region: context.region, accountId: '000000000000' }
      const keyring = createKeyring(account, () => new Set())
      keyring.replace([{ ...credential, secretAccessKey }])
      const authenticate = createAuthenticate({
        keyring,
        region: context.region,
        service: context.service,
        now: () => Date.parse(context.timestamp),
        allowUnsignedPayload: false,
      })
      return authenticate(read(signedRequest)).prove(() => body)
    }
    if (context.omit_session_token === true) {
      // Here the token joins an older signature; we want it signed.
      expect(prove(credential.secretAccessKey)).toThrow("'X-Amz-Security-Token' must be a 'SignedHeader'")
      return
    }
    expect(prove(credential.secretAccessKey)()).toBeDefined()
    expect(prove('another secret')).toThrow('The request signature we calculated does not match')
  },
)

test('the suite is whole', () => {
  expect(vectors).toHaveLength(31)
})
