/** A record's keys do not depend on the time zone of the machine that reads them: every process names the same objects. */
import { afterEach, expect, test, vi } from 'vitest'
import { framesWith, inWords, partitioned } from '../../support/partition-input.ts'

afterEach(() => {
  vi.unstubAllEnvs()
})

test.each(['UTC', 'Europe/Berlin', 'America/Sao_Paulo'])(
  'times are read in UTC where the zone is %s, also in hours that it leaves out',
  async (zone) => {
    vi.stubEnv('TZ', zone)
    const partitions = await partitioned({
      prefix: '!{partitionKeyFromQuery:k}/',
      query: '{k: (.t | strptime("%Y-%m-%dT%H:%M:%SZ") | mktime | todate)}',
      frames: framesWith([
        '{"t":"2024-03-31T02:30:00Z"}',
        '{"t":"2018-11-04T00:30:00Z"}',
        '{"t":"2024-07-01T12:00:00Z"}',
      ]),
    })
    expect(inWords(partitions)).toEqual([
      'k=2024-03-31T02:30:00Z #0',
      'k=2018-11-04T00:30:00Z #0',
      'k=2024-07-01T12:00:00Z #0',
    ])
  },
)

test('days are counted by weeks as in UTC', async () => {
  vi.stubEnv('TZ', 'Pacific/Apia')
  const partitions = await partitioned({
    prefix: '!{partitionKeyFromQuery:k}/',
    query: '{k: ("2024 7 Wed" | strptime("%Y %U %a") | mktime | todate)}',
    frames: framesWith(['{}']),
  })
  expect(inWords(partitions)).toEqual(['k=2024-02-21T00:00:00Z #0'])
})
