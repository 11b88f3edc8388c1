/** Credentials and certificates that are replaced while the process runs. */
import {
  appendFile,
  copyFile,
  mkdir,
  mkdtemp,
  rename,
  rm,
  symlink,
  unlink,
  writeFile,
} from 'node:fs/promises'
import { request } from 'node:https'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { parseConfig } from '../../src/config/file.ts'
import { formatProblem } from '../../src/config/problem.ts'
import type { Config } from '../../src/config/schema.ts'
import { keepFresh } from '../../src/runtime/fresh-files.ts'
import { openAuthentication, type Authentication } from '../../src/wiring/authentication.ts'
import { keepCertified, readCertifiedKey } from '../../src/wiring/certificate.ts'
import { serveApi } from '../support/api-server.ts'
import { eventually } from '../support/eventually.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { keepingLog } from '../support/log-lines.ts'
import { signedRequest } from '../support/signed-requests.ts'

let folder: string
const closers: (() => Promise<void>)[] = []
const onStop = (close: () => Promise<void>): void => void closers.unshift(close)

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hydrant-'))
})
afterEach(async () => {
  for (const close of closers.splice(0)) await close()
  await rm(folder, { recursive: true, force: true })
})

const path = (name: string): string => join(folder, name)

/** In one step: what is written over is empty first, and may be looked at while it is. */
async function replace(name: string, text: string): Promise<void> {
  await writeFile(path('new'), text)
  await rename(path('new'), path(name))
}

function load(text: string): Config {
  const loaded = parseConfig(text, {})
  if (loaded.kind === 'refused') throw new Error(loaded.problems.map(formatProblem).join('\n'))
  return loaded.config
}

describe('files that are kept fresh', () => {
  interface Kept {
    readonly clock: FakeClock
    readonly told: string[]
    readonly used: string[]
    /** What the next loads do instead. */
    failure: Error | undefined
  }

  async function keep(...names: string[]): Promise<Kept> {
    const clock = new FakeClock()
    const kept: Kept = { clock, told: [], used: [], failure: undefined }
    const files = keepFresh({
      paths: () => names.map(path),
      load: () => {
        if (kept.failure !== undefined) return Promise.reject(kept.failure)
        kept.used.push('loaded')
        return Promise.resolve()
      },
      everyMs: 1000,
      clock,
      onLoaded: () => kept.told.push('replaced'),
      onError: (error) => kept.told.push((error as Error).message),
    })
    await files.start()
    onStop(() => files.stop())
    return kept
  }

  /** Rounds pass until it is so. */
  const rounds = (kept: Kept, probe: () => void): Promise<void> =>
    eventually(async () => {
      await kept.clock.advance(1000)
      probe()
    })

  test('are read once while they stay', async () => {
    await writeFile(path('a'), '1')
    const kept = await keep('a')
    await kept.clock.advance(10_000)
    expect(kept.used).toHaveLength(1)
    expect(kept.told).toEqual([])
  })

  test('are read again when one is written, replaced, or comes and goes', async () => {
    await writeFile(path('a'), '1')
    const kept = await keep('a', 'b')
    const steps = [
      () => appendFile(path('a'), '2'),
      () => replace('a', '3'),
      () => replace('b', '1'),
      () => unlink(path('b')),
    ]
    for (const [index, step] of steps.entries()) {
      await step()
      await rounds(kept, () => expect(kept.told).toHaveLength(index + 1))
    }
    expect(kept.used).toHaveLength(1 + steps.length)
  })

  test('are seen through the links that Kubernetes swaps', async () => {
    for (const version of ['1', '2']) {
      await mkdir(path(`..${version}`))
      await writeFile(path(`..${version}/secret`), 'the same length')
    }
    await symlink('..1', path('..data'))
    await symlink('..data/secret', path('secret'))
    const kept = await keep('secret')
    await symlink('..2', path('..new'))
    await rename(path('..new'), path('..data'))
    await rounds(kept, () => expect(kept.told).toEqual(['replaced']))
  })

  test('that cannot be used are told once, tried again, and used when they can', async () => {
    await writeFile(path('a'), '1')
    const kept = await keep('a')
    kept.failure = new Error('half written')
    await replace('a', '2')
    await rounds(kept, () => expect(kept.told).toEqual(['half written']))
    await kept.clock.advance(10_000)
    expect(kept.told).toEqual(['half written'])
    kept.failure = new Error('still bad')
    await replace('a', '3')
    await rounds(kept, () => expect(kept.told).toEqual(['half written', 'still bad']))
    kept.failure = undefined
    await rounds(kept, () => expect(kept.told.at(-1)).toBe('replaced'))
  })
})

describe('credentials', () => {
  const credential = (id: string, secret: string, more = ''): string =>
    `{ accessKeyId: ${id}, secretAccessKey: ${secret}${more} }`

  /** Whether this key may act, asked as a request would. */
  async function isTaken(
    { authenticate }: Authentication,
    accessKeyId: string,
    secretAccessKey: string,
  ): Promise<boolean> {
    const { method, target, headers } = await signedRequest({
      port: 1,
      operation: 'ListDeliveryStreams',
      body: {},
      credential: { accessKeyId, secretAccessKey },
    })
    try {
      authenticate({ method, target, rawHeaders: Object.entries(headers).flat() })
      return true
    } catch {
      return false
    }
  }

  async function open(text: string) {
    const { log, lines } = keepingLog()
    const clock = Object.assign(new FakeClock(), { now: () => Date.now() })
    const config = load(text)
    const authentication = await openAuthentication({ config, clock, log, onStop })
    const rounds = (probe: () => void | Promise<void>): Promise<void> =>
      eventually(async () => {
        await clock.advance(2_000)
        await probe()
      })
    return { authentication, lines, rounds }
  }

  const fromFile = (): string => `auth: { mode: sigv4, credentialsFile: ${path('keys.yaml')} }`

  test('of a file are read at the start and when it changes; a bad one changes nothing and is told', async () => {
    await writeFile(path('keys.yaml'), `- ${credential('a', 'one')}`)
    const { authentication, lines, rounds } = await open(fromFile())
    expect(await isTaken(authentication, 'a', 'one')).toBe(true)
    await replace('keys.yaml', `- ${credential('a', 'canary-77')}\n- { accessKeyId: b }`)
    await rounds(() => expect(lines).toHaveLength(1))
    expect(lines[0]).toMatchObject({
      level: 'error',
      message: 'credentials could not be replaced; those before stay good',
      fields: { err: { message: expect.stringContaining('[1].secretAccessKey (line 2): is required') } },
    })
    expect(String(lines[0]?.fields['err']) + JSON.stringify(lines)).not.toContain('canary-77')
    expect(await isTaken(authentication, 'a', 'one')).toBe(true)
    await replace('keys.yaml', `- ${credential('a', 'two')}\n- ${credential('b', 'three')}`)
    await rounds(() => expect(lines.at(-1)?.message).toBe('credentials were replaced'))
    expect(lines.at(-1)?.fields).toEqual({ credentials: 2 })
    expect(await isTaken(authentication, 'a', 'one')).toBe(false)
    expect(await isTaken(authentication, 'a', 'two')).toBe(true)
    expect(await isTaken(authentication, 'b', 'three')).toBe(true)
  })

  test('a file that cannot be used refuses the start', async () => {
    await expect(open(fromFile())).rejects.toMatchObject({ name: 'StartError' })
    await writeFile(path('keys.yaml'), '[]')
    await expect(open(fromFile())).rejects.toThrow('must name at least one credential')
  })

  test('of a configuration that is read again are good at once, with the file that it names', async () => {
    const { authentication, rounds } = await open(
      `auth: { mode: sigv4, credentials: [${credential('a', 'one')}] }`,
    )
    await writeFile(path('keys.yaml'), `- ${credential('b', 'two')}`)
    authentication.reload(load(fromFile()))
    await rounds(async () => expect(await isTaken(authentication, 'b', 'two')).toBe(true))
    expect(await isTaken(authentication, 'a', 'one')).toBe(false)
  })

  test('of a configuration whose file is bad wait until it is good', async () => {
    const { authentication, lines, rounds } = await open(
      `auth: { mode: sigv4, credentials: [${credential('a', 'one')}] }`,
    )
    authentication.reload(load(fromFile()))
    await rounds(() => expect(lines).toMatchObject([{ level: 'error' }]))
    expect(await isTaken(authentication, 'a', 'one')).toBe(true)
    await replace('keys.yaml', `- ${credential('b', 'two')}`)
    await rounds(async () => expect(await isTaken(authentication, 'b', 'two')).toBe(true))
  })

  test('may use what declared streams use, as the configuration has them now', async () => {
    const streams = (bucket: string): string =>
      `deliveryStreams: [{ DeliveryStreamName: s, S3DestinationConfiguration: { BucketARN: "arn:aws:s3:::${bucket}" } }]`
    const auth = `auth: { mode: sigv4, credentials: [${credential('a', 'one')}] }\n`
    const { authentication, rounds } = await open(auth + streams('lake'))
    const { method, target, headers } = await signedRequest({
      port: 1,
      operation: 'CreateDeliveryStream',
      body: '',
      credential: { accessKeyId: 'a', secretAccessKey: 'one' },
    })
    const hash = headers['x-amz-content-sha256'] ?? ''
    const caller = authentication
      .authenticate({ method, target, rawHeaders: Object.entries(headers).flat() })
      .prove(() => hash)
    caller.reach('arn:aws:s3:::lake')
    expect(() => caller.reach('arn:aws:s3:::sea')).toThrow('s3:PutObject')
    authentication.reload(load(auth + streams('sea')))
    await rounds(() => caller.reach('arn:aws:s3:::sea'))
    expect(() => caller.reach('arn:aws:s3:::lake')).toThrow('s3:PutObject')
  })
})

describe('a certificate', () => {
  const fixture = (name: string): string =>
    fileURLToPath(new URL(`../fixtures/tls/${name}.pem`, import.meta.url))

  const files = () => ({ cert: path('tls.crt'), key: path('tls.key') })

  async function install(cert: string, key: string): Promise<void> {
    await copyFile(fixture(`${cert}.cert`), files().cert)
    await copyFile(fixture(`${key}.key`), files().key)
  }

  async function serve() {
    await install('first', 'first')
    const { log, lines } = keepingLog()
    const clock = new FakeClock()
    const api = await serveApi({ certified: await readCertifiedKey(files()) })
    onStop(() => api.stop())
    await keepCertified({
      files: files(),
      certify: (certified) => api.certify(certified),
      clock,
      log,
      onStop,
    })
    const rounds = (probe: () => void | Promise<void>): Promise<void> =>
      eventually(async () => {
        await clock.advance(2_000)
        await probe()
      })
    return { api, lines, rounds }
  }

  const shaken = (port: number): Promise<TLSSocket> =>
    new Promise((resolve, reject) => {
      const socket = connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false }, () => resolve(socket))
      socket.on('error', reject)
    })

  async function nameShown(port: number): Promise<string> {
    const socket = await shaken(port)
    const { subject } = socket.getPeerCertificate()
    socket.destroy()
    return subject.CN
  }

  const list = (port: number): Promise<number> =>
    new Promise((resolve, reject) => {
      request(
        {
          port,
          host: '127.0.0.1',
          method: 'POST',
          rejectUnauthorized: false,
          agent: false,
          headers: { 'x-amz-target': 'Firehose_20150804.ListDeliveryStreams' },
        },
        (response) => {
          response.resume()
          resolve(response.statusCode ?? 0)
        },
      )
        .on('error', reject)
        .end('{}')
    })

  test('serves the API, and another one from the next connection on', async () => {
    const { api, lines, rounds } = await serve()
    expect(await list(api.port)).toBe(200)
    const before = await shaken(api.port)
    expect(await nameShown(api.port)).toBe('hydrant test first')
    await install('second', 'second')
    await rounds(() => expect(lines).toMatchObject([{ level: 'info', message: 'certificate was replaced' }]))
    expect(await nameShown(api.port)).toBe('hydrant test second')
    expect(before.destroyed).toBe(false)
    before.destroy()
  })

  test('whose key does not fit changes nothing and is told', async () => {
    const { api, lines, rounds } = await serve()
    await install('second', 'first')
    await rounds(() => expect(lines).toMatchObject([{ level: 'error' }]))
    expect(String(lines[0]?.fields['err'])).toMatch(/read certificate .* with key .*: .*mismatch/)
    expect(await nameShown(api.port)).toBe('hydrant test first')
    expect(await list(api.port)).toBe(200)
  })

  test('that is none refuses the start', async () => {
    await install('first', 'second')
    await expect(readCertifiedKey(files())).rejects.toMatchObject({ name: 'StartError' })
    await writeFile(files().cert, 'nothing')
    await expect(readCertifiedKey(files())).rejects.toMatchObject({ hint: expect.stringContaining('in PEM') })
    await expect(readCertifiedKey({ ...files(), key: path('none') })).rejects.toThrow('ENOENT')
  })

  test('does not keep the API from serving when others speak no TLS, or nothing', async () => {
    const { api } = await serve()
    const plain = connect(api.port, '127.0.0.1', () => plain.write('GET / HTTP/1.1\r\n\r\n'))
    plain.on('error', () => undefined)
    await eventually(() => expect(plain.closed).toBe(true))
    const silent = connect(api.port, '127.0.0.1')
    silent.on('error', () => undefined)
    const idle = await shaken(api.port)
    idle.on('error', () => undefined)
    expect(await list(api.port)).toBe(200)
    await api.stop()
    await eventually(() => expect(silent.closed && idle.closed).toBe(true))
  })
})
