/**
 * Reads request bodies. Memory grows with the bytes that came, not with what a client announced, and all bodies together
 * stay within one budget: a request that would pass it is refused before its body is read.
 *
 * A body holds its share of the budget until its answer is written, since its records stay in memory until then.
 */
import { createHash, hash } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { ClientError } from '../../domain/errors.ts'
import { BODY_BYTES_MAX, KIB } from '../../domain/limits.ts'

/** Smallest allocation for a body that comes in small pieces. */
const FIRST_BYTES = 1024
/** Up to here a body doubles its memory when it grows: many may be slow. Beyond, it is copied less often. */
const SMALL_BYTES = 16 * KIB
/** What inflating costs besides the body: a window of 32 KiB, and buffers. */
const INFLATING_BYTES = 64 * KIB
/** How far past the limit a body is read and thrown away, so that its sender reads the answer and not a reset. */
const DISCARDED_BYTES_MAX = 8 * BODY_BYTES_MAX
/** For how long, once it has been answered. */
const DISCARD_MAX_MS = 5_000

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

export interface Body {
  /** Inflated, where it came compressed. */
  readonly bytes: Buffer
  /** SHA-256 of what came on the wire, in hex. */
  readonly sha256: () => string
}

/**
 * Looks at what a request says of its body, before any of it is read.
 *
 * @throws ClientError 413 for a body that is not even thrown away, 503 when the budget is spent, 400 for an unknown encoding
 */
export function checkAnnounced(request: IncomingMessage, budget: BodyBudget): void {
  const encoding = request.headers['content-encoding'] ?? 'identity'
  if (encoding !== 'identity' && encoding !== 'gzip')
    throw new ClientError(
      'SerializationException',
      `Content-Encoding ${encoding} is not supported. Supported: gzip`,
    )
  const declared = declaredLength(request)
  if (declared !== undefined && declared > DISCARDED_BYTES_MAX) throw tooLarge()
  if (!budget.holds(Math.min(declared ?? FIRST_BYTES, BODY_BYTES_MAX))) throw overloaded()
}

/**
 * The whole body of a request that `checkAnnounced` let pass.
 *
 * @throws ClientError 413 for a body over the limit, 503 when the budget is spent, 400 for what is not gzip
 */
export async function readBody(request: IncomingMessage, share: BodyShare): Promise<Body> {
  if (request.headers['content-encoding'] === 'gzip') return readInflated(request, share)
  const bytes = await collect(request, declaredLength(request) ?? BODY_BYTES_MAX, share)
  return { bytes, sha256: () => hash('sha256', bytes, 'hex') }
}

function declaredLength({ headers }: IncomingMessage): number | undefined {
  return headers['content-length'] === undefined ? undefined : Number(headers['content-length'])
}

async function readInflated(request: IncomingMessage, share: BodyShare): Promise<Body> {
  share.take(INFLATING_BYTES)
  const wire = createHash('sha256')
  const onData = (piece: Buffer): void => void wire.update(piece)
  request.on('data', onData)
  try {
    const bytes = await collect(inflated(request), BODY_BYTES_MAX, share)
    // What follows the compressed part was neither read nor hashed.
    if (!request.readableEnded) throw notGzip()
    return { bytes, sha256: () => wire.digest('hex') }
  } finally {
    request.off('data', onData)
  }
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
    const growth = length < SMALL_BYTES ? 2 : 4
    const capacity = Math.max(length, Math.min(bytesMax, Math.max(FIRST_BYTES, growth * length)))
    share.take(capacity - (whole?.length ?? 0))
    target = Buffer.allocUnsafeSlow(capacity)
    whole?.copy(target, 0, 0, start)
  }
  piece.copy(target, start)
  return target
}

/** Lets the rest of a refused body pass, up to bounds of size and time; then the connection is cut. */
export function discardBody(request: IncomingMessage): Promise<void> {
  return new Promise((resolve) => {
    if (request.complete || request.destroyed) {
      resolve()
      return
    }
    let bytes = 0
    const cut = setTimeout(() => request.destroy(), DISCARD_MAX_MS).unref()
    const done = (): void => {
      clearTimeout(cut)
      resolve()
    }
    request.unpipe()
    request.on('data', (piece: Buffer) => {
      bytes += piece.length
      if (bytes > DISCARDED_BYTES_MAX) request.destroy()
    })
    request.once('end', done)
    request.once('close', done)
    request.resume()
  })
}

function unreadable(error: Error): Error {
  const code: unknown = Reflect.get(error, 'code')
  return typeof code === 'string' && code.startsWith('Z_')
    ? notGzip()
    : new BodyAborted('read body: the client went away', { cause: error })
}

function notGzip(): ClientError {
  return new ClientError('SerializationException', 'The body is not valid gzip')
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
