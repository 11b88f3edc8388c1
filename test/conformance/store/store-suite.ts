/**
 * What every store adapter must do: each sentence of the store ports, as tests. Run by each adapter's own test file with a
 * function that makes a fresh store.
 */
import { describe } from 'vitest'
import { appendSuite } from './append-suite.ts'
import { batchSuite } from './batch-suite.ts'
import { deriveSuite } from './derive-suite.ts'
import { leaseAndJournalSuite } from './lease-journal-suite.ts'
import type { MakeStore } from './fixture.ts'
import { modelSuite } from './model-suite.ts'
import { quarantineSuite } from './quarantine-suite.ts'
import { readSuite } from './read-suite.ts'
import { registrySuite } from './registry-suite.ts'
import { sealSuite } from './seal-suite.ts'
import { shardAppendSuite } from './shard-append-suite.ts'
import { shardsSuite } from './shards-suite.ts'

export type { MakeStore, StoreOptions, StoreUnderTest } from './fixture.ts'

export function storeConformance(name: string, make: MakeStore): void {
  describe(`${name}: append`, () => appendSuite(make))
  describe(`${name}: seal`, () => sealSuite(make))
  describe(`${name}: read`, () => readSuite(make))
  describe(`${name}: deliver`, () => batchSuite(make))
  describe(`${name}: derive`, () => deriveSuite(make))
  describe(`${name}: quarantine`, () => quarantineSuite(make))
  describe(`${name}: registry`, () => registrySuite(make))
  describe(`${name}: leases and journal`, () => leaseAndJournalSuite(make))
  describe(`${name}: shards`, () => shardsSuite(make))
  describe(`${name}: append from a shard`, () => shardAppendSuite(make))
  describe(`${name}: model`, () => modelSuite(make))
}
