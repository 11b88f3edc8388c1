/** Where a process listens: the sections `server` and `admin`. */
import { MIB } from '../domain/limits.ts'
import { byteSize, settings, text, wholeNumber, yesOrNo } from './fields.ts'

const port = () => wholeNumber(0, 65_535)
const host = () => text().default('127.0.0.1')

const tls = settings({
  cert: text().meta({
    description: 'File with the certificate, followed by those between it and the root, in PEM.',
    example: '/etc/hydrant/tls/tls.crt',
  }),
  key: text().meta({
    description: 'File with the private key of the certificate, in PEM, without a passphrase.',
    example: '/etc/hydrant/tls/tls.key',
  }),
})

export const server = settings({
  host: host().meta({
    description: 'Address on which the Firehose API listens. Beyond loopback, `auth` must be written out.',
  }),
  port: port()
    .default(4573)
    .meta({ description: 'Port of the Firehose API; 0 takes any free one, which is printed.' }),
  maxInFlightBytes: byteSize(MIB).prefault('64MiB').meta({
    description:
      'Bytes of request bodies held in memory at a time; beyond it requests are answered 503 unread.',
  }),
  tls: tls.exactOptional().meta({
    description: 'Serve the Firehose API by HTTPS. The files are read again when they change.',
    example: { cert: '/etc/hydrant/tls/tls.crt', key: '/etc/hydrant/tls/tls.key' },
  }),
})

export const admin = settings({
  host: host().meta({
    description:
      'Address of GET /metrics, /healthz, /readyz and /shards, and of /quarantine. Beyond loopback, `allowRemote` or `auth: { mode: none }` must be written out.',
  }),
  port: port()
    .default(4574)
    .meta({ description: 'Port of the operators’ endpoints; 0 takes any free one, which is printed.' }),
  allowRemote: yesOrNo().default(false).meta({
    description:
      'Let other machines reach the operators’ endpoints, which ask nobody for credentials, also with `auth.mode: sigv4`.',
  }),
})
