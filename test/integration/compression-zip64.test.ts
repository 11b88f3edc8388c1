/** A ZIP of more than 4 GiB, before or after compression: sizes and places in the wider fields of Zip64, as others read them. */
import { spawnSync } from 'node:child_process'
import { createWriteStream } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { expect, test } from 'vitest'
import { compress } from '../../src/convert/compression/compress.ts'
import { ZipEntry } from '../../src/convert/compression/zip-entry.ts'
import { temporaryFolder } from '../support/hydrant.ts'

const MIB = 1024 ** 2
const MORE_THAN_4_GIB = 4 * 1024 ** 3 + 5 * MIB
const WITHIN_MS = 300_000
const NAME = '0f0e0d0c-0b0a-4908-8706-050403020100'

async function* zeros(length: number): AsyncGenerator<Buffer> {
  const chunk = Buffer.alloc(MIB)
  await Promise.resolve()
  for (let left = length; left > 0; left -= chunk.length) yield chunk.subarray(0, left)
}

function python(program: string, path: string): unknown {
  const { status, stdout, stderr } = spawnSync('python3', ['-c', program, path], { encoding: 'utf8' })
  expect([status, stderr]).toEqual([0, ''])
  return JSON.parse(stdout)
}

const READ_ALL = `
import json, sys, zipfile
with zipfile.ZipFile(sys.argv[1]) as archive:
    with archive.open(archive.infolist()[0]) as file:
        length = sum(len(piece) for piece in iter(lambda: file.read(1 << 20), b""))
    print(json.dumps([archive.namelist(), length]))
`

test('more than 4 GiB of records are read back, checksum and all', { timeout: WITHIN_MS }, async () => {
  const folder = await temporaryFolder()
  try {
    const path = join(folder.path, 'content.zip')
    await compress('ZIP', zeros(MORE_THAN_4_GIB), (chunks) => pipeline(chunks, createWriteStream(path)), {
      entryName: NAME,
      signal: new AbortController().signal,
    })
    expect(python(READ_ALL, path)).toEqual([[NAME], MORE_THAN_4_GIB])
  } finally {
    await folder.remove()
  }
})

const LIST = `
import json, sys, zipfile
[entry] = zipfile.ZipFile(sys.argv[1]).infolist()
print(json.dumps([entry.filename, entry.compress_size, entry.file_size, entry.header_offset]))
`

test('the directory of an archive is found behind more than 4 GiB', { timeout: WITHIN_MS }, async () => {
  const folder = await temporaryFolder()
  try {
    const path = join(folder.path, 'deflated.zip')
    const file = await open(path, 'wx')
    let at = 0
    for await (const chunk of new ZipEntry(NAME).archived(zeros(MORE_THAN_4_GIB))) {
      // Zeros are a hole in the file.
      if (chunk.length < MIB) await file.write(chunk, 0, chunk.length, at)
      at += chunk.length
    }
    await file.close()
    expect(python(LIST, path)).toEqual([NAME, MORE_THAN_4_GIB, 0, 0])
  } finally {
    await folder.remove()
  }
})
