/** How an encoding ends: disposed of, aborted, failed; nothing is left behind. */
import { readdir } from 'node:fs/promises'
import { expect, test } from 'vitest'
import type { Frame } from '../../../src/domain/frame.ts'
import { inputOf, type OpenedEncoder } from './encoding.ts'

export interface Engine {
  readonly encoder: OpenedEncoder
  readonly stagingPath: string
}

export function endingSuite(engine: Engine): void {
  const columns = [['n', 'int']] as const // prettier-ignore
  const records = Array.from({ length: 20_000 }, (_, n) => (n % 3 === 0 ? '{"n":"x"}' : `{"n":${n}}`))
  const stagedFiles = async (): Promise<string[]> =>
    (await readdir(engine.stagingPath, { recursive: true, withFileTypes: true }))
      .filter((entry) => entry.isFile() && !/duckdb|\.tmp/.test(entry.name))
      .map(({ name }) => name)

  test('failures may be read again, and given up half-way', async () => {
    const encoded = await engine.encoder.encode(inputOf({ columns, records }))
    for await (const { ordinal } of encoded.failures()) if (ordinal > 100) break
    let count = 0
    for await (const { rawData } of encoded.failures()) count += rawData.length > 0 ? 1 : 0
    expect(count).toBe(6667)
    await encoded.dispose()
  })

  test('dispose leaves no files', async () => {
    const encoded = await engine.encoder.encode(inputOf({ columns, records }))
    expect((await stagedFiles()).length).toBeGreaterThan(0)
    await encoded.dispose()
    expect(await stagedFiles()).toEqual([])
    await encoded.dispose()
  })

  test('an abort before the start and in the middle rejects and leaves no files', async () => {
    await expect(
      engine.encoder.encode(inputOf({ columns, records, signal: AbortSignal.abort(new Error('stopped')) })),
    ).rejects.toThrow('stopped')
    const abort = new AbortController()
    const input = inputOf({ columns, records, signal: abort.signal })
    const frames = async function* (): AsyncIterable<Frame> {
      let count = 0
      for await (const frame of input.frames()) {
        yield frame
        if ((count += 1) === 10) abort.abort(new Error('stopped'))
      }
    }
    await expect(engine.encoder.encode({ ...input, frames })).rejects.toThrow('stopped')
    expect(await stagedFiles()).toEqual([])
  })

  test('a batch that cannot be read rejects with its error and leaves no files', async () => {
    const input = inputOf({ columns, records })
    const frames = async function* (): AsyncIterable<Frame> {
      yield* input.frames()
      throw new Error('frame 40 fails its checksum')
    }
    await expect(engine.encoder.encode({ ...input, frames })).rejects.toThrow('frame 40 fails its checksum')
    expect(await stagedFiles()).toEqual([])
  })
}
