/**
 * AWS JSON 1.1 over HTTP: from a request to an operation, from its output or error to an answer. The only place that
 * knows how an error looks on the wire; nothing but a ClientError's own words ever leaves.
 */
import { isAscii, isUtf8 } from 'node:buffer'
import { randomBytes, randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Metrics } from '../../account/metrics.ts'
import { BufferUnavailableError, ClientError } from '../../domain/errors.ts'
import { deliveryStreamArn } from '../arns.ts'
import type { Api, Call, Caller } from './api.ts'
import type { Authenticate } from './auth/authenticate.ts'
import {
  BodyAborted,
  checkAnnounced,
  discardBody,
  readBody,
  type BodyBudget,
  type BodyShare,
} from './body.ts'
import { refuseCrowded } from './crowded-body.ts'
import { operations } from './operations.ts'

const TARGET_PREFIX = 'Firehose_20150804.'
export const CONTENT_TYPE = 'application/x-amz-json-1.1'

export interface Front {
  readonly api: Api
  readonly budget: BodyBudget
  readonly metrics: Metrics
  readonly authenticate: Authenticate
  /** The server is stopping: connections close after their answer. */
  isStopping(): boolean
}

interface Answer {
  readonly status: number
  readonly body: string
  /** `ok`, the exception's name, or `Aborted`. */
  readonly result: string
  /** The connection cannot go on after it. */
  readonly isLast: boolean
}

export async function answerRequest(
  request: IncomingMessage,
  response: ServerResponse,
  front: Front,
): Promise<void> {
  const started = front.api.clock.monotonicMs()
  const share = front.budget.open()
  const requestId = randomUUID()
  const name = operationName(request)
  const answer = await answered({ request, response, name, share, requestId }, front)
  if (response.closed) share.release()
  else response.once('close', () => share.release())
  if (!request.complete) await letPass(request, answer)
  if (!response.destroyed) write(response, answer, requestId, front.isStopping() || answer.isLast)
  const operation = operations.has(name) ? name : 'unknown'
  front.metrics.count('hydrant_requests_total', { operation, result: answer.result })
  front.metrics.observe(
    'hydrant_request_seconds',
    { operation },
    (front.api.clock.monotonicMs() - started) / 1000,
  )
}

/** Answers a request that breaks HTTP in a way that its parser lets pass. */
export function answerBroken(request: IncomingMessage, response: ServerResponse, front: Front): void {
  answerUnread(new ClientError('SerializationException', 'Bad Request'), request, response, front)
}

/** Answers what is at no known method and path. */
export function answerUnknown(request: IncomingMessage, response: ServerResponse, front: Front): void {
  answerUnread(unknownOperation(''), request, response, front)
}

/** The last resort, for a failure outside of every operation. */
export function answerDefect(
  error: unknown,
  request: IncomingMessage,
  response: ServerResponse,
  front: Front,
): void {
  front.api.log.error({ err: error }, 'request failed')
  if (response.headersSent) response.destroy()
  else answerUnread(internalFailure(), request, response, front)
}

function answerUnread(
  error: ClientError,
  request: IncomingMessage,
  response: ServerResponse,
  front: Front,
): void {
  const isLast = front.isStopping() || expectsContinue(request)
  void discardBody(request)
  write(response, errorAnswer(error), randomUUID(), isLast)
  front.metrics.count('hydrant_requests_total', { operation: 'unknown', result: error.type })
}

interface Exchange {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  /** Of the operation. */
  readonly name: string
  readonly share: BodyShare
  readonly requestId: string
}

async function answered(exchange: Exchange, front: Front): Promise<Answer> {
  const { request, response, name, share, requestId } = exchange
  let isLast = expectsContinue(request)
  try {
    const operation = operations.get(name)
    if (operation === undefined) throw unknownOperation(name)
    const claim = front.authenticate({
      method: request.method ?? '',
      target: request.url ?? '',
      rawHeaders: request.rawHeaders,
    })
    checkAnnounced(request, front.budget)
    if (isLast) response.writeContinue()
    isLast = false
    const body = await readBody(request, share)
    const call = readCall(body.bytes, claim.prove(body.sha256))
    call.caller.authorize(`firehose:${name}`, namedResource(name, call.input, front.api))
    return { status: 200, body: await operation(call, front.api), result: 'ok', isLast: false }
  } catch (error) {
    return errorAnswer(clientErrorFrom(error, name, requestId, front), isLast)
  }
}

/** Its body comes only when it is asked for; after another answer it may never come. */
function expectsContinue({ headers: { expect }, httpVersion, complete }: IncomingMessage): boolean {
  return expect !== undefined && !complete && httpVersion === '1.1' && /\b100-continue\b/i.test(expect)
}

/** Longer texts are no names of streams. */
const NAMED_MAX = 512

/** What IAM is asked about. A call that lists streams names none; one without a name is refused later. */
function namedResource(operation: string, input: unknown, api: Api): string {
  if (operation === 'ListDeliveryStreams') return '*'
  const name = (input as { readonly DeliveryStreamName?: unknown } | null)?.DeliveryStreamName
  return deliveryStreamArn(typeof name === 'string' ? name.slice(0, NAMED_MAX) : '', api)
}

/** What is left of a refused body: a sender of too much must hear so before its connection is closed. */
async function letPass(request: IncomingMessage, answer: Answer): Promise<void> {
  const passed = discardBody(request)
  if (answer.status === 413) await passed
}

function operationName(request: IncomingMessage): string {
  const target = request.headers['x-amz-target']
  return typeof target === 'string' && target.startsWith(TARGET_PREFIX)
    ? target.slice(TARGET_PREFIX.length)
    : ''
}

function readCall(body: Buffer, caller: Caller): Call {
  refuseCrowded(body)
  const ascii = isAscii(body)
  if (!ascii && !isUtf8(body)) throw new ClientError('SerializationException', 'The body is not UTF-8')
  const text = body.toString(ascii ? 'latin1' : 'utf8')
  return { caller, input: parse(text), plain: ascii && !text.includes('\\u') }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new ClientError('SerializationException', 'The body is not valid JSON')
  }
}

/** Every failure of a request as the caller may see it; defects are logged here, once. */
function clientErrorFrom(error: unknown, operation: string, requestId: string, front: Front): ClientError {
  if (error instanceof ClientError) return error
  if (error instanceof BodyAborted) return new ClientError('Aborted', 'The client went away')
  if (error instanceof BufferUnavailableError)
    return new ClientError(
      'ServiceUnavailableException',
      'The service is unavailable. Back off and retry the operation.',
      503,
    )
  front.api.log.error({ operation, requestId, err: error }, 'request failed')
  return internalFailure()
}

function internalFailure(): ClientError {
  return new ClientError('InternalFailure', 'The request failed because of an internal error.', 500)
}

function unknownOperation(name: string): ClientError {
  return new ClientError(
    'UnknownOperationException',
    /^[A-Za-z]{1,64}$/.test(name)
      ? `${name} is not an operation of this version of Hydrant`
      : `Requests are POST / with the header X-Amz-Target: ${TARGET_PREFIX}<Operation>`,
  )
}

/** The service writes the member with a capital where it denies access (seen in its answers), else without. */
function errorAnswer(error: ClientError, isLast = false): Answer {
  const member = error.type === 'AccessDeniedException' ? 'Message' : 'message'
  const body = JSON.stringify({ __type: error.type, [member]: error.message })
  return { status: error.status, body, result: error.type, isLast: isLast || error.status === 413 }
}

function write(response: ServerResponse, answer: Answer, requestId: string, close: boolean): void {
  const bytes = Buffer.byteLength(answer.body)
  response.writeHead(answer.status, {
    'x-amzn-RequestId': requestId,
    'x-amz-id-2': extendedRequestId(),
    'Content-Type': CONTENT_TYPE,
    'Content-Length': bytes,
    ...(close ? { Connection: 'close' } : {}),
  })
  // A text of one byte a character is written without a walk over it.
  response.end(answer.body, bytes === answer.body.length ? 'latin1' : 'utf8')
}

const EXTENDED_ID_BYTES = 72
let randomness: Buffer = Buffer.alloc(0)

/** Opaque, as long as the service's. Randomness is drawn for many at a time. */
function extendedRequestId(): string {
  if (randomness.length < EXTENDED_ID_BYTES) randomness = randomBytes(256 * EXTENDED_ID_BYTES)
  const id = randomness.toString('base64', 0, EXTENDED_ID_BYTES)
  randomness = randomness.subarray(EXTENDED_ID_BYTES)
  return id
}
