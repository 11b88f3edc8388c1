/**
 * A process that uses an embedded store: `node lmdb-child.ts <path> hold|append|shard|derive|fill`.
 *
 * Prints `open` or `refused <message> | <hint>`. Then `hold` waits, `append` appends records `0`, `1`, … of one stream and
 * prints each number once it is acknowledged, `shard` does so from a shard and begins behind its checkpoint, `derive`
 * derives the oldest batch, 512 frames a step, and prints how many frames were asked for at each 512th, and `fill` appends
 * 100 kB at a time until it is refused, and prints how.
 */
import { BufferUnavailableError, StartError } from '../../../src/domain/errors.ts'
import { FrameBuilder, type Frame } from '../../../src/domain/frame.ts'
import { isSequenceNumber } from '../../../src/domain/shard.ts'
import { openLmdbStore, type LmdbStore } from '../../../src/store/lmdb/store.ts'

const [path = '', mode, key = ''] = process.argv.slice(2)
const stream = { name: 'orders', incarnation: '00000000000000a1' }
const clock = { now: Date.now, monotonicMs: () => performance.now(), sleep: () => Promise.resolve() }

function frame(record: Uint8Array): Frame {
  const builder = new FrameBuilder(1, record.length)
  builder.addBytes(record)
  return builder.finish(clock.now())
}

async function append(store: LmdbStore): Promise<never> {
  for (let record = 0; ; record += 1) {
    const id = { epoch: 'child', sequence: record + 1 }
    const answer = await store.buffer.append(stream, [frame(Buffer.from(String(record)))], id)
    if (answer.kind === 'appended') process.stdout.write(`${record}\n`)
  }
}

async function appendFromShard(store: LmdbStore, shard: string): Promise<void> {
  const acquired = await store.shards.acquire(stream, shard, 60_000)
  if (acquired === undefined) throw new Error(`acquire ${shard}: it was not given`)
  const { lease } = acquired
  let after = acquired.checkpoint
  let record = isSequenceNumber(after) ? Number(after) + 1 : 0
  for (let kind = 'appended'; kind === 'appended'; record += 1) {
    const position = { lease, after, last: String(record) }
    ;({ kind } = await store.buffer.appendFromShard([frame(Buffer.from(String(record)))], position))
    process.stdout.write(kind === 'appended' ? `${record}\n` : `${kind}\n`)
    after = position.last
  }
}

async function derive(store: LmdbStore, frames: number): Promise<void> {
  const [batch] = await store.buffer.sealed(stream, 1)
  if (batch === undefined) throw new Error('derive: nothing is sealed')
  const made = async function* (): AsyncGenerator<Frame> {
    for (let index = 0; index < frames; index += 1) {
      if (index % 512 === 0) process.stdout.write(`${index}\n`)
      yield await Promise.resolve(frame(Buffer.from(`made ${index} by ${process.pid}`)))
    }
  }
  await store.buffer.derive(batch, made(), new AbortController().signal)
  process.stdout.write('kept\n')
}

async function fill(store: LmdbStore): Promise<void> {
  for (let sequence = 1; ; sequence += 1) {
    const noise = Buffer.from(Array.from({ length: 100_000 }, () => Math.trunc(Math.random() * 256)))
    try {
      await store.buffer.append(stream, [frame(noise)], { epoch: 'child', sequence })
    } catch (error) {
      if (!(error instanceof BufferUnavailableError)) throw error
      process.stdout.write(`${sequence - 1} ${error.message} | ${error.hint}\n`)
      const totals = await store.buffer.totals(stream)
      process.stdout.write(
        `${totals?.accepted} ${await store.check().then(String, (failure: Error) => failure.name)}\n`,
      )
      return
    }
  }
}

try {
  const store = await openLmdbStore({
    path,
    maxBytes: 2 ** 30,
    perStreamShare: 1,
    clock,
    holder: String(process.pid),
  })
  process.stdout.write('open\n')
  if (mode === 'hold') setInterval(() => undefined, 60_000)
  else if (mode === 'append') await append(store)
  else if (mode === 'shard') await appendFromShard(store, key)
  else if (mode === 'derive') await derive(store, Number(key))
  else {
    await fill(store)
    await store.close()
  }
} catch (error) {
  if (!(error instanceof StartError)) throw error
  process.stdout.write(`refused ${error.message} | ${error.hint}\n`)
}
