/** The certificate that the API is served with, kept fresh. */
import { readFile } from 'node:fs/promises'
import type { Log } from '../account/log.ts'
import type { Config } from '../config/schema.ts'
import { StartError } from '../domain/errors.ts'
import { checkCertifiedKey, type CertifiedKey } from '../receive/http/bounded-server.ts'
import type { Clock } from '../runtime/clock.ts'
import { keepFresh } from '../runtime/fresh-files.ts'
import type { OnStop } from './parts.ts'

/** How long a replaced file may go unseen. */
const LOOK_EVERY_MS = 2_000

type Files = NonNullable<Config['server']['tls']>

/** @throws StartError for files that cannot be read, or are no certificate with its key */
export async function readCertifiedKey({ cert, key }: Files): Promise<CertifiedKey> {
  try {
    const certified = { cert: await readFile(cert), key: await readFile(key) }
    checkCertifiedKey(certified)
    return certified
  } catch (cause) {
    throw new StartError(
      `read certificate ${cert} with key ${key}: ${cause instanceof Error ? cause.message : String(cause)}`,
      { cause, hint: 'server.tls.cert and server.tls.key must be a certificate and its private key in PEM' },
    )
  }
}

export interface FreshCertificate {
  readonly files: Files
  readonly certify: (certified: CertifiedKey) => void
  readonly clock: Clock
  readonly log: Log
  readonly onStop: OnStop
}

/** Certifies again whenever the files change. */
export async function keepCertified({ files, certify, clock, log, onStop }: FreshCertificate): Promise<void> {
  const fresh = keepFresh({
    paths: () => [files.cert, files.key],
    load: async () => certify(await readCertifiedKey(files)),
    everyMs: LOOK_EVERY_MS,
    clock,
    onLoaded: () => log.info({ cert: files.cert }, 'certificate was replaced'),
    onError: (err) => log.error({ err }, 'certificate could not be replaced; the one before stays in use'),
  })
  await fresh.start()
  onStop(() => fresh.stop())
}
