/**
 * Three families, by who must act. `ClientError`: the caller of the API. `DestinationError` and `BufferUnavailableError`:
 * the retry policy. Anything else is a defect of ours and is caught only by the process or the job boundary.
 */

/** An answer of the Firehose API. Made by accept and the operations, turned into HTTP in receive/http/protocol only. */
export class ClientError extends Error {
  override readonly name = 'ClientError'
  /** The AWS exception name, the body's `__type`. */
  readonly type: string
  readonly status: number
  constructor(type: string, message: string, status = 400) {
    super(message)
    this.type = type
    this.status = status
  }
}

interface ErrorOptions {
  readonly cause?: unknown
  /** What the operator can do next. */
  readonly hint?: string
}

/** An object could not be put. `collision`: its key holds other data; never retried, never overwritten, never renamed. */
export class DestinationError extends Error {
  override readonly name = 'DestinationError'
  /** S3's code, or ours: `AccessDenied`, `NoSuchBucket`, `Timeout`, `Collision`… */
  readonly code: string
  readonly retryable: boolean
  readonly hint: string | undefined
  constructor(message: string, options: ErrorOptions & { code: string; retryable: boolean }) {
    super(message, { cause: options.cause })
    this.code = options.code
    this.retryable = options.retryable
    this.hint = options.hint
  }
}

/** The store did not answer, or its answer was lost: what was asked may or may not have happened. */
export class BufferUnavailableError extends Error {
  override readonly name = 'BufferUnavailableError'
  readonly hint: string | undefined
  constructor(message: string, options: ErrorOptions = {}) {
    super(message, { cause: options.cause })
    this.hint = options.hint
  }
}

/** Conversion could not run now: out of memory, a full staging disk. Never an error record. */
export class EncoderError extends Error {
  override readonly name = 'EncoderError'
  readonly code: string
  readonly hint: string | undefined
  constructor(message: string, options: ErrorOptions & { code: string }) {
    super(message, { cause: options.cause })
    this.code = options.code
    this.hint = options.hint
  }
}

/** The start was refused: what is wrong and what to do, in sentences for the operator. */
export class StartError extends Error {
  override readonly name = 'StartError'
  readonly hint: string | undefined
  constructor(message: string, options: ErrorOptions = {}) {
    super(message, { cause: options.cause })
    this.hint = options.hint
  }
}

/** A frame that this build cannot read. `newer`: written by a later version of Hydrant; leave it alone. */
export class FrameError extends Error {
  override readonly name = 'FrameError'
  readonly newer: boolean
  constructor(message: string, newer = false) {
    super(message)
    this.newer = newer
  }
}

/** Closes a switch over a union: does not compile while a case is missing. */
export function unreachable(value: never): never {
  throw new Error(`unreachable: ${JSON.stringify(value)}`)
}
