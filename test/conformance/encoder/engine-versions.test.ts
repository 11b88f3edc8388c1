/** The version that a plan pins tells of the engine and of the rules by which it takes values, so that a process of others says so. */
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { createLog } from '../../../src/account/log.ts'
import { openEngines } from '../../../src/convert/engines.ts'
import type { ConvertingEngine } from '../../../src/domain/plan.ts'
import { CONVERSION_RULES_VERSION } from '../../../src/domain/plan.ts'

test.each<[ConvertingEngine, RegExp]>([
  ['duckdb', /^duckdb-v[\d.]+-rules-(.+)$/],
  ['js', /^parquetjs-lite-[\d.]+-rules-(.+)$/],
])('the engine %s is planned with its version and that of the rules', async (engine, form) => {
  const stagingPath = await mkdtemp(join(tmpdir(), 'hydrant-versions-'))
  try {
    const log = createLog('error')
    const engines = await openEngines({ engine, stagingPath, threads: 1, memoryLimitBytes: 128 << 20, log })
    expect(form.exec(engines.planned.version)?.[1]).toBe(CONVERSION_RULES_VERSION)
    await engines.close()
    expect(await readdir(stagingPath)).toEqual([])
  } finally {
    await rm(stagingPath, { recursive: true })
  }
})
