/** What runs between the buffer and the conversion: the section `processing`. */
import { z } from 'zod'
import { KIB } from '../domain/limits.ts'
import { byteSize, settings, text, wholeNumber } from './fields.ts'
import { isWebUrl } from './web-url.ts'

const urlPrefix = text().refine(
  isWebUrl,
  'must be a URL that starts with http:// or https://, without user and password',
)

export const processing = settings({
  queryMaxMs: wholeNumber(10, 600_000).default(5_000).meta({
    description:
      'Longest time, in milliseconds, of a jq query for one block of records. One that takes longer is stopped; the record that it cannot be done with goes to the error prefix.',
  }),
  queryOutputMaxBytes: byteSize(64 * KIB)
    .prefault('16MiB')
    .meta({ description: 'Most that a jq query may make of one block of records.' }),
  transformsPerBatch: wholeNumber(1, 64).default(5).meta({
    description: 'Calls to a transform (Lambda or `transform.url`) under way at a time for one batch.',
  }),
  allowedUrls: z
    .array(urlPrefix, { error: 'must be a list of URLs' })
    .default([])
    .meta({
      description:
        'Beginnings of URLs on loopback, link-local or private addresses that transforms may call: all paths below one, at its host and port. Other addresses need no entry.',
      values: 'list of URLs',
      example: ['http://127.0.0.1:8080/transform'],
    }),
})
