/**
 * Delivery streams by name, for puts: a put must not ask the registry each time. What is answered here may be a little
 * old; that is safe, because the append itself refuses an incarnation that is gone or not ACTIVE, and the caller then
 * forgets the name and asks again.
 */
import type { DeliveryStream } from '../domain/delivery-stream.ts'
import { BufferUnavailableError } from '../domain/errors.ts'
import type { Clock, Registry } from '../domain/ports.ts'

const FRESH_MS = 1_000
/** How long "there is no such stream" is believed; short, since another process may just have created it. */
const ABSENT_MS = 100
const NAMES_MAX = 10_000

export interface StreamDirectory {
  /** Rejects with BufferUnavailableError when the store is unreachable and nothing is known of the name. */
  find(name: string): Promise<DeliveryStream | undefined>
  /** The next `find` asks the registry. */
  forget(name: string): void
}

interface Entry {
  readonly stream: DeliveryStream | undefined
  readonly staleAtMs: number
}

export function createStreamDirectory(options: {
  readonly registry: Registry
  readonly clock: Clock
}): StreamDirectory {
  const { registry, clock } = options
  const entries = new Map<string, Entry>()
  const lookups = new Map<string, Promise<DeliveryStream | undefined>>()

  function remember(name: string, stream: DeliveryStream | undefined): void {
    if (entries.size >= NAMES_MAX && !entries.has(name)) {
      const [oldest] = entries.keys()
      if (oldest !== undefined) entries.delete(oldest)
    }
    const believedMs = stream === undefined ? ABSENT_MS : FRESH_MS
    entries.set(name, { stream, staleAtMs: clock.monotonicMs() + believedMs })
  }

  async function ask(name: string): Promise<DeliveryStream | undefined> {
    try {
      return await registry.get(name)
    } catch (error) {
      const known = entries.get(name)?.stream
      if (known === undefined || !(error instanceof BufferUnavailableError)) throw error
      return known
    }
  }

  /** One question at a time for each name; an answer that was forgotten while it came is not remembered. */
  async function lookUp(name: string): Promise<DeliveryStream | undefined> {
    const asked = ask(name)
    lookups.set(name, asked)
    try {
      const stream = await asked
      if (lookups.get(name) === asked) remember(name, stream)
      return stream
    } finally {
      if (lookups.get(name) === asked) lookups.delete(name)
    }
  }

  return {
    async find(name) {
      const entry = entries.get(name)
      if (entry !== undefined && clock.monotonicMs() < entry.staleAtMs) return entry.stream
      return lookups.get(name) ?? lookUp(name)
    },
    forget(name) {
      entries.delete(name)
      lookups.delete(name)
    },
  }
}
