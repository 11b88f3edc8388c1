/** Where golden cases are tried: this project's server over a memory store, or what FIREHOSE_ENDPOINT names. */
import { setTimeout as sleep } from 'node:timers/promises'
import { ListDeliveryStreamsCommand, type FirehoseClient } from '@aws-sdk/client-firehose'
import { ACCOUNT_ID, BUCKET_ARN, ROLE_ARN } from '../../support/api-inputs.ts'
import { firehoseClient, serveApi, type RawAnswer } from '../../support/api-server.ts'
import type { Variables } from './case-file.ts'

export interface Sent {
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array
}

export interface GoldenEndpoint {
  /** The real one: answers are compared as far as they are promised. */
  readonly real: boolean
  readonly variables: Variables
  send(sent: Sent): Promise<RawAnswer>
  stop(): Promise<void>
}

export async function goldenEndpoint(): Promise<GoldenEndpoint> {
  const endpoint = process.env['FIREHOSE_ENDPOINT']
  return endpoint === undefined ? ownEndpoint() : realEndpoint(endpoint)
}

async function ownEndpoint(): Promise<GoldenEndpoint> {
  const api = await serveApi()
  return {
    real: false,
    variables: {
      role: ROLE_ARN,
      bucket: BUCKET_ARN,
      account: ACCOUNT_ID,
      region: 'us-east-1',
      orders: 'orders',
    },
    send: (sent) => post(api.url, sent),
    stop: () => api.stop(),
  }
}

/** The real service takes five calls of an operation a second. */
const PAUSE_MS = 1000

function realEndpoint(endpoint: string): GoldenEndpoint {
  const client = firehoseClient(endpoint)
  const { env } = process
  return {
    real: true,
    variables: {
      role: env['FIREHOSE_ROLE_ARN'] ?? ROLE_ARN,
      bucket: env['FIREHOSE_BUCKET_ARN'] ?? BUCKET_ARN,
      account: env['FIREHOSE_ACCOUNT_ID'] ?? ACCOUNT_ID,
      region: env['AWS_REGION'] ?? 'us-east-1',
      ...(env['FIREHOSE_STREAM'] === undefined ? {} : { orders: env['FIREHOSE_STREAM'] }),
    },
    async send(sent) {
      for (;;) {
        const answer = await sendSigned(client, endpoint, sent)
        if (!answer.text.includes('"ThrottlingException"')) return answer
        await sleep(PAUSE_MS)
      }
    },
    async stop() {
      client.destroy()
    },
  }
}

interface Signable {
  headers: Record<string, string>
  body: Uint8Array
}

/** Signed by the SDK, sent and received by hand, so that nothing checks or changes what a case says. */
async function sendSigned(client: FirehoseClient, endpoint: string, sent: Sent): Promise<RawAnswer> {
  const command = new ListDeliveryStreamsCommand({})
  let answer: RawAnswer | undefined
  command.middlewareStack.add(
    (next) => (args) => {
      const request = args.request as Signable
      request.body = sent.body
      delete request.headers['x-amz-target']
      Object.assign(request.headers, sent.headers, { 'content-length': String(sent.body.length) })
      return next(args)
    },
    { step: 'build', priority: 'low' },
  )
  command.middlewareStack.add(
    () => async (args) => {
      const { headers } = args.request as Signable
      answer = await post(endpoint, { headers, body: sent.body })
      const output = { $metadata: {}, DeliveryStreamNames: [], HasMoreDeliveryStreams: false }
      return { output, response: {} }
    },
    { step: 'deserialize', priority: 'high' },
  )
  await client.send(command)
  if (answer === undefined) throw new Error('send: the request was not sent')
  return answer
}

async function post(url: string, { headers, body }: Sent): Promise<RawAnswer> {
  const { host: _, 'content-length': __, ...rest } = headers
  const response = await fetch(url, { method: 'POST', headers: rest, body })
  return { status: response.status, headers: response.headers, text: await response.text() }
}
