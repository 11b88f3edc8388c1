import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createFolderDestination } from '../../../src/deliver/folder.ts'
import { namesOfKey } from '../../../src/deliver/folder-path.ts'
import { destinationSuite } from './destination-suite.ts'

destinationSuite('folder', async () => {
  const root = await mkdtemp(join(tmpdir(), 'hydrant-buckets-'))
  return {
    destination: createFolderDestination({ root: join(root, 'new', 'root') }),
    bucket: 'lake',
    keyPrefix: 'suite/',
    keepsMetadata: false,
    async read(key) {
      const path = join(root, 'new', 'root', 'lake', ...namesOfKey(key))
      return await readFile(path).catch(() => undefined)
    },
    async close() {
      await rm(root, { recursive: true, force: true })
    },
  }
})
