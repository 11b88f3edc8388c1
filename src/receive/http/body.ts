/**
 * Reads request bodies. Memory grows with the bytes that came, not with what a client announced, and all bodies together
 * stay within one budget: a request that would pass it is refused before its body is read.
 *
 * A body holds its share of the budget until its answer is written, since its records stay in memory until then.
 */
import type { IncomingMessage } from 'node:http'
import type { Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { ClientError } from '../../domain/errors.ts'
import { BODY_BYTES_MAX } from '../../domain/limits.ts'

/** Smallest allocation for a body that comes in small pieces. */
const FIRST_BYTES = 1024
/** How far past the limit a body is read and thrown away, so that its sender reads the answer and not a reset. */
const DISCARDED_BYTES_MAX = 8 * BODY_BYTES_MAX

/** All bodies now in memory. */
export class BodyBudget {
  readonly #bytesMax: number
  #bytes = 0

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
  }

  get bytes(): number {
    return this.#bytes
  }

  holds(bytes: number): boolean {
    return this.#bytes + bytes <= this.#bytesMax
  }

  open(): BodyShare {
    let held = 0
    return {
      take: (bytes) => {
        if (!this.holds(bytes)) throw overloaded()
        held += bytes
        this.#bytes += bytes
      },
      release: () => {
        this.#bytes -= held
        held = 0
      },
    }
  }
}

/** What one request holds of the budget. */
export interface BodyShare {
  /** @throws ClientError ServiceUnavailableException when the budget does not hold so many more */
  take(bytes: number): void
  /** Gives everything back; may be called again. */
  release(): void
}

/** Thrown when the client went away; there is nobody to answer. */
export class BodyAborted extends Error {
  override readonly name = 'BodyAborted'
}

/**
 * The body's bytes.
 *
 * @throws ClientError 413 for a body over the limit, 503 when the budget is spent, 400 for an encoding that is not known
 */
export async function readBody(
  request: IncomingMessage,
  budget: BodyBudget,
  share: BodyShare,
): Promise<Buffer> {
  const encoding = request.headers['content-encoding'] ?? 'identity'
  if (encoding !== 'identity' && encoding !== 'gzip')
    throw new ClientError(
      'SerializationException',
      `Content-Encoding ${encoding} is not supported. Supported: gzip`,
    )
  const declared = Number(request.headers['content-length'] ?? Number.NaN)
  if (declared > DISCARDED_BYTES_MAX) throw tooLarge()
  if (!budget.holds(Number.isNaN(declared) ? FIRST_BYTES : Math.min(declared, BODY_BYTES_MAX)))
    throw overloaded()
  if (encoding === 'gzip') return collect(inflated(request), BODY_BYTES_MAX, share)
  return collect(request, Number.isNaN(declared) ? BODY_BYTES_MAX : declared, share)
}

function inflated(request: IncomingMessage): Readable {
  const gunzip = createGunzip()
  request.once('close', () => {
    if (!request.complete) gunzip.destroy()
  })
  return request.pipe(gunzip)
}

/** Gathers a body of at most `bytesMax` into one Buffer that grows with it. */
function collect(source: Readable, bytesMax: number, share: BodyShare): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    let whole: Buffer | undefined
    let length = 0
    const onData = (piece: Buffer): void => {
      const start = length
      length += piece.length
      try {
        if (length > BODY_BYTES_MAX) throw tooLarge()
        whole = grown(whole, start, piece, bytesMax, share)
      } catch (error) {
        fail(error)
      }
    }
    const onClose = (): void => fail(new BodyAborted('read body: the client went away'))
    const stopListening = (): void => {
      source.off('data', onData)
      source.off('close', onClose)
    }
    const fail = (error: unknown): void => {
      whole = undefined
      stopListening()
      share.release()
      reject(error)
    }
    source.on('data', onData)
    source.once('close', onClose)
    source.once('error', (error) => fail(unreadable(error)))
    source.once('end', () => {
      stopListening()
      resolve(whole?.subarray(0, length) ?? Buffer.alloc(0))
    })
  })
}

function grown(
  whole: Buffer | undefined,
  start: number,
  piece: Buffer,
  bytesMax: number,
  share: BodyShare,
): Buffer {
  const length = start + piece.length
  if (whole === undefined && length === bytesMax) {
    share.take(length)
    return piece
  }
  let target = whole
  if (target === undefined || target.length < length) {
    const capacity = Math.max(length, Math.min(bytesMax, Math.max(FIRST_BYTES, 4 * length)))
    share.take(capacity - (whole?.length ?? 0))
    target = Buffer.allocUnsafeSlow(capacity)
    whole?.copy(target, 0, 0, start)
  }
  piece.copy(target, start)
  return target
}

/** Lets the rest of a refused body pass, up to a bound; then the connection is cut. */
export function discardBody(request: IncomingMessage): Promise<void> {
  return new Promise((resolve) => {
    if (request.complete || request.destroyed) {
      resolve()
      return
    }
    let bytes = 0
    request.unpipe()
    request.on('data', (piece: Buffer) => {
      bytes += piece.length
      if (bytes > DISCARDED_BYTES_MAX) request.destroy()
    })
    request.once('end', resolve)
    request.once('close', resolve)
    request.resume()
  })
}

function unreadable(error: Error): Error {
  const code: unknown = Reflect.get(error, 'code')
  return typeof code === 'string' && code.startsWith('Z_')
    ? new ClientError('SerializationException', 'The body is not valid gzip')
    : new BodyAborted('read body: the client went away', { cause: error })
}

function tooLarge(): ClientError {
  return new ClientError(
    'RequestEntityTooLarge',
    `Request body must not be larger than ${BODY_BYTES_MAX} bytes`,
    413,
  )
}

function overloaded(): ClientError {
  return new ClientError('ServiceUnavailableException', 'Slow down.', 503)
}
