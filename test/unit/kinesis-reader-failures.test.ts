/**
 * Whatever Kinesis or the store answer, a shard reader keeps its place: it waits, asks again, and takes each record once.
 * It gives a shard up only when it knows that the shard is no more.
 */
import { describe, expect, test } from 'vitest'
import { BufferUnavailableError } from '../../src/domain/errors.ts'
import { atTimestamp } from '../../src/domain/shard.ts'
import type { DataStreamErrorKind } from '../../src/receive/kinesis/data-stream.ts'
import { createReadTurns } from '../../src/receive/kinesis/read-turns.ts'
import { answer, child, failure, listed, readerWorld, type ReaderWorld } from '../support/shard-reading.ts'

const SHARD = 'shardId-000000000003'
const labels = { delivery_stream: 'orders' }
const LEASE = { stream: { name: 'orders', incarnation: '0' }, key: '1/shard', counter: 1 }
const noAnswer = new BufferUnavailableError('append orders: no answer')

/** Calls without crash points. */
function calls({ journal }: ReaderWorld): string[] {
  return journal.filter((call) => !call.startsWith('('))
}

function messages({ lines }: ReaderWorld): string[] {
  return lines.map(({ level, message }) => `${level} ${message}`)
}

function rewinds(world: ReaderWorld, reason: string): Promise<number> {
  return world.metrics.value('hydrant_kinesis_rewinds_total', { ...labels, reason })
}

describe('Kinesis', () => {
  test('a refusal for too many calls is waited out from a second on, with the same iterator, and told nobody', async () => {
    const world = readerWorld('10')
    world.script.reads.push(
      failure('throttled'),
      failure('throttled'),
      failure('throttled'),
      answer([11], 'a'),
    )
    world.start()
    await world.clock.advance(20_000)
    expect(world.times('read it-1')).toEqual([0, 1_500, 4_000, 8_500])
    expect(calls(world).filter((call) => call.startsWith('locate')).length).toBe(1)
    expect(messages(world)).toEqual([])
    const counted = { ...labels, result: 'throttled' }
    expect(await world.metrics.value('hydrant_kinesis_reads_total', counted)).toBe(3)
  })

  test('calls for an iterator that are refused are waited out too', async () => {
    const world = readerWorld('10')
    world.script.iterators.push(failure('throttled'))
    world.start()
    await world.clock.advance(1_500)
    expect(world.times('locate')).toEqual([0, 1_500])
    expect(world.times('read')).toEqual([1_500])
  })

  test('an expired iterator is normal: another is asked for at once, behind what is stored, and nobody is told', async () => {
    const world = readerWorld('10')
    world.script.reads.push(answer([11], 'a'), failure('expired'))
    world.start()
    await world.clock.advance(1_000)
    expect(calls(world).slice(4)).toEqual(['read a', `locate ${SHARD} 11`, 'same', 'read it-2'])
    expect(messages(world)).toEqual([])
    expect(await rewinds(world, 'expired')).toBe(1)
  })

  test('an iterator may expire again and again, as long as there are reads in between', async () => {
    const world = readerWorld('10')
    world.script.reads.push(failure('expired'), answer([], 'a'), failure('expired'), answer([], 'b'))
    world.start()
    await world.clock.advance(1_000)
    expect(world.times('read')).toEqual([0, 0, 1_000, 1_000])
    expect(messages(world)).toEqual([])
  })

  test('iterators that are born expired are asked for less and less often', async () => {
    const world = readerWorld('10')
    world.script.reads.push(...Array.from({ length: 4 }, () => failure('expired')))
    world.start()
    await world.clock.advance(10_000)
    expect(world.times('locate')).toEqual([0, 0, 750, 2_250, 5_250])
    expect(messages(world)).toEqual(['warn shards could not be read', 'info shards could be read again'])
  })

  test.each(['unavailable', 'denied'] as const)(
    'while it is %s it is asked for ever, less and less often, and that is told once, with what to do',
    async (kind) => {
      const world = readerWorld('10')
      world.script.reads.push(answer([11], 'a'), ...Array.from({ length: 8 }, () => failure(kind, 'do this')))
      world.start()
      await world.clock.advance(200_000)
      const waits = world.times('read').map((atMs, index, all) => atMs - (all[index - 1] ?? 0))
      expect(waits.slice(0, 11)).toEqual([
        0, 1_000, 750, 1_500, 3_000, 6_000, 12_000, 22_500, 22_500, 22_500, 1_000,
      ])
      expect(world.lines.map(({ level, message, fields }) => ({ level, message, fields }))).toMatchObject([
        {
          level: 'warn',
          message: 'shards could not be read',
          fields: { deliveryStream: 'orders', shardId: SHARD, err: { kind, hint: 'do this' } },
        },
        { level: 'info', message: 'shards could be read again' },
      ])
    },
  )

  test('a call without an answer is repeated with the same iterator', async () => {
    const world = readerWorld('10')
    world.script.reads.push(failure('unavailable'), answer([11], 'a'))
    world.start()
    await world.clock.advance(750)
    expect(world.times('read it-1')).toEqual([0, 750])
    expect(calls(world).filter((call) => call === 'same').length).toBe(1)
  })

  test('the readers of one delivery stream tell of an outage once', async () => {
    const world = readerWorld('10')
    const turns = createReadTurns(4)
    world.script.reads.push(...Array.from({ length: 6 }, () => failure('unavailable')))
    for (const key of ['1/shardId-1', '1/shardId-2', '1/shardId-3'])
      world.start({ turns, shard: { key, hashRange: ['0', '9'] } })
    await world.clock.advance(10_000)
    expect(messages(world)).toEqual(['warn shards could not be read', 'info shards could be read again'])
  })

  test.each<DataStreamErrorKind>(['unavailable', 'denied'])(
    'one that hangs and then is %s holds all turns once, and one of them from then on',
    async (kind) => {
      const world = readerWorld('10')
      const turns = createReadTurns(2)
      const hanging: (() => void)[] = []
      const hangs = (): Promise<never> =>
        new Promise((_, reject) => hanging.push(() => reject(failure(kind))))
      world.script.reads.push(hangs, hangs, hangs, hangs)
      for (const key of ['1/s-1', '1/s-2', '1/s-3', '1/s-4'])
        world.start({ turns, shard: { key, hashRange: ['0', '9'] } })
      await world.clock.advance(0)
      expect(hanging.length).toBe(2)
      for (const fail of hanging.splice(0)) fail()
      await world.clock.advance(0)
      expect(hanging.length).toBe(1)
      expect(await turns.take('clicks', new AbortController().signal)).toBeDefined()
    },
  )

  test('a reader that stops during an outage does not keep the others from telling the next one', async () => {
    const world = readerWorld('10')
    const turns = createReadTurns(4)
    world.script.reads.push(failure('unavailable'))
    const reader = world.start({ turns })
    await world.clock.advance(0)
    await reader.stop()
    world.script.reads.push(failure('unavailable'))
    world.start({ turns })
    await world.clock.advance(0)
    expect(messages(world)).toEqual(['warn shards could not be read', 'warn shards could not be read'])
  })
})

describe('a checkpoint that Kinesis does not know', () => {
  test('was trimmed: the shard is read from its beginning, and what is in the buffer already is left out', async () => {
    const world = readerWorld('10')
    world.script.iterators.push(failure('invalid'))
    world.script.reads.push(answer([9, 10, 14], 'a'))
    world.start()
    await world.clock.advance(0)
    expect(calls(world)).toEqual([
      `locate ${SHARD} 10`,
      'same',
      `locate ${SHARD} TRIM_HORIZON`,
      'same',
      'read it-1',
      'append 10 > 14: r14',
    ])
    expect(world.lines).toMatchObject([
      {
        level: 'warn',
        message: 'checkpoint was trimmed',
        fields: { shardId: SHARD, checkpoint: '10', hint: expect.stringContaining('retention') as string },
      },
    ])
    expect(await rewinds(world, 'trimmed')).toBe(1)
  })

  test('is told once, however often the reader comes back to it', async () => {
    const world = readerWorld('10')
    world.script.iterators.push(
      failure('invalid'),
      () => 'a',
      failure('invalid'),
      () => 'b',
    )
    world.script.reads.push(failure('expired'))
    world.start()
    await world.clock.advance(0)
    expect(messages(world)).toEqual(['warn checkpoint was trimmed'])
    expect(await rewinds(world, 'trimmed')).toBe(2)
  })

  test('may be a time that has not come for Kinesis: it waits, says to look at the clock, and starts there', async () => {
    const world = readerWorld(atTimestamp(1_790_000_000_000))
    world.script.iterators.push(failure('invalid'), failure('invalid'))
    world.start()
    await world.clock.advance(5_000)
    expect(calls(world).filter((call) => call.startsWith('locate'))).toEqual(
      Array.from({ length: 3 }, () => `locate ${SHARD} AT_TIMESTAMP:1790000000000`),
    )
    expect(world.times('locate')).toEqual([0, 750, 2_250])
    expect(world.lines[0]).toMatchObject({
      message: 'shards could not be read',
      fields: { hint: expect.stringContaining('clock') as string },
    })
    expect(await rewinds(world, 'trimmed')).toBe(0)
  })

  test.each([
    ['the horizon', 'iterators'],
    ['an iterator', 'reads'],
  ] as const)('may be refused for no reason, as %s: it asks again', async (_, call) => {
    const world = readerWorld()
    world.script[call].push(failure('invalid'))
    world.script.reads.push(answer([1], 'a'))
    world.start()
    await world.clock.advance(1_000)
    expect(world.times('locate')).toEqual([0, 750])
    expect(world.store.records).toEqual(['r1'])
    expect(await rewinds(world, 'trimmed')).toBe(0)
  })
})

describe('a data stream that was deleted and made again', () => {
  test('is not read with the checkpoints of the one before, at the start', async () => {
    const world = readerWorld('10')
    world.script.same.push(false)
    world.start()
    await world.clock.advance(0)
    expect(world.end()).toBe('data-stream-replaced')
    expect(world.times('read')).toEqual([])
  })

  test.each<DataStreamErrorKind>(['expired', 'invalid', 'gone'])(
    'nor after an iterator was %s',
    async (kind) => {
      const world = readerWorld('10')
      world.script.reads.push(failure(kind))
      world.script.same.push(true, false)
      world.start()
      await world.clock.advance(0)
      expect(world.end()).toBe('data-stream-replaced')
      expect(world.times('read').length).toBe(1)
    },
  )

  test.each([
    ['named', [listed('shardId-000000000000')]],
    ['listed', []],
  ])('nor are its shards, %s as children, registered as those of the one before', async (_, children) => {
    const world = readerWorld('10')
    world.script.reads.push(answer([11], undefined, { children }))
    world.script.same.push(true, false)
    world.script.children.push([child('shardId-000000000000')])
    world.start()
    await world.clock.advance(0)
    expect(world.end()).toBe('data-stream-replaced')
    expect(world.times('end')).toEqual([])
    expect(world.store.checkpoint).toBe('11')
  })
})

describe('a shard that Kinesis does not know', () => {
  test('was trimmed, if its data stream is the same and does not list it: it ends, with the children that are listed', async () => {
    const world = readerWorld('10')
    for (let time = 0; time < 7; time += 1) {
      world.script.iterators.push(failure('gone'))
      world.script.lists.push([listed('shardId-000000000004')])
    }
    world.script.children.push([child('shardId-000000000004')])
    world.start()
    await world.clock.advance(60_000)
    expect(calls(world).slice(-6)).toEqual([
      `locate ${SHARD} 10`,
      'same',
      'list all',
      'children []',
      'same',
      'end 10 [1790000000000/shardId-000000000004]',
    ])
    expect(world.end()).toBe('shard-end')
    expect(world.lines.at(-2)).toMatchObject({
      level: 'warn',
      message: 'shard was trimmed before its end was read',
    })
  })

  test('is not given up for half a minute: one that was just made may not be listed everywhere yet', async () => {
    const world = readerWorld()
    for (let time = 0; time < 5; time += 1) {
      world.script.iterators.push(failure('gone'))
      world.script.lists.push([listed('shardId-000000000000')])
    }
    world.script.reads.push(answer([1], 'a'))
    world.start()
    await world.clock.advance(29_000)
    expect(world.times('list').length).toBe(5)
    expect(world.times('end')).toEqual([])
    expect(world.store.records).toEqual(['r1'])
  })

  test('begins that half a minute anew once it was listed', async () => {
    const world = readerWorld('10')
    for (let time = 0; time < 8; time += 1) {
      world.script.iterators.push(failure('gone'))
      world.script.lists.push(time === 5 ? [listed(SHARD)] : [])
    }
    world.script.iterators.push('late')
    world.script.reads.push(answer([11], 'a'))
    world.start()
    await world.clock.advance(120_000)
    expect(world.times('end')).toEqual([])
    expect(world.store.records).toEqual(['r11'])
  })

  test('but is listed is asked for again: it is not given up for one odd answer', async () => {
    const world = readerWorld('10')
    world.script.reads.push(failure('gone'), answer([11], 'a'))
    world.script.lists.push([listed(SHARD)])
    world.start()
    await world.clock.advance(750)
    expect(calls(world)).toEqual([
      `locate ${SHARD} 10`,
      'same',
      'read it-1',
      'same',
      'list all',
      `locate ${SHARD} 10`,
      'same',
      'read it-2',
      'append 10 > 11: r11',
    ])
  })

  test('because the whole data stream is gone keeps its place until there is one, and that is told once', async () => {
    const world = readerWorld('10')
    world.script.reads.push(failure('gone'), answer([11], 'a'))
    world.script.same.push(true, failure('gone'), failure('gone'), failure('gone'), true)
    world.script.lists.push([listed(SHARD)])
    world.start()
    await world.clock.advance(20_000)
    expect(world.times('same').slice(1, 5)).toEqual([0, 750, 2_250, 5_250])
    expect(world.store).toEqual({ checkpoint: '11', records: ['r11'] })
    expect(messages(world)).toEqual(['warn shards could not be read', 'info shards could be read again'])
    expect(world.lines[0]?.fields['hint']).toContain('arn:aws:kinesis')
  })

  test.each<DataStreamErrorKind>(['unavailable', 'throttled', 'denied', 'expired'])(
    'is not given up while the answer to why is %s',
    async (kind) => {
      const world = readerWorld('10')
      world.script.reads.push(failure('gone'))
      world.script.same.push(true, failure(kind))
      world.script.lists.push(failure(kind), failure(kind), [listed(SHARD)])
      world.start()
      await world.clock.advance(20_000)
      expect(world.end()).toBeUndefined()
      expect(calls(world).filter((call) => call.startsWith('locate')).length).toBe(2)
    },
  )
})

describe('the buffer', () => {
  test('when it is full the records are let go, the turn is free, and the shard is read again from its place after a while', async () => {
    const world = readerWorld('10')
    const turns = createReadTurns(1)
    world.script.reads.push(answer([11, 12], 'a'), answer([11, 12], 'b'), answer([11, 12, 13], 'c'))
    world.script.appends.push({ kind: 'throttled' }, { kind: 'throttled' })
    world.start({ turns })
    await world.clock.advance(100)
    const other = await turns.take('clicks', new AbortController().signal)
    other?.end('done')
    await world.clock.advance(5_000)
    expect(world.times('append')).toEqual([0, 750, 2_250])
    expect(calls(world).filter((call) => call.startsWith('locate'))).toEqual(
      Array.from({ length: 3 }, () => `locate ${SHARD} 10`),
    )
    expect(world.store).toEqual({ checkpoint: '13', records: ['r11', 'r12', 'r13'] })
    expect(await rewinds(world, 'buffer-full')).toBe(2)
    expect(messages(world)).toEqual(['warn shards were paused', 'info shards went on after a pause'])
    expect(world.lines[0]?.fields['hint']).toContain('buffer.maxBytes')
  })

  test('is asked less and less often while it is full, though the reads in between succeed', async () => {
    const world = readerWorld('10')
    for (let time = 0; time < 9; time += 1) {
      world.script.reads.push(answer([11], 'a'))
      world.script.appends.push({ kind: 'throttled' })
    }
    world.script.reads.push(answer([11], 'a'))
    world.start()
    await world.clock.advance(200_000)
    const waits = world.times('append').map((atMs, index, all) => atMs - (all[index - 1] ?? 0))
    expect(waits).toEqual([0, 750, 1_500, 3_000, 6_000, 12_000, 22_500, 22_500, 22_500, 22_500])
  })

  test('that takes records again is asked soon the next time that it is full', async () => {
    const world = readerWorld('10')
    const full = { kind: 'throttled' } as const
    world.script.reads.push(...[11, 11, 11, 11, 12, 12].map((n) => answer([n], 'a')))
    world.script.appends.push(
      full,
      full,
      full,
      () => world.append([], { lease: LEASE, after: '10', last: '11' }),
      full,
    )
    world.start()
    await world.clock.advance(20_000)
    const waits = world.times('append').map((atMs, index, all) => atMs - (all[index - 1] ?? 0))
    expect(waits).toEqual([0, 750, 1_500, 3_000, 1_000, 750])
  })

  test('that has less room than a read needs takes the shard all the same, in smaller reads', async () => {
    const world = readerWorld('0')
    let room = 3
    const numbers = Array.from({ length: 40 }, (_, index) => index + 1)
    const read = async (iterator: string, _signal: AbortSignal, most = 10_000) => {
      const start = Number(iterator)
      const records = numbers.slice(start, start + most)
      const end = start + records.length
      return answer(records, String(end), { behindMs: numbers.length - end })
    }
    const asked: (number | undefined)[] = []
    world.start({
      dataStream: {
        arn: 'arn:aws:kinesis:us-east-1:000000000000:stream/orders',
        createdAt: () => Promise.reject(new Error('a reader does not ask this')),
        listShards: () => Promise.resolve([]),
        iterator: (_, checkpoint) => Promise.resolve(checkpoint),
        read: (iterator, signal, most) => {
          asked.push(most)
          return read(iterator, signal, most)
        },
      },
      accept: (frames, position) => {
        const records = frames.reduce((sum, frame) => sum + frame.records, 0)
        return Promise.resolve(records > room ? { kind: 'throttled' } : world.append(frames, position))
      },
    })
    await world.clock.advance(300_000)
    expect(world.store.records).toEqual(numbers.map((n) => `r${n}`))
    expect(asked.slice(0, 4)).toEqual([undefined, 5, 1, 2])
    room = 10_000
    numbers.push(...Array.from({ length: 20_000 }, (_, index) => index + 41))
    await world.clock.advance(60_000)
    expect(world.store.records).toEqual(numbers.map((n) => `r${n}`))
    expect(asked.at(-1)).toBe(undefined)
  })

  test('that does not answer is asked with reads as large as before', async () => {
    const world = readerWorld('10')
    world.script.reads.push(answer([11, 12], 'a'), answer([11, 12], 'b'))
    world.script.appends.push(noAnswer)
    world.start()
    await world.clock.advance(1_000)
    expect(calls(world).filter((call) => call.startsWith('read'))).toEqual(['read it-1', 'read it-2'])
  })

  test('when it gives no answer the shard is read again from its place', async () => {
    const world = readerWorld('10')
    world.script.reads.push(answer([11], 'a'), answer([11], 'b'))
    world.script.appends.push(noAnswer)
    world.start()
    await world.clock.advance(1_000)
    expect(world.store).toEqual({ checkpoint: '11', records: ['r11'] })
    expect(await rewinds(world, 'buffer-unavailable')).toBe(1)
  })

  test('an append whose answer was lost is found out by the next one, and no record is taken twice', async () => {
    const world = readerWorld('10')
    world.script.reads.push(answer([11, 12], 'a'), answer([11, 12, 13], 'b'), answer([13], 'c'))
    const turns = createReadTurns(1)
    let loses = true
    world.start({
      turns,
      accept: (frames, position) => {
        const taken = world.append(frames, position)
        if (!loses) return Promise.resolve(taken)
        loses = false
        return Promise.reject(noAnswer)
      },
    })
    await world.clock.advance(3_000)
    expect(calls(world).filter((call) => call.startsWith('locate'))).toEqual([
      `locate ${SHARD} 10`,
      `locate ${SHARD} 10`,
      `locate ${SHARD} 12`,
    ])
    expect(world.store).toEqual({ checkpoint: '13', records: ['r11', 'r12', 'r13'] })
    expect(await rewinds(world, 'gap')).toBe(1)
  })

  test('a gap that says the append’s own last record tells that it was taken: reading goes on', async () => {
    const world = readerWorld('10')
    world.script.reads.push(answer([11, 12], 'a'), answer([13], 'b'))
    world.script.appends.push(() => {
      world.store.checkpoint = '12'
      return { kind: 'gap', checkpoint: '12' }
    })
    world.start()
    await world.clock.advance(1_000)
    expect(calls(world).slice(2)).toEqual([
      'read it-1',
      'append 10 > 12: r11 r12',
      'read a',
      'append 12 > 13: r13',
    ])
    expect(await rewinds(world, 'gap')).toBe(0)
    expect(await world.metrics.value('hydrant_kinesis_checkpoints_total', labels)).toBe(2)
  })

  test('a store that was rolled back is followed: the records that it lost are read again', async () => {
    const world = readerWorld('10')
    world.script.reads.push(answer([11, 12], 'a'), answer([13], 'b'), answer([12, 13], 'c'))
    world.start()
    await world.clock.advance(500)
    Object.assign(world.store, { checkpoint: '11', records: ['r11'] })
    await world.clock.advance(2_000)
    expect(world.store).toEqual({ checkpoint: '13', records: ['r11', 'r12', 'r13'] })
    expect(world.lines).toMatchObject([
      {
        level: 'warn',
        message: 'shard went on from another checkpoint',
        fields: { expected: '12', checkpoint: '11' },
      },
    ])
    expect(await rewinds(world, 'gap')).toBe(1)
  })

  test('a full buffer of one delivery stream leaves turns to another', async () => {
    const full = readerWorld('10')
    const turns = createReadTurns(2)
    const hanging: (() => void)[] = []
    for (let time = 0; time < 4; time += 1) full.script.reads.push(answer([11], 'a'))
    const accept = (): Promise<{ kind: 'throttled' }> =>
      new Promise((resolve) => hanging.push(() => resolve({ kind: 'throttled' })))
    for (const key of ['1/s-1', '1/s-2', '1/s-3', '1/s-4'])
      full.start({ turns, accept, shard: { key, hashRange: ['0', '9'] } })
    await full.clock.advance(0)
    for (const answerNow of hanging.splice(0)) answerNow()
    await full.clock.advance(0)
    expect(hanging.length).toBe(1)
    expect(await turns.take('clicks', new AbortController().signal)).toBeDefined()
  })
})

describe('the end of a shard', () => {
  test('waits for the children to be known, and is not read again meanwhile', async () => {
    const world = readerWorld('10')
    world.script.reads.push(answer([11], undefined))
    world.script.children.push(failure('unavailable'), failure('throttled'), failure('gone'), [
      child('shardId-4'),
    ])
    world.start()
    await world.clock.advance(20_000)
    expect(world.times('read').length).toBe(1)
    expect(world.times('children').length).toBe(4)
    expect(calls(world).at(-1)).toBe('end 11 [1790000000000/shardId-4]')
    expect(world.end()).toBe('shard-end')
  })

  test('is written again after an answer that was lost, and the store says that it was written', async () => {
    const world = readerWorld('10')
    world.script.reads.push(answer([11], undefined, { children: [listed('shardId-4')] }))
    world.script.ends.push(noAnswer, { kind: 'gap', checkpoint: 'SHARD_END' })
    world.start()
    await world.clock.advance(2_000)
    expect(world.times('end')).toEqual([0, 750])
    expect(world.end()).toBe('shard-end')
    expect(messages(world)).toEqual(['warn shards were paused'])
  })

  test('is not written by a reader that lost its lease', async () => {
    const world = readerWorld('10')
    world.script.reads.push(answer([11], undefined, { children: [listed('shardId-4')] }))
    world.script.ends.push({ kind: 'fenced' })
    world.start()
    await world.clock.advance(0)
    expect(world.end()).toBe('fenced')
  })

  test('is not written over records that the store does not have: they are read again', async () => {
    const world = readerWorld('10')
    const children = [listed('shardId-4')]
    world.script.reads.push(answer([11, 12], undefined, { children }), answer([12], undefined, { children }))
    world.script.ends.push(() => {
      Object.assign(world.store, { checkpoint: '11', records: ['r11'] })
      return { kind: 'gap', checkpoint: '11' }
    })
    world.start()
    await world.clock.advance(2_000)
    expect(world.store).toEqual({ checkpoint: 'SHARD_END', records: ['r11', 'r12'] })
    expect(world.end()).toBe('shard-end')
  })

  test('comes after records that the buffer did not take at first', async () => {
    const world = readerWorld('10')
    const last = answer([11], undefined, { children: [listed('shardId-4')] })
    world.script.reads.push(last, last)
    world.script.appends.push({ kind: 'throttled' })
    world.start()
    await world.clock.advance(2_000)
    expect(world.store).toEqual({ checkpoint: 'SHARD_END', records: ['r11'] })
  })
})
