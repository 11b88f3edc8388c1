/**
 * A small, honest AWS Lambda for tests: Invoke alone, of functions that are defined here, for requests that are signed with a
 * secret that it knows. Bounds, versions, aliases and what a failed function looks like are those of the real one
 * (docs.aws.amazon.com/lambda/latest/api/API_Invoke.html).
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { signedBy } from './signature.ts'

/** The event as a function reads it. */
export interface FirehoseEvent {
  readonly invocationId: string
  readonly deliveryStreamArn: string
  readonly sourceKinesisStreamArn?: string
  readonly region: string
  readonly records: readonly FirehoseRecord[]
}

export interface FirehoseRecord {
  readonly recordId: string
  readonly approximateArrivalTimestamp: number
  readonly data: string
  readonly kinesisRecordMetadata?: Readonly<Record<string, unknown>>
}

/** What it returns is answered as JSON, a RawAnswer as it is; what it throws is a function error. */
export type LambdaFunction = (event: FirehoseEvent) => unknown

export class RawAnswer {
  readonly text: string
  constructor(text: string) {
    this.text = text
  }
}

export interface LambdaFault {
  readonly status: number
  readonly type: string
}

export interface Invocation {
  readonly name: string
  readonly qualifier: string
  readonly event: FirehoseEvent
  readonly bytes: number
  readonly accessKeyId: string
  readonly region: string
}

export interface FakeLambda {
  readonly endpoint: string
  readonly invocations: readonly Invocation[]
  /** Most that ran at a time. */
  readonly mostAtOnce: number
  /** @param qualifier a version or an alias */
  define(name: string, run: LambdaFunction, qualifier?: string): void
  /** Answers the next requests with these, one each; `cut`: ends the connection. */
  fail(...faults: (LambdaFault | 'cut')[]): void
  close(): Promise<void>
}

const REQUEST_BYTES_MAX = 6_291_456
const RESPONSE_BYTES_MAX = 6_291_556

class Refusal extends Error {
  readonly fault: LambdaFault
  constructor(status: number, type: string) {
    super(type)
    this.fault = { status, type }
  }
}

/** @param secrets by access key id */
export async function startFakeLambda(secrets: Readonly<Record<string, string>>): Promise<FakeLambda> {
  const functions = new Map<string, LambdaFunction>()
  const invocations: Invocation[] = []
  const faults: (LambdaFault | 'cut')[] = []
  let [running, mostAtOnce] = [0, 0]

  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const body = await textOf(request)
    const fault = faults.shift()
    if (fault === 'cut') return void request.socket.destroy()
    try {
      if (fault !== undefined) throw new Refusal(fault.status, fault.type)
      const invocation = invocationOf(request, body, secrets)
      const run = functions.get(`${invocation.name}:${invocation.qualifier}`)
      if (run === undefined) throw new Refusal(404, 'ResourceNotFoundException')
      invocations.push(invocation)
      running += 1
      mostAtOnce = Math.max(mostAtOnce, running)
      try {
        answer(response, await ranTo(run, invocation.event))
      } finally {
        running -= 1
      }
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      const { status, type } = error.fault
      answer(response, {
        status,
        headers: { 'x-amzn-errortype': type },
        text: JSON.stringify({ Message: type }),
      })
    }
  }
  const server = createServer((request, response) => {
    serve(request, response).catch((error: unknown) => response.destroy(error as Error))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    invocations,
    get mostAtOnce() {
      return mostAtOnce
    },
    define: (name, run, qualifier = '$LATEST') => void functions.set(`${name}:${qualifier}`, run),
    fail: (...next) => void faults.push(...next),
    async close() {
      server.closeAllConnections()
      await new Promise<void>((resolve) => server.close(() => resolve()))
    },
  }
}

function invocationOf(
  { method = '', url = '', headers }: IncomingMessage,
  body: string,
  secrets: Readonly<Record<string, string>>,
): Invocation {
  // All services but S3 sign the path encoded once more.
  const signed = signedBy({ method, url: url.replaceAll('%', '%25'), headers, body })
  const [, , region = '', service] =
    /Credential=([^,]+)/.exec(headers.authorization ?? '')?.[1]?.split('/') ?? []
  const secret = secrets[signed.accessKeyId]
  if (secret === undefined || service !== 'lambda') throw new Refusal(403, 'UnrecognizedClientException')
  if (signed.signature !== signed.expected(secret)) throw new Refusal(403, 'InvalidSignatureException')
  if (headers['x-amz-invocation-type'] !== 'RequestResponse')
    throw new Refusal(400, 'InvalidParameterValueException')
  const path = /^\/2015-03-31\/functions\/([^/?]+)\/invocations(?:\?Qualifier=(.+))?$/.exec(url)
  const named = decodeURIComponent(path?.[1] ?? '')
  const arn = /^arn:aws:lambda:([a-z0-9-]+):\d{12}:function:([\w-]+)(?::([\w$-]+))?$/.exec(named)
  if (method !== 'POST' || arn === null) throw new Refusal(400, 'ValidationException')
  if (arn[1] !== region) throw new Refusal(404, 'ResourceNotFoundException')
  const bytes = Buffer.byteLength(body)
  if (bytes > REQUEST_BYTES_MAX) throw new Refusal(413, 'RequestTooLargeException')
  const event = eventIn(body)
  const qualifier = arn[3] ?? path?.[2] ?? '$LATEST'
  return { name: arn[2] ?? '', qualifier, event, bytes, accessKeyId: signed.accessKeyId, region }
}

function eventIn(body: string): FirehoseEvent {
  try {
    return JSON.parse(body) as FirehoseEvent
  } catch {
    throw new Refusal(400, 'InvalidRequestContentException')
  }
}

interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly text: string
}

async function ranTo(run: LambdaFunction, event: FirehoseEvent): Promise<Answer> {
  try {
    const returned = await run(event)
    const text = returned instanceof RawAnswer ? returned.text : JSON.stringify(returned ?? null)
    if (Buffer.byteLength(text) <= RESPONSE_BYTES_MAX) return { status: 200, headers: {}, text }
    return functionError(
      'Function.ResponseSizeTooLarge',
      `Response payload size exceeded maximum allowed payload size (${RESPONSE_BYTES_MAX} bytes).`,
    )
  } catch (error) {
    const { name, message } = error as Error
    return functionError(name, message)
  }
}

function functionError(errorType: string, errorMessage: string): Answer {
  const text = JSON.stringify({ errorType, errorMessage, trace: [] })
  return { status: 200, headers: { 'x-amz-function-error': 'Unhandled' }, text }
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString()
}

function answer(response: ServerResponse, { status, headers, text }: Answer): void {
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
    'x-amz-executed-version': '$LATEST',
    ...headers,
  })
  response.end(text)
}

/** A function that answers Ok with what `change` makes of each record. */
export function mapping(change: (text: string) => string): LambdaFunction {
  return ({ records }) => ({
    records: records.map(({ recordId, data }) => ({
      recordId,
      result: 'Ok',
      data: Buffer.from(change(Buffer.from(data, 'base64').toString())).toString('base64'),
    })),
  })
}
