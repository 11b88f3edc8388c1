/** A declaration acts once, so an old process cannot push an old declaration back. */
import { expect, test } from 'vitest'
import { createLog } from '../../src/account/log.ts'
import { StartError } from '../../src/domain/errors.ts'
import type { Registry } from '../../src/domain/ports.ts'
import { applyDeclarations, checkDeclaration } from '../../src/receive/declarations.ts'
import { declarationHash } from '../../src/receive/declare.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { MemoryStore } from '../support/memory-store.ts'

const context = { region: 'eu-west-1', accountId: '111122223333', limits: 'aws' as const }

function declaration(prefix: string, name = 'orders') {
  return {
    DeliveryStreamName: name,
    ExtendedS3DestinationConfiguration: { BucketARN: 'arn:aws:s3:::lake', Prefix: prefix },
  }
}

/** @param replace changes definitions in place of the registry, which it is given */
function setUp(
  replace?: (
    registry: Registry,
    ...given: Parameters<Registry['replace']>
  ) => ReturnType<Registry['replace']>,
) {
  const store = new MemoryStore()
  const clock = new FakeClock()
  const { registry } = store
  const start = (declarations: readonly unknown[]) =>
    applyDeclarations({
      declarations,
      registry:
        replace === undefined ? registry : { ...registry, replace: (stream) => replace(registry, stream) },
      context,
      clock,
      log: createLog('silent'),
    })
  return { store, clock, start }
}

test('two processes with two versions of a file, restarted in turn, leave the newer one in force', async () => {
  const { store, start } = setUp()
  const [old, newer] = [declaration('old/'), declaration('new/')]
  await start([old])
  await start([newer])
  await start([old])
  await start([newer])
  await start([old])
  const stream = store.streams.get('orders')
  expect(stream?.destination.prefix).toBe('new/')
  expect(stream?.version).toBe(2)
  expect(stream?.declarations).toEqual([declarationHash(old), declarationHash(newer)])
})

test('declarations that processes apply at once are all kept, so that none acts a second time', async () => {
  const answers: string[] = []
  const { store, start } = setUp(async (registry, stream) => {
    const answer = await registry.replace(stream)
    answers.push(answer)
    return answer
  })
  await start([declaration('a/')])
  // They say the same in other words, so that neither raises the version.
  const [one, other] = ['1', '2'].map((Value) => ({ ...declaration('a/'), Tags: [{ Key: 'file', Value }] }))
  await Promise.all([start([one]), start([other])])
  expect(answers.toSorted()).toEqual(['conflict', 'replaced', 'replaced'])
  expect(store.streams.get('orders')).toMatchObject({ version: 1, revision: 3 })
  const hashes = [declaration('a/'), one, other].map((each) => declarationHash(each))
  expect(store.streams.get('orders')?.declarations.toSorted()).toEqual(hashes.toSorted())
  await start([declaration('b/')])
  await Promise.all([start([one]), start([other])])
  expect(store.streams.get('orders')?.destination.prefix).toBe('b/')
})

test('a declaration that is applied while the stream is tagged or encrypted keeps both', async () => {
  const tags = [{ Key: 'team', Value: 'lake' }]
  const encryption = { status: 'ENABLED', keyType: 'AWS_OWNED_CMK', changesAtMs: [1] } as const
  const changes = [{ tags }, { encryption }]
  // Each time just before the declaration is written, something else of the stream changes.
  const { store, start } = setUp(async (registry, stream) => {
    const known = await registry.get('orders')
    const change = changes.shift()
    if (known !== undefined && change !== undefined)
      expect(await registry.replace({ ...known, ...change })).toBe('replaced')
    return registry.replace(stream)
  })
  await start([declaration('a/')])
  await start([declaration('b/')])
  expect(changes).toEqual([])
  const stream = store.streams.get('orders')
  expect(stream).toMatchObject({ tags, encryption, version: 2, revision: 4 })
  expect(stream?.destination.prefix).toBe('b/')
  expect(stream?.declarations).toHaveLength(2)
})

test('a declaration that would disable a backup is refused, and changes nothing', async () => {
  const { store, start } = setUp()
  const { DeliveryStreamName, ExtendedS3DestinationConfiguration: place } = declaration('a/')
  const backedUp = {
    DeliveryStreamName,
    ExtendedS3DestinationConfiguration: {
      ...place,
      S3BackupMode: 'Enabled',
      S3BackupConfiguration: { BucketARN: 'arn:aws:s3:::safe' },
    },
  }
  await start([backedUp])
  const before = store.streams.get('orders')
  expect(before?.destination.backup?.bucket).toBe('safe')
  await expect(start([declaration('b/')])).rejects.toThrow(
    /deliveryStreams\[0\]: orders has S3BackupMode Enabled and is declared without; a backup cannot be disabled/,
  )
  expect(store.streams.get('orders')).toEqual(before)
  await start([{ ...backedUp, Tags: [{ Key: 'file', Value: '2' }] }])
  expect(store.streams.get('orders')?.destination.backup?.bucket).toBe('safe')
})

test('a stream remembers the declarations that were applied last, not all of them', async () => {
  const { store, start } = setUp()
  for (let file = 0; file < 1_010; file += 1) await start([declaration(`${file}/`)])
  const hashes = store.streams.get('orders')?.declarations
  expect(hashes).toHaveLength(1_000)
  expect(hashes?.at(-1)).toBe(declarationHash(declaration('1009/')))
  expect(hashes?.at(0)).toBe(declarationHash(declaration('10/')))
})

test('a declaration gives its tags when it creates the stream, and changes none afterwards', async () => {
  const { store, start } = setUp()
  const tagged = (Value: string) => ({ ...declaration('a/'), Tags: [{ Key: 'file', Value }] })
  await start([tagged('1')])
  await start([tagged('2')])
  expect(store.streams.get('orders')?.tags).toEqual([{ Key: 'file', Value: '1' }])
})

test('an old declaration comes back in force once any member of it is changed, as the warning says', async () => {
  const { store, start } = setUp()
  await start([declaration('old/')])
  await start([declaration('new/')])
  await start([{ ...declaration('old/'), Tags: [{ Key: 'returned', Value: '1' }] }])
  expect(store.streams.get('orders')?.destination.prefix).toBe('old/')
  expect(store.streams.get('orders')?.version).toBe(3)
})

test('the first declaration creates the stream, with a role filled in', async () => {
  const { store, start } = setUp()
  const [stream] = await start([declaration('a/')])
  expect(stream).toEqual(store.streams.get('orders'))
  expect(stream?.arn).toBe('arn:aws:firehose:eu-west-1:111122223333:deliverystream/orders')
  expect(stream?.description['RoleARN']).toBe('arn:aws:iam::111122223333:role/hydrant')
  expect(stream?.updatedAtMs).toBeUndefined()
})

test('a changed declaration keeps the incarnation and raises the version', async () => {
  const { store, clock, start } = setUp()
  await start([declaration('a/')])
  const before = store.streams.get('orders')
  await clock.advance(5_000)
  await start([declaration('b/')])
  const after = store.streams.get('orders')
  expect(after?.incarnation).toBe(before?.incarnation)
  expect(after?.createdAtMs).toBe(before?.createdAtMs)
  expect(after?.updatedAtMs).toBe(clock.now())
  expect(after?.version).toBe(2)
})

test('a declaration that says the same in other words raises no version', async () => {
  const { store, start } = setUp()
  await start([declaration('a/')])
  await start([
    {
      DeliveryStreamName: 'orders',
      DeliveryStreamType: 'DirectPut',
      S3DestinationConfiguration: {
        Prefix: 'a/',
        BucketARN: 'arn:aws:s3:::lake',
        BufferingHints: { SizeInMBs: 5, IntervalInSeconds: 300 },
      },
    },
  ])
  expect(store.streams.get('orders')?.version).toBe(1)
  expect(store.streams.get('orders')?.updatedAtMs).toBeUndefined()
})

test('the order of members does not change the hash', () => {
  expect(declarationHash({ a: 1, b: { c: [1, 2], d: 2 } })).toBe(
    declarationHash({ b: { d: 2, c: [1, 2] }, a: 1 }),
  )
  expect(declarationHash({ a: [1, 2] })).not.toBe(declarationHash({ a: [2, 1] }))
})

test('a stream that is no longer declared is kept', async () => {
  const { store, start } = setUp()
  await start([declaration('a/'), declaration('b/', 'clicks')])
  await start([declaration('a/')])
  expect([...store.streams.keys()]).toEqual(['orders', 'clicks'])
})

test('a stream left in deletion is removed and created anew', async () => {
  const { store, start } = setUp()
  const [first] = await start([declaration('a/')])
  if (first === undefined) throw new Error('nothing was declared')
  store.streams.set('orders', { ...first, status: 'DELETING' })
  await start([declaration('a/')])
  const again = store.streams.get('orders')
  expect(again?.status).toBe('ACTIVE')
  expect(again?.incarnation).not.toBe(first.incarnation)
})

test('all problems of all declarations are told at once, before anything is changed', async () => {
  const { store, start } = setUp()
  const refused = start([
    declaration('a/'),
    { DeliveryStreamName: 'b c', ExtendedS3DestinationConfiguration: { BucketArn: 'arn:aws:s3:::lake' } },
    declaration('!{timestamp:yyyy}/', 'clicks'),
    declaration('a/'),
  ])
  await expect(refused).rejects.toBeInstanceOf(StartError)
  await expect(refused).rejects.toThrow(
    [
      'declare delivery streams:',
      "deliveryStreams[1]: Value 'b c' at 'deliveryStreamName' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+",
      "deliveryStreams[1]: Value at 'extendedS3DestinationConfiguration.bucketARN' failed to satisfy constraint: Member must not be null",
      "deliveryStreams[1]: 'extendedS3DestinationConfiguration.BucketArn' is not known",
      'deliveryStreams[2]: ErrorOutputPrefix cannot be null or empty when Prefix contains expressions',
      'deliveryStreams[3]: orders is declared twice',
    ].join('\n'),
  )
  expect(store.streams.size).toBe(0)
})

test('a misspelt member is told with the name that was meant', () => {
  const problems = checkDeclaration(
    { ...declaration('a/'), DeliveryStreamTyp: 'DirectPut' },
    { ...context, nearestName: (name, known) => known.find((each) => each.startsWith(name)) },
  )
  expect(problems).toEqual(["'DeliveryStreamTyp' is not known; did you mean DeliveryStreamType?"])
})

test.each([null, 5, 'x', [], {}])('a declaration %j is refused in a sentence', (input) => {
  expect(checkDeclaration(input, context)).toHaveLength(1)
})
